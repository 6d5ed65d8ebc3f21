import { Histogram, type MetricValueWithName, type Registry } from 'prom-client'

/** What somebody else has counted, of one set of labels. */
export interface HistogramCounts {
  readonly labels: Readonly<Record<string, string>>
  /** By bucket, each for itself; one more than there are bounds, for what is beyond all. */
  readonly perBucket: readonly number[]
  readonly sum: number
}

interface CountedHistogram {
  readonly name: string
  readonly help: string
  /** Upper bounds of the buckets, rising. */
  readonly bounds: readonly number[]
  readonly labelNames: readonly string[]
  readonly registers: Registry[]
  readonly read: () => Promise<readonly HistogramCounts[]>
}

/** Prometheus' form: each bucket counts everything up to its end. */
const valuesOf = (
  name: string,
  bounds: readonly number[],
  { labels, perBucket, sum }: HistogramCounts,
): MetricValueWithName<string>[] => {
  let total = 0
  const inBuckets = perBucket.map((count, at) => {
    total += count
    return { value: total, labels: { ...labels, le: bounds[at] ?? '+Inf' }, metricName: `${name}_bucket` }
  })
  return [
    ...inBuckets,
    { value: sum, labels, metricName: `${name}_sum` },
    { value: total, labels, metricName: `${name}_count` },
  ]
}

/** A histogram of prom-client that asks others for its numbers: threads count for themselves. */
export const addCountedHistogram = ({ name, help, bounds, labelNames, registers, read }: CountedHistogram): void => {
  // It only stands for its name: what it says comes from elsewhere.
  const histogram = new Histogram({ name, help, buckets: [...bounds], labelNames: [...labelNames], registers })
  const counted = async () => ({
    ...{ name, help, type: 'histogram', aggregator: 'sum' },
    values: (await read()).flatMap((each) => valuesOf(name, bounds, each)),
  })
  Object.assign(histogram, { get: counted, getForPromString: counted })
}
