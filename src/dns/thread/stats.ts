/** What the thread counts: plain numbers, so that counting costs next to nothing. */

import { type Upstream, upstreamName } from '../config/upstream.ts'
import type { CacheEvent } from '../forward/cache.ts'

/** Upper bounds in seconds: CoreDNS' buckets. */
export const durationBuckets: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192,
]

export interface Histogram {
  /** By bucket, each for itself; the last is for what is longer than all. */
  readonly counts: number[]
  sum: number
}

const newHistogram = (): Histogram => ({ counts: Array(durationBuckets.length + 1).fill(0), sum: 0 })

const observe = (histogram: Histogram, seconds: number): void => {
  const at = durationBuckets.findIndex((bound) => seconds <= bound)
  const bucket = at < 0 ? durationBuckets.length : at
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1
  histogram.sum += seconds
}

export interface DnsStats {
  /** By `proto type`: `udp 1`. */
  readonly requests: Readonly<Record<string, number>>
  /** By result code. */
  readonly responses: Readonly<Record<string, number>>
  readonly dropped: number
  /** Mistakes of ours, each of which has ended one query. */
  readonly panics: number
  readonly duration: Histogram
  readonly cache: Readonly<Record<CacheEvent, number>>
  readonly cacheEntries: number
  /** By server. */
  readonly upstreams: Readonly<Record<string, { readonly ok: Histogram; readonly failures: number }>>
  readonly names: number
}

export interface Counters {
  request(overTcp: boolean, type: number): void
  /** `rcode` undefined: no answer at all. */
  response(rcode: number | undefined, seconds: number): void
  fault(): void
  cache(event: CacheEvent): void
  upstream(upstream: Upstream, ok: boolean, seconds: number): void
  read(now: Pick<DnsStats, 'cacheEntries' | 'names'>): DnsStats
}

/** Types beyond these are counted together: a stranger must not be able to make a thousand counters. */
const knownTypes: ReadonlySet<number> = new Set([1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 43, 48, 64, 65, 255])

export const createCounters = (): Counters => {
  const requests: Record<string, number> = {}
  const responses: Record<string, number> = {}
  const cache: Record<CacheEvent, number> = { hit: 0, miss: 0, stale: 0, prefetch: 0 }
  const upstreams: Record<string, { ok: Histogram; failures: number }> = {}
  const duration = newHistogram()
  let dropped = 0
  let panics = 0
  return {
    request: (overTcp, type) => {
      const key = `${overTcp ? 'tcp' : 'udp'} ${knownTypes.has(type) ? type : 'other'}`
      requests[key] = (requests[key] ?? 0) + 1
    },
    response: (rcode, seconds) => {
      if (rcode === undefined) dropped++
      else {
        responses[rcode] = (responses[rcode] ?? 0) + 1
        observe(duration, seconds)
      }
    },
    fault: () => {
      panics++
    },
    cache: (event) => {
      cache[event]++
    },
    upstream: (upstream, ok, seconds) => {
      const name = upstreamName(upstream)
      const of = upstreams[name] ?? { ok: newHistogram(), failures: 0 }
      upstreams[name] = of
      if (ok) observe(of.ok, seconds)
      else of.failures++
    },
    read: (now) => ({ requests, responses, dropped, panics, duration, cache, upstreams, ...now }),
  }
}

const addTo = (target: Histogram, { counts, sum }: Histogram): void => {
  counts.forEach((count, at) => {
    target.counts[at] = (target.counts[at] ?? 0) + count
  })
  target.sum += sum
}

const addCounts = (all: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
  const total: Record<string, number> = {}
  for (const each of all) for (const [key, count] of Object.entries(each)) total[key] = (total[key] ?? 0) + count
  return total
}

/** What several threads have counted, together. All of them know the same names. */
export const mergeStats = (all: readonly DnsStats[]): DnsStats => {
  const duration = newHistogram()
  const upstreams: Record<string, { ok: Histogram; failures: number }> = {}
  for (const stats of all) {
    addTo(duration, stats.duration)
    for (const [name, { ok, failures }] of Object.entries(stats.upstreams)) {
      const of = upstreams[name] ?? { ok: newHistogram(), failures: 0 }
      upstreams[name] = of
      addTo(of.ok, ok)
      of.failures += failures
    }
  }
  const sum = (pick: (stats: DnsStats) => number): number => all.reduce((total, stats) => total + pick(stats), 0)
  return {
    requests: addCounts(all.map(({ requests }) => requests)),
    responses: addCounts(all.map(({ responses }) => responses)),
    dropped: sum((stats) => stats.dropped),
    panics: sum((stats) => stats.panics),
    ...{ duration, upstreams },
    cache: {
      hit: sum(({ cache }) => cache.hit),
      miss: sum(({ cache }) => cache.miss),
      stale: sum(({ cache }) => cache.stale),
      prefetch: sum(({ cache }) => cache.prefetch),
    },
    cacheEntries: sum((stats) => stats.cacheEntries),
    names: Math.max(0, ...all.map(({ names }) => names)),
  }
}
