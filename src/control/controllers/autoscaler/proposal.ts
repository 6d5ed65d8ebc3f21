/** How many pods a metric asks for. Pure: kube-controller-manager's arithmetic. Amounts are in thousandths. */
import { conditionOf, isReady } from '../../../api/pods.ts'
import { quantityMilli } from '../../../api/quantity.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { MetricValueStatus } from '../../../api/types/kubernetes/autoscaling-v2.ts'
import type { AutoscalerSettings } from '../autoscaler-settings.ts'

export interface Sample {
  readonly milli: number
  /** When its window ended. */
  readonly at: number
  readonly windowMs: number
}

/** By the names of pods. */
export type Samples = ReadonlyMap<string, Sample>

/** By how much the ratio of what is to what is wanted may differ from 1. */
export interface Tolerance {
  readonly up: number
  readonly down: number
}

export interface Proposal {
  readonly replicas: number
  readonly current: MetricValueStatus
}

/** How long a pod takes to start. */
export type StartTimes = Pick<AutoscalerSettings, 'cpuInitializationSeconds' | 'initialReadinessSeconds'>

/** Whether the CPU of a pod does not count yet. */
const isStarting = (pod: Pod, { at, windowMs }: Sample, times: StartTimes, now: number): boolean => {
  const ready = conditionOf(pod, 'Ready')
  const started = Date.parse(pod.status?.startTime ?? '')
  if (!ready || Number.isNaN(started)) return true
  const moved = Date.parse(ready.lastTransitionTime ?? '') || 0
  if (started + times.cpuInitializationSeconds * 1000 > now) return ready.status === 'False' || at < moved + windowMs
  return ready.status === 'False' && started + times.initialReadinessSeconds * 1000 > moved
}

interface Groups {
  readonly ready: readonly Pod[]
  readonly unready: readonly Pod[]
  /** Nobody has measured them. */
  readonly missing: readonly Pod[]
}

const groupsOf = ({ pods, samples, isCpu, startTimes, now }: PodMetric): Groups => {
  const counted = pods.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Failed',
  )
  const groups = Map.groupBy(counted, (pod) => {
    if ((pod.status?.phase ?? 'Pending') === 'Pending') return 'unready'
    const sample = samples.get(pod.metadata.name)
    if (!sample) return 'missing'
    return isCpu && isStarting(pod, sample, startTimes, now) ? 'unready' : 'ready'
  })
  const of = (name: keyof Groups): readonly Pod[] => groups.get(name) ?? []
  return { ready: of('ready'), unready: of('unready'), missing: of('missing') }
}

/** What a metric is held against: a share of what each pod requests, or an amount for each pod. */
export type PodTarget =
  | { readonly utilization: number; readonly requests: ReadonlyMap<string, number> }
  | { readonly average: number }

interface Measured {
  readonly ratio: number
  readonly current: MetricValueStatus
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0)

const milliText = (milli: number): string => (milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`)

const measure = (values: ReadonlyMap<string, number>, target: PodTarget): Measured => {
  const total = sum(values.values())
  const average = milliText(Math.floor(total / values.size))
  if ('average' in target)
    return { ratio: Math.floor(total / values.size) / target.average, current: { averageValue: average } }
  const requested = sum([...values.keys()].map((name) => target.requests.get(name) ?? 0))
  if (requested === 0) throw new Error('no metrics returned matched known pods')
  const utilization = Math.floor((total * 100) / requested)
  return {
    ratio: utilization / target.utilization,
    current: { averageUtilization: utilization, averageValue: average },
  }
}

const isNear = (ratio: number, { up, down }: Tolerance): boolean => ratio <= 1 + up && ratio >= 1 - down

/** On the way down who is not measured counts as if fully used, on the way up as if idle: so that nothing moves too far. */
const assumed = (name: string, ratio: number, target: PodTarget): number => {
  if (ratio >= 1) return 0
  if ('average' in target) return target.average
  return ((target.requests.get(name) ?? 0) * Math.max(100, target.utilization)) / 100
}

export interface PodMetric {
  readonly pods: readonly Pod[]
  readonly samples: Samples
  readonly isCpu: boolean
  readonly target: PodTarget
  readonly replicas: number
  readonly tolerance: Tolerance
  readonly startTimes: StartTimes
  readonly now: number
}

/** Throws an Error that says what keeps it from being counted. */
export const proposeByPods = (metric: PodMetric): Proposal => {
  const { pods, samples, target, replicas, tolerance } = metric
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count')
  const { ready, unready, missing } = groupsOf(metric)
  const values = new Map(ready.map(({ metadata: { name } }) => [name, samples.get(name)?.milli ?? 0]))
  if (values.size === 0) throw new Error('did not receive metrics for any ready pods')
  const { ratio, current } = measure(values, target)
  const stay = { replicas, current }
  const countsUnready = unready.length > 0 && ratio > 1
  if (!countsUnready && missing.length === 0)
    return isNear(ratio, tolerance) ? stay : { replicas: Math.ceil(ratio * ready.length), current }
  for (const { metadata } of missing) values.set(metadata.name, assumed(metadata.name, ratio, target))
  if (countsUnready) for (const { metadata } of unready) values.set(metadata.name, 0)
  const again = measure(values, target).ratio
  const turned = (ratio < 1 && again > 1) || (ratio > 1 && again < 1)
  if (isNear(again, tolerance) || turned) return stay
  const wanted = Math.ceil(again * values.size)
  return (again < 1 && wanted > replicas) || (again > 1 && wanted < replicas) ? stay : { replicas: wanted, current }
}

export interface TotalMetric {
  readonly pods: readonly Pod[]
  readonly milli: number
  /** For all pods together, or for each. */
  readonly target: { readonly value: number } | { readonly average: number }
  readonly replicas: number
  /** How many there are. */
  readonly observed: number
  readonly tolerance: Tolerance
}

/** By a number that is not measured at pods: the length of a queue. */
export const proposeByTotal = ({ pods, milli, target, replicas, observed, tolerance }: TotalMetric): Proposal => {
  if ('average' in target) {
    const ratio = milli / (target.average * observed)
    const current = { averageValue: milliText(Math.ceil(milli / Math.max(1, observed))) }
    return { replicas: isNear(ratio, tolerance) ? observed : Math.ceil(milli / target.average), current }
  }
  const ratio = milli / target.value
  const current = { value: milliText(milli) }
  if (replicas === 0) return { replicas: Math.ceil(ratio), current }
  if (isNear(ratio, tolerance)) return { replicas, current }
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count')
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length
  return { replicas: Math.ceil(ratio * ready), current }
}

/** What each pod requests of a resource, or one container of it. Throws an Error that names who requests nothing. */
export const requestsOf = (
  pods: readonly Pod[],
  resource: string,
  container: string | undefined,
): ReadonlyMap<string, number> =>
  new Map(
    pods.map(({ metadata, spec }) => {
      const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
      const meant = [...spec.containers, ...sidecars].filter(
        ({ name }) => container === undefined || name === container,
      )
      const requests = meant.map(({ name, resources }) => {
        const request = resources?.requests?.[resource]
        if (request === undefined)
          throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`)
        return quantityMilli(request)
      })
      return [metadata.name, sum(requests)]
    }),
  )
