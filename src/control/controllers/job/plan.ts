/** Which pods a Job makes and deletes next. Pure. */
import { isFinished } from '../../../api/pods.ts'
import type { Pod } from '../../../api/types/index.ts'
import { inDeletionOrder } from '../replicaset/deletion-order.ts'
import { type Assessment, isIndexed, type JobView } from './assess.ts'
import { judgeFailure } from './failure-policy.ts'
import { countIndexes, firstMissing, hasIndex } from './indexes.ts'
import {
  countIn,
  endOf,
  failuresAnnotation,
  hasFailed,
  hasSucceeded,
  ignoredFailuresAnnotation,
  indexOf,
} from './pods.ts'

/** One pod to make. */
export interface JobPod {
  readonly index?: number
  /** How often its index has failed, and how often that was ignored. */
  readonly failures?: number
  readonly ignored?: number
}

export interface JobPlan {
  readonly make: readonly JobPod[]
  readonly leaving: readonly Pod[]
  /** When pods may be made that have to wait now. */
  readonly againInMs?: number
}

/** Failures in a row are answered ever later. */
const backoffMs = { base: 10_000, max: 600_000 }
/** So many pods are made or deleted at most before looking again. */
const burst = 500

const waitFor = (failures: number, since: number, now: number): number =>
  failures === 0 ? 0 : Math.max(0, since + Math.min(backoffMs.base * 2 ** (failures - 1), backoffMs.max) - now)

/** For how long no pod is made, after failures that no success has followed. Pods that were told to go did not fail. */
const jobWait = ({ pods, now }: JobView): number => {
  const ends = pods
    .filter((pod) => isFinished(pod) && pod.metadata.deletionTimestamp === undefined)
    .map((pod) => ({ end: endOf(pod), isGood: hasSucceeded(pod) }))
    .toSorted((a, b) => a.end - b.end)
  const failures = ends.slice(ends.findLastIndex(({ isGood }) => isGood) + 1)
  return waitFor(failures.length, failures.at(-1)?.end ?? 0, now)
}

interface IndexPast {
  readonly failures: number
  readonly ignored: number
  readonly end: number
}

/** What the last pod of each index carries and has come to. */
const pastOfIndexes = ({ job, pods, isTracked }: JobView): ReadonlyMap<number, IndexPast> => {
  const past = new Map<number, IndexPast>()
  for (const pod of pods) {
    const index = indexOf(pod)
    const wasSentAway = pod.metadata.deletionTimestamp !== undefined && !isTracked(pod)
    if (index === undefined || wasSentAway || !hasFailed(job, pod)) continue
    const isIgnored = judgeFailure(job, pod).action === 'Ignore'
    const found = {
      failures: countIn(pod, failuresAnnotation) + (isIgnored ? 0 : 1),
      ignored: countIn(pod, ignoredFailuresAnnotation) + (isIgnored ? 1 : 0),
      end: endOf(pod),
    }
    const known = past.get(index)
    if (!known || known.failures + known.ignored < found.failures + found.ignored) past.set(index, found)
  }
  return past
}

/** Pods that nobody needs: of an index that is done, out of range, or taken by another. */
const surplusOfIndexes = (
  { job }: JobView,
  { active, succeededIndexes, failedIndexes }: Assessment,
): readonly Pod[] => {
  const taken = new Set<number>()
  return inDeletionOrder(active)
    .toReversed()
    .filter((pod) => {
      const index = indexOf(pod)
      const isNeeded =
        index !== undefined &&
        index < (job.spec.completions ?? 0) &&
        !taken.has(index) &&
        !hasIndex(succeededIndexes, index) &&
        !hasIndex(failedIndexes, index)
      if (index !== undefined) taken.add(index)
      return !isNeeded
    })
}

const wantedActive = ({ job }: JobView, { active, succeeded, failedIndexes }: Assessment): number => {
  const { parallelism = 1, completions } = job.spec
  if (completions === undefined) return succeeded > 0 ? Math.min(active.length, parallelism) : parallelism
  return Math.min(parallelism, Math.max(0, completions - succeeded - countIndexes(failedIndexes)))
}

const shrink = (view: JobView, assessment: Assessment, count: number): readonly Pod[] => {
  const useless = isIndexed(view.job) ? surplusOfIndexes(view, assessment) : []
  const others = inDeletionOrder(assessment.active.filter((pod) => !useless.includes(pod)))
  return [...useless, ...others.slice(0, Math.max(0, count - useless.length))].slice(0, burst)
}

const makeIndexed = (view: JobView, assessment: Assessment, count: number): JobPlan => {
  const { job, now } = view
  const { active, terminating, succeededIndexes, failedIndexes } = assessment
  const holders = job.spec.podReplacementPolicy === 'Failed' ? [...active, ...terminating] : active
  const held = new Set(holders.map(indexOf))
  const past = job.spec.backoffLimitPerIndex === undefined ? undefined : pastOfIndexes(view)
  const waits: number[] = []
  const isFree = (index: number): boolean => {
    if (held.has(index) || hasIndex(failedIndexes, index)) return false
    const { failures = 0, ignored = 0, end = 0 } = past?.get(index) ?? {}
    const wait = waitFor(failures + ignored, end, now)
    if (wait > 0) waits.push(wait)
    return wait === 0
  }
  const found = firstMissing(succeededIndexes, job.spec.completions ?? 0, count, isFree)
  const make = found.map((index): JobPod => {
    const { failures = 0, ignored = 0 } = past?.get(index) ?? {}
    return past ? { index, failures, ignored } : { index }
  })
  return { make, leaving: [], ...(waits.length > 0 ? { againInMs: Math.min(...waits) } : {}) }
}

/** The next step of a Job that goes on. */
export const planJob = (view: JobView, assessment: Assessment): JobPlan => {
  const { job } = view
  const { active, terminating } = assessment
  if (job.spec.suspend) return { make: [], leaving: active }
  const wanted = wantedActive(view, assessment)
  const useless = isIndexed(job) ? surplusOfIndexes(view, assessment).length : 0
  const surplus = Math.max(active.length - wanted, useless)
  if (surplus > 0) return { make: [], leaving: shrink(view, assessment, surplus) }
  const unended = job.spec.podReplacementPolicy === 'Failed' ? terminating.length : 0
  const count = Math.min(wanted - active.length - unended, burst)
  if (count <= 0) return { make: [], leaving: [] }
  if (job.spec.backoffLimitPerIndex === undefined) {
    const wait = jobWait(view)
    if (wait > 0) return { make: [], leaving: [], againInMs: wait }
  }
  return isIndexed(job)
    ? makeIndexed(view, assessment, count)
    : { make: Array.from({ length: count }, () => ({})), leaving: [] }
}
