/** The DNS server in numbers, under CoreDNS' names, so that its dashboards and alerts go on working. */
import { Counter, Gauge, Registry } from 'prom-client'
import { addCountedHistogram } from '../host/counted-histogram.ts'
import type { HttpReply } from '../host/http-listener.ts'
import type { RestartCounts } from '../host/restarts.ts'
import { type DnsStats, durationBuckets, type Histogram } from './thread/stats.ts'
import { rcodeName, typeName } from './wire/constants.ts'

const server = { server: 'dns://:53', zone: '.' } as const
const serverLabels = ['server', 'zone'] as const

/** Prometheus' text format. */
export const renderDnsMetrics = (stats: DnsStats, restarts: RestartCounts): Promise<string> => {
  const { requests, responses, dropped, panics, duration, cache, cacheEntries, upstreams, names } = stats
  const registry = new Registry()
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers })
  const histogram = (
    name: string,
    help: string,
    labelNames: readonly string[],
    all: readonly (readonly [Readonly<Record<string, string>>, Histogram])[],
  ): void =>
    addCountedHistogram({
      ...{ name, help, labelNames, registers, bounds: durationBuckets },
      read: async () => all.map(([labels, { counts, sum }]) => ({ labels, perBucket: counts, sum })),
    })

  const asked = counter('coredns_dns_requests_total', 'Queries', [...serverLabels, 'proto', 'type'])
  for (const [key, count] of Object.entries(requests)) {
    const [proto = '', type = ''] = key.split(' ')
    asked.inc({ ...server, proto, type: typeName(Number(type)) ?? type }, count)
  }
  const answered = counter('coredns_dns_responses_total', 'Answers', [...serverLabels, 'rcode'])
  for (const [rcode, count] of Object.entries(responses))
    answered.inc({ ...server, rcode: rcodeName(Number(rcode)) ?? rcode }, count)
  histogram('coredns_dns_request_duration_seconds', 'From a query to its answer', serverLabels, [[server, duration]])

  new Gauge({
    ...{ name: 'coredns_cache_entries', help: 'Answers of others that are remembered' },
    ...{ labelNames: serverLabels, registers },
  }).set(server, cacheEntries)
  const ofCache = (name: string, help: string, count: number): void =>
    counter(name, help, serverLabels).inc(server, count)
  ofCache('coredns_cache_hits_total', 'Questions that were answered from memory', cache.hit)
  ofCache('coredns_cache_misses_total', 'Questions that were not', cache.miss)
  ofCache('coredns_cache_prefetch_total', 'Questions that were asked ahead', cache.prefetch)
  ofCache('coredns_cache_served_stale_total', 'Old answers that were given for want of new ones', cache.stale)

  const servers = Object.entries(upstreams)
  histogram(
    'coredns_proxy_request_duration_seconds',
    'How long upstream servers take',
    ['to'],
    servers.map(([to, { ok }]) => [{ to }, ok]),
  )
  const failed = counter('coredns_forward_failures_total', 'Questions that an upstream server did not answer', ['to'])
  for (const [to, { failures }] of servers) failed.inc({ to }, failures)

  counter('podway_dns_dropped_total', 'Malformed packets that were dropped', []).inc(dropped)
  counter('coredns_panics_total', 'Mistakes of the server itself, each of which has ended one query', []).inc(panics)
  const replaced = counter('podway_dns_thread_restarts_total', 'Threads that were replaced', ['reason'])
  for (const reason of ['stuck', 'crashed'] as const) replaced.inc({ reason }, restarts[reason])
  new Gauge({ name: 'podway_dns_names', help: 'Names of the cluster that have records', registers }).set(names)
  return registry.metrics()
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
  if (path === '/metrics') return { status: 200, headers, body: await renderDnsMetrics(stats, dns.restarts()) }
  return { status: 404, headers, body: 'not found: try /metrics, /health or /ready\n' }
}
