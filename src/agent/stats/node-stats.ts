/** Measures a node and its pods, and answers about them. */
import type { Clock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import type { CommandRunner } from '../../host/command.ts'
import type { Logger } from '../../host/log.ts'
import type { HostFacts } from '../node/host-facts.ts'
import type { Sandboxes } from '../runtime/sandboxes.ts'
import type { Stats } from '../runtime/stats.ts'
import type { Answer, Page } from '../server/routes.ts'
import { readAgent, readMachine } from '../usage/machine-usage.ts'
import { readNetwork } from '../usage/network-counters.ts'
import { createAgentMetrics } from './agent-metrics.ts'
import { type MeasuredPod, measuredPods } from './measured-pods.ts'
import { createStatsPages } from './pages.ts'
import { createSampler } from './sampler.ts'

export interface NodeStatsOptions {
  readonly nodeName: string
  readonly host: Pick<HostFacts, 'cpus' | 'memoryBytes' | 'info'>
  /** Podway's own. */
  readonly version: string
  readonly agent: {
    /** By uid. */
    readonly podOf: (uid: string) => Pod | undefined
    readonly volumesOf: (uid: string) => readonly string[]
    readonly runtimes: { readonly sandboxes: Pick<Sandboxes, 'list'>; readonly stats: Stats }
  }
  /** On the disk of logs and volumes. */
  readonly dataDir: string
  readonly runner: Pick<CommandRunner, 'run'>
  readonly log: Logger
  readonly clock?: Clock
}

export interface NodeStats {
  /** By the kubelet's paths. */
  readonly pages: Readonly<Record<string, Page>>
  /** Counts what is answered. */
  counted(answer: Answer): Answer
  /** What the pods that run here use, all looked at within the last seconds. */
  measured(): Promise<readonly MeasuredPod[]>
  /** Measures until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

export const createNodeStats = (options: NodeStatsOptions): NodeStats => {
  const { nodeName, version, agent, log, clock } = options
  const { sandboxes, stats } = agent.runtimes
  const metrics = createAgentMetrics({ nodeName, version, sandboxes: sandboxes.list })
  const sampler = createSampler({
    sources: {
      ...{ sandboxes: sandboxes.list, containers: stats.read, network: readNetwork },
      ...{ machine: readMachine, agent: readAgent },
    },
    ...{ log, onPass: metrics.passed, ...(clock ? { clock } : {}) },
  })
  const pages = createStatsPages({ ...options, ...agent, sampler, metrics, sandboxes: sandboxes.list })
  return {
    ...{ pages, counted: metrics.counted, run: sampler.run },
    measured: async () => measuredPods(await sandboxes.list(), agent.podOf, await sampler.latest()),
  }
}
