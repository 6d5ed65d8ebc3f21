/** The API server in numbers, under the names of kube-apiserver, so that its dashboards and alerts go on working. */
import { Counter, Gauge, Histogram, Registry as Metrics } from 'prom-client'
import { toApiError } from '../../api/errors.ts'
import type { Registry } from '../registry/registry.ts'
import { isSet } from '../request/request-info.ts'
import { subresourcesOf, type Verb } from '../resources/verbs.ts'
import { type Answer, type Call, codeOf } from './call.ts'
import type { Step } from './chain.ts'
import { whileRunning } from './while-running.ts'

const requestLabels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const
type RequestLabels = Readonly<Record<(typeof requestLabels)[number], string>>

const buckets = [
  ...[0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5],
  ...[4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
]

const verbNames: Readonly<Record<Verb, string>> = {
  ...{ get: 'GET', list: 'LIST', watch: 'WATCH', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE' },
  deletecollection: 'DELETECOLLECTION',
}

/** Those that connect to something behind the server. */
const connecting: readonly string[] = ['exec', 'attach', 'portforward', 'proxy']

const methods: Readonly<Record<string, string>> = {
  get: 'GET',
  post: 'POST',
  put: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
}

/** Only what the server knows gets a name: nobody makes up new ones. */
const labelsOf = (registry: Registry, { info: request, contentType }: Call): RequestLabels => {
  const none = { verb: '', group: '', version: '', resource: '', subresource: '', scope: '', component: 'apiserver' }
  if (request.kind === 'path') return { ...none, verb: methods[request.verb] ?? '' }
  const { group, version, plural, verb, name, namespace } = request
  const definition = registry.find(group, version, plural)
  if (!definition) return { ...none, verb: verbNames[verb] }
  const [asked = ''] = (request.subresource ?? '').split('/')
  const subresource = subresourcesOf(definition).some((each) => each.name === asked) ? asked : ''
  const scope = name !== undefined || verb === 'create' ? 'resource' : namespace === undefined ? 'cluster' : 'namespace'
  const isApply = verb === 'patch' && contentType.startsWith('application/apply-patch')
  const shown = connecting.includes(subresource) ? 'CONNECT' : isApply ? 'APPLY' : verbNames[verb]
  return { ...none, verb: shown, group, version, resource: plural, subresource, scope }
}

const reading: readonly string[] = ['GET', 'LIST', 'WATCH']

export interface ApiMetrics {
  readonly step: Step
  /** In Prometheus' text format. */
  readonly answer: () => Promise<Answer>
}

/** How many events of the audit log were written, and lost. */
export type AuditCounts = { readonly written: number; readonly lost: number }

export const createApiMetrics = (registry: Registry, audit?: AuditCounts): ApiMetrics => {
  const metrics = new Metrics()
  const registers = [metrics]
  const requests = new Counter({
    ...{ name: 'apiserver_request_total', help: 'Requests', registers },
    labelNames: [...requestLabels, 'dry_run', 'code'],
  })
  const durations = new Histogram({
    ...{ name: 'apiserver_request_duration_seconds', help: 'From a request to its answer', registers, buckets },
    labelNames: [...requestLabels, 'dry_run'],
  })
  const inFlight = new Gauge({
    ...{ name: 'apiserver_current_inflight_requests', help: 'Requests that are being answered', registers },
    labelNames: ['request_kind'],
  })
  const longRunning = new Gauge({
    ...{ name: 'apiserver_longrunning_gauge', help: 'Watches, streams and connections', registers },
    labelNames: requestLabels,
  })
  /** Counted here, as one write may be a thousand of them. */
  const watchEvents = new Map<
    string,
    { readonly labels: Record<'group' | 'version' | 'kind', string>; count: number }
  >()
  new Counter({
    ...{ name: 'apiserver_watch_events_total', help: 'Events that watchers were sent', registers },
    labelNames: ['group', 'version', 'kind'],
    collect() {
      this.reset()
      for (const { labels, count } of watchEvents.values()) this.inc(labels, count)
    },
  })
  const ofProcess = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(read())
      },
    })
  ofProcess('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss())
  ofProcess('process_start_time_seconds', 'When the process began', () => Date.now() / 1000 - process.uptime())
  ofProcess('process_cpu_seconds_total', 'CPU time', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })

  if (audit) {
    const ofAudit = (name: string, help: string, read: () => number) =>
      new Counter({
        ...{ name, help, registers },
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    ofAudit('apiserver_audit_event_total', 'Events of the audit log', () => audit.written)
    ofAudit('apiserver_audit_error_total', 'Events of the audit log that were lost', () => audit.lost)
  }

  const eventsOf = ({ group, version, resource }: RequestLabels) => {
    const key = `${group}/${version}/${resource}`
    const kind = registry.find(group, version, resource)?.kind ?? ''
    const found = watchEvents.get(key) ?? { labels: { group, version, kind }, count: 0 }
    watchEvents.set(key, found)
    return found
  }

  /** What goes on after the answer has begun counts until its end. */
  const counted = (answer: Answer, labels: RequestLabels): Answer => {
    const events = answer.kind === 'watch' ? eventsOf(labels) : undefined
    return whileRunning(answer, {
      begin: () => longRunning.inc(labels),
      end: () => longRunning.dec(labels),
      ...(events ? { event: () => void events.count++ } : {}),
    })
  }

  const step: Step = async (call, next) => {
    const labels = labelsOf(registry, call)
    const dry_run = isSet(call.query, 'dryRun') ? 'All' : ''
    const kind = { request_kind: reading.includes(labels.verb) ? 'readOnly' : 'mutating' }
    const began = performance.now()
    inFlight.inc(kind)
    const ended = (code: number): void => {
      inFlight.dec(kind)
      requests.inc({ ...labels, dry_run, code: String(code) })
      if (labels.verb !== 'WATCH' && labels.verb !== 'CONNECT')
        durations.observe({ ...labels, dry_run }, (performance.now() - began) / 1000)
    }
    try {
      const answer = await next(call)
      ended(codeOf(answer))
      return counted(answer, labels)
    } catch (error) {
      ended(toApiError(error).code)
      throw error
    }
  }

  const answer = async (): Promise<Answer> => ({
    ...{ kind: 'bytes', contentType: metrics.contentType, bytes: await metrics.metrics() },
  })
  return { step, answer }
}
