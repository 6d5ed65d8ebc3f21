/** What the thread counts: plain numbers, so that counting costs next to nothing. */
import type { CacheEvent } from '../forward/cache.ts'
import { type Upstream, upstreamName } from '../forward/upstream.ts'

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
    read: (now) => ({ requests, responses, dropped, duration, cache, upstreams, ...now }),
  }
}
