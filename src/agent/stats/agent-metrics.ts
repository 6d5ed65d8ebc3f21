/** The agent in numbers (`/metrics`), under the kubelet's names where they mean the same. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { kubernetesVersion } from '../../api/kubernetes-version.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import type { Answer } from '../server/routes.ts'

export interface AgentMetricsOptions {
  readonly nodeName: string
  /** Podway's own. */
  readonly version: string
  readonly sandboxes: () => Promise<readonly SandboxRecord[]>
}

export interface AgentMetrics {
  /** Counts what is answered. */
  counted(answer: Answer): Answer
  /** How long a pass over all pods took. */
  passed(milliseconds: number): void
  text(): Promise<string>
  readonly contentType: string
}

/** Only what there is gets a name: nobody makes up new ones. */
const paths: ReadonlySet<string> = new Set(['configz', 'containerLogs', 'healthz', 'metrics', 'pods', 'stats'])

const pathOf = (url: string): string => {
  const [, first = ''] = /^\/([^/?]*)/.exec(url) ?? []
  return paths.has(first) ? first : 'other'
}

const longRunning = (url: string): string => String(/^\/containerLogs\/.*[?&]follow=(true|1)/.test(url))

const passBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]

export const createAgentMetrics = ({ nodeName, version, sandboxes }: AgentMetricsOptions): AgentMetrics => {
  const metrics = new Registry()
  const registers = [metrics]
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (g: Gauge<L>) => void,
  ) =>
    new Gauge<L>({
      ...{ name, help, labelNames, registers },
      collect() {
        collect(this)
      },
    })
  gauge('kubelet_node_name', "The node's name. The count is always 1", ['node'], (g) => g.set({ node: nodeName }, 1))
  gauge('kubernetes_build_info', 'The version that this is', ['git_version', 'major', 'minor'], (g) => {
    const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(kubernetesVersion(version)) ?? []
    g.set({ git_version: kubernetesVersion(version), major, minor }, 1)
  })
  const runningPods = new Gauge({
    ...{ name: 'kubelet_running_pods', help: 'Pods that have a running sandbox', registers },
  })
  const runningContainers = new Gauge({
    ...{ name: 'kubelet_running_containers', help: 'Containers that are known', registers },
    labelNames: ['container_state'],
  })
  gauge('process_resident_memory_bytes', 'Resident memory', [], (g) => g.set(process.memoryUsage.rss()))
  gauge('process_start_time_seconds', 'When the process began', [], (g) => g.set(Date.now() / 1000 - process.uptime()))
  new Counter({
    ...{ name: 'process_cpu_seconds_total', help: 'CPU time', registers },
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  const labelNames = ['method', 'path', 'server_type', 'long_running'] as const
  const requests = new Counter({
    ...{ name: 'kubelet_http_requests_total', help: 'Requests', registers },
    labelNames,
  })
  const inFlight = new Gauge({
    ...{ name: 'kubelet_http_inflight_requests', help: 'Requests that are being answered', registers },
    labelNames,
  })
  const durations = new Histogram({
    ...{ name: 'kubelet_http_requests_duration_seconds', help: 'From a request to its answer', registers },
    labelNames,
  })
  const passes = new Histogram({
    ...{ name: 'podway_stats_pass_duration_seconds', help: 'How long it takes to measure all pods', registers },
    buckets: passBuckets,
  })

  const lookAtPods = async (): Promise<void> => {
    const all = (await sandboxes()).filter(({ running }) => running)
    const containers = all.flatMap((sandbox) => sandbox.containers)
    const running = containers.filter(({ exit }) => exit === undefined).length
    runningPods.set(all.length)
    runningContainers.set({ container_state: 'running' }, running)
    runningContainers.set({ container_state: 'exited' }, containers.length - running)
  }

  return {
    contentType: metrics.contentType,
    counted: (answer) => async (request) => {
      const { method, url } = request
      const labels = { method, path: pathOf(url), server_type: 'readwrite', long_running: longRunning(url) }
      requests.inc(labels)
      inFlight.inc(labels)
      const ended = durations.startTimer(labels)
      try {
        return await answer(request)
      } finally {
        inFlight.dec(labels)
        ended()
      }
    },
    passed: (milliseconds) => passes.observe(milliseconds / 1000),
    text: async () => {
      await lookAtPods()
      return metrics.metrics()
    },
  }
}
