/** What was served, in numbers that a thread hands over when it is asked. Plain data. */
import type { Observed } from '../relay/observe.ts'

/** Upper ends in seconds: the buckets that Prometheus' own clients start with. */
export const buckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  count: number
  seconds: number
  bytes: number
  /** Not cumulative; one more for what is beyond the last. */
  readonly perBucket: number[]
}

export interface Snapshot {
  readonly series: readonly Series[]
  readonly connections: number
  readonly retries: number
  /** What was thrown and was nobody's refusal. */
  readonly faults: number
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Series of one thread; what comes beyond is counted together, so that nobody can fill the memory with labels. */
const mostSeries = 10_000

const labelsOf = ({ origin, request, status }: Observed): Readonly<Record<string, string>> => ({
  namespace: origin?.namespace ?? '',
  ingress: origin?.name ?? '',
  service: origin?.service ?? '',
  host: origin?.host ?? '_',
  path: origin?.path ?? '',
  method: methods.has(request.method) ? request.method : 'OTHER',
  status: String(status),
})

const others = {
  ...{ namespace: '', ingress: '', service: '', host: '_other', path: '' },
  ...{ method: 'OTHER', status: '' },
}

/** By status, then by method. */
type Known = Map<number, Map<string, Series>>

export interface Statistics {
  add(observed: Observed): void
  series(): readonly Series[]
}

export const createStatistics = (): Statistics => {
  /** By route, then by what differs from request to request. A route that is gone takes its entry along. */
  const routes = new WeakMap<NonNullable<Observed['origin']>, Known>()
  const unrouted: Known = new Map()
  const all = new Map<string, Series>()

  const open = (labels: Series['labels']): Series => {
    const made: Series = { labels, count: 0, seconds: 0, bytes: 0, perBucket: buckets.map(() => 0).concat(0) }
    all.set(JSON.stringify(labels), made)
    return made
  }
  let rest: Series | undefined

  const knownOf = (origin: Observed['origin']): Known => {
    if (!origin) return unrouted
    const found = routes.get(origin)
    if (found) return found
    const made: Known = new Map()
    routes.set(origin, made)
    return made
  }

  const seriesOf = (observed: Observed): Series => {
    const known = knownOf(observed.origin)
    const method = methods.has(observed.request.method) ? observed.request.method : 'OTHER'
    const found = known.get(observed.status)?.get(method)
    if (found) return found
    const labels = labelsOf(observed)
    // A route that was compiled anew goes on where it was.
    const same = all.get(JSON.stringify(labels))
    if (!same && all.size >= mostSeries) {
      rest ??= open(others)
      return rest
    }
    const made = same ?? open(labels)
    known.set(observed.status, (known.get(observed.status) ?? new Map()).set(method, made))
    return made
  }

  return {
    add: (observed) => {
      const series = seriesOf(observed)
      const seconds = observed.duration / 1000
      series.count++
      series.seconds += seconds
      series.bytes += observed.sent
      const at = buckets.findIndex((end) => seconds <= end)
      const bucket = at < 0 ? buckets.length : at
      series.perBucket[bucket] = (series.perBucket[bucket] ?? 0) + 1
    },
    series: () => [...all.values()],
  }
}
