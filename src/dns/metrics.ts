/** The DNS server in numbers, under CoreDNS' names, so that its dashboards and alerts go on working. */
import type { HttpReply } from '../host/http-listener.ts'
import type { RestartCounts } from '../host/restarts.ts'
import { type DnsStats, durationBuckets, type Histogram } from './thread/stats.ts'
import { rcodeName, typeName } from './wire/constants.ts'

type Labels = Readonly<Record<string, string>>

const sample = (name: string, labels: Labels, value: number): string => {
  const text = Object.entries(labels)
    .map(([key, each]) => `${key}="${each}"`)
    .join(',')
  return `${name}${text === '' ? '' : `{${text}}`} ${value}`
}

const family = (name: string, kind: string, help: string, samples: readonly string[]): readonly string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${kind}`,
  ...samples,
]

const histogram = (name: string, labels: Labels, { counts, sum }: Histogram): readonly string[] => {
  let total = 0
  const buckets = counts.map((count, at) => {
    total += count
    return sample(`${name}_bucket`, { ...labels, le: String(durationBuckets[at] ?? '+Inf') }, total)
  })
  return [...buckets, sample(`${name}_sum`, labels, sum), sample(`${name}_count`, labels, total)]
}

const server = { server: 'dns://:53', zone: '.' }

/** Prometheus' text format. Pure. */
export const renderDnsMetrics = (stats: DnsStats, restarts: RestartCounts): string => {
  const { requests, responses, dropped, panics, duration, cache, cacheEntries, upstreams, names } = stats
  const to = (name: string): Labels => ({ to: name })
  const lines = [
    ...family(
      'coredns_dns_requests_total',
      'counter',
      'Queries',
      Object.entries(requests).map(([key, count]) => {
        const [proto = '', type = ''] = key.split(' ')
        return sample('coredns_dns_requests_total', { ...server, proto, type: typeName(Number(type)) ?? type }, count)
      }),
    ),
    ...family(
      'coredns_dns_responses_total',
      'counter',
      'Answers',
      Object.entries(responses).map(([rcode, count]) =>
        sample('coredns_dns_responses_total', { ...server, rcode: rcodeName(Number(rcode)) ?? rcode }, count),
      ),
    ),
    ...family(
      'coredns_dns_request_duration_seconds',
      'histogram',
      'From a query to its answer',
      histogram('coredns_dns_request_duration_seconds', server, duration),
    ),
    ...family('coredns_cache_entries', 'gauge', 'Answers of others that are remembered', [
      sample('coredns_cache_entries', server, cacheEntries),
    ]),
    ...family('coredns_cache_hits_total', 'counter', 'Questions that were answered from memory', [
      sample('coredns_cache_hits_total', server, cache.hit),
    ]),
    ...family('coredns_cache_misses_total', 'counter', 'Questions that were not', [
      sample('coredns_cache_misses_total', server, cache.miss),
    ]),
    ...family('coredns_cache_prefetch_total', 'counter', 'Questions that were asked ahead', [
      sample('coredns_cache_prefetch_total', server, cache.prefetch),
    ]),
    ...family('coredns_cache_served_stale_total', 'counter', 'Old answers that were given for want of new ones', [
      sample('coredns_cache_served_stale_total', server, cache.stale),
    ]),
    ...family(
      'coredns_proxy_request_duration_seconds',
      'histogram',
      'How long upstream servers take',
      Object.entries(upstreams).flatMap(([name, { ok }]) =>
        histogram('coredns_proxy_request_duration_seconds', to(name), ok),
      ),
    ),
    ...family(
      'coredns_forward_failures_total',
      'counter',
      'Questions that an upstream server did not answer',
      Object.entries(upstreams).map(([name, { failures }]) =>
        sample('coredns_forward_failures_total', to(name), failures),
      ),
    ),
    ...family('podway_dns_dropped_total', 'counter', 'Packets that deserved no answer', [
      sample('podway_dns_dropped_total', {}, dropped),
    ]),
    ...family('coredns_panics_total', 'counter', 'Mistakes of the server itself, each of which has ended one query', [
      sample('coredns_panics_total', {}, panics),
    ]),
    ...family('podway_dns_thread_restarts_total', 'counter', 'Threads that were replaced', [
      sample('podway_dns_thread_restarts_total', { reason: 'stuck' }, restarts.stuck),
      sample('podway_dns_thread_restarts_total', { reason: 'crashed' }, restarts.crashed),
    ]),
    ...family('podway_dns_names', 'gauge', 'Names of the cluster that have records', [
      sample('podway_dns_names', {}, names),
    ]),
  ]
  return `${lines.join('\n')}\n`
}

export interface DnsFacts {
  stats(): Promise<DnsStats | undefined>
  readonly isSynced: boolean
  restarts(): RestartCounts
  /** Why a thread keeps ending; undefined while it does not. */
  looping(): string | undefined
}

/** `/metrics`, `/health` (it runs) and `/ready` (it knows the cluster). */
export const answerDnsProbe = async (dns: DnsFacts, path: string): Promise<HttpReply> => {
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
  if (path === '/ready')
    return dns.isSynced ? { status: 200, headers, body: 'OK' } : { status: 503, headers, body: 'kubernetes' }
  const stats = await dns.stats()
  if (!stats) return { status: 503, headers, body: 'the DNS server is being started' }
  const loop = dns.looping()
  if (path === '/health' && loop !== undefined) return { status: 503, headers, body: `a DNS thread ${loop}\n` }
  if (path === '/health') return { status: 200, headers, body: 'OK' }
  if (path === '/metrics') return { status: 200, headers, body: renderDnsMetrics(stats, dns.restarts()) }
  return { status: 404, headers, body: 'not found: try /metrics, /health or /ready\n' }
}
