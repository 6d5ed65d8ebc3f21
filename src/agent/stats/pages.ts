/** What the agent answers about usage, by the kubelet's paths. */
import { type Clock, systemClock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import type { CommandRunner } from '../../host/command.ts'
import type { Logger } from '../../host/log.ts'
import type { HostFacts } from '../node/host-facts.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import type { AgentResponse, Page } from '../server/routes.ts'
import { parseNumbers, readKernelFile } from '../usage/kernel-files.ts'
import { readMaxPids } from '../usage/machine-usage.ts'
import type { AgentMetrics } from './agent-metrics.ts'
import { cadvisorMetrics } from './cadvisor-metrics.ts'
import { createDiskReader } from './disk.ts'
import { exposition, expositionType, type Family } from './exposition.ts'
import { type MeasuredPod, measuredPods } from './measured-pods.ts'
import { resourceMetrics } from './resource-metrics.ts'
import type { Sample, Sampler } from './sampler.ts'
import { summaryOf } from './summary.ts'

export interface StatsPagesOptions {
  readonly nodeName: string
  readonly host: Pick<HostFacts, 'cpus' | 'memoryBytes' | 'info'>
  /** Podway's own. */
  readonly version: string
  readonly sampler: Sampler
  readonly sandboxes: () => Promise<readonly SandboxRecord[]>
  readonly podOf: (uid: string) => Pod | undefined
  /** On the disk of logs and volumes. */
  readonly dataDir: string
  /** The folder that holds those of a pod's volumes. */
  readonly volumesOf: (uid: string) => readonly string[]
  readonly metrics: AgentMetrics
  readonly runner: Pick<CommandRunner, 'run'>
  readonly log: Logger
  readonly clock?: Clock
}

const text = (body: string, type = expositionType): AgentResponse => ({ status: 200, type, body })

const bootTime = (): number => (parseNumbers(readKernelFile('/proc/stat') ?? '').get('btime') ?? 0) * 1000

const isSet = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '')

/** By path, without the slash in front. */
export const createStatsPages = (options: StatsPagesOptions): Readonly<Record<string, Page>> => {
  const { nodeName, host, version, sampler, sandboxes, podOf, metrics, clock = systemClock } = options
  const readDisk = createDiskReader({ ...options, clock })
  const bootedAt = bootTime()
  const startedAt = clock.now() - process.uptime() * 1000
  const machine = {
    ...{ cpus: host.cpus, memoryBytes: host.memoryBytes, agentVersion: version, bootedAt },
    ...{ kernelVersion: host.info.kernelVersion, osVersion: host.info.osImage },
  }

  const look = async (): Promise<{ readonly sample: Sample; readonly pods: readonly MeasuredPod[] }> => {
    const sample = await sampler.latest()
    return { sample, pods: measuredPods(await sandboxes(), podOf, sample) }
  }

  const families =
    (of: (sample: Sample, pods: readonly MeasuredPod[]) => readonly Family[]): Page =>
    async () => {
      const { sample, pods } = await look()
      return text(exposition(of(sample, pods)))
    }

  const summary: Page = async (query) => {
    const { sample, pods } = await look()
    const disk = isSet(query, 'only_cpu_and_memory') ? undefined : await readDisk(pods)
    const agent = { usage: sample.agent, startedAt }
    const known = { nodeName, sample, pods, memoryBytes: host.memoryBytes, bootedAt, agent, maxPids: readMaxPids() }
    return text(JSON.stringify(summaryOf({ ...known, ...(disk ? { disk } : {}) })), 'application/json')
  }

  return {
    'stats/summary': summary,
    metrics: async () => text(await metrics.text(), metrics.contentType),
    'metrics/resource': families(resourceMetrics),
    'metrics/cadvisor': families((sample, pods) => cadvisorMetrics(sample, pods, machine)),
  }
}
