/** The Ingress proxy in numbers, under ingress-nginx's own names, so that its dashboards and alerts go on working. */
import { Counter, Gauge, Registry } from 'prom-client'
import { addCountedHistogram } from '../../../host/counted-histogram.ts'
import type { RestartCounts } from '../../../host/restarts.ts'
import { controllerName } from '../routes/model.ts'
import { buckets, type Series, type Snapshot } from '../thread/statistics.ts'

const routeLabels = ['namespace', 'ingress', 'service', 'host', 'path', 'method', 'status', 'controller_class'] as const

type RouteLabels = Record<(typeof routeLabels)[number], string>

const labelsOf = ({ labels }: Series): RouteLabels => ({
  namespace: labels['namespace'] ?? '',
  ingress: labels['ingress'] ?? '',
  service: labels['service'] ?? '',
  host: labels['host'] ?? '',
  path: labels['path'] ?? '',
  method: labels['method'] ?? '',
  status: labels['status'] ?? '',
  controller_class: controllerName,
})

const add = (a: Series, b: Series): Series => ({
  labels: a.labels,
  count: a.count + b.count,
  seconds: a.seconds + b.seconds,
  bytes: a.bytes + b.bytes,
  perBucket: a.perBucket.map((count, at) => count + (b.perBucket[at] ?? 0)),
})

/** The series of all threads. */
export const allSeries = (snapshots: readonly Snapshot[]): readonly Series[] => {
  const found = new Map<string, Series>()
  for (const series of snapshots.flatMap((snapshot) => snapshot.series)) {
    const key = JSON.stringify(series.labels)
    const known = found.get(key)
    found.set(key, known ? add(known, series) : series)
  }
  return [...found.values()]
}

/** Threads count for themselves: what they have counted is asked for when somebody asks us. */
export const createIngressMetrics = (
  snapshots: () => Promise<readonly Snapshot[]>,
  restarts: RestartCounts,
): Registry => {
  const registry = new Registry()
  const registers = [registry]
  new Counter({
    name: 'nginx_ingress_controller_requests',
    help: 'Requests by route and status',
    labelNames: routeLabels,
    registers,
    async collect() {
      this.reset()
      for (const series of allSeries(await snapshots())) this.inc(labelsOf(series), series.count)
    },
  })
  new Counter({
    name: 'nginx_ingress_controller_bytes_sent',
    help: 'Bytes of the bodies of answers',
    labelNames: routeLabels,
    registers,
    async collect() {
      this.reset()
      for (const series of allSeries(await snapshots())) this.inc(labelsOf(series), series.bytes)
    },
  })
  addCountedHistogram({
    name: 'nginx_ingress_controller_request_duration_seconds',
    help: 'From the head of a request to the end of its answer',
    bounds: buckets,
    labelNames: routeLabels,
    registers,
    read: async () =>
      allSeries(await snapshots()).map((series) => ({
        ...{ labels: labelsOf(series), perBucket: series.perBucket, sum: series.seconds },
      })),
  })
  new Gauge({
    name: 'nginx_ingress_controller_nginx_process_connections',
    help: 'Connections of clients that are open',
    labelNames: ['state', 'controller_class'],
    registers,
    async collect() {
      const all = await snapshots()
      const open = all.reduce((sum, { connections }) => sum + connections, 0)
      this.set({ state: 'active', controller_class: controllerName }, open)
    },
  })
  new Counter({
    name: 'podway_ingress_upstream_retries_total',
    help: 'Requests that were tried on another endpoint',
    registers,
    async collect() {
      this.reset()
      const all = await snapshots()
      this.inc(all.reduce((sum, { retries }) => sum + retries, 0))
    },
  })
  new Counter({
    name: 'podway_ingress_internal_errors_total',
    help: 'Mistakes of the proxy itself, each of which has ended one request or connection',
    registers,
    async collect() {
      this.reset()
      const all = await snapshots()
      this.inc(all.reduce((sum, { faults }) => sum + faults, 0))
    },
  })
  new Counter({
    name: 'podway_ingress_thread_restarts_total',
    help: 'Threads that were replaced: because they did not answer, or had ended by themselves',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      this.inc({ reason: 'stuck' }, restarts.stuck)
      this.inc({ reason: 'crashed' }, restarts.crashed)
    },
  })
  return registry
}
