/** What a Job has come to: what is counted, and whether it is over. Pure. */
import type { Pod } from '../../../api/types/index.ts'
import type { Job, JobCondition } from '../../../api/types/kubernetes/batch-v1.ts'
import { isActive, restartsOf } from '../pod-state.ts'
import { type FailureVerdict, judgeFailure } from './failure-policy.ts'
import { commonIndexes, countIndexes, hasIndex, type Indexes, parseIndexes, withIndexes } from './indexes.ts'
import { countIn, failuresAnnotation, hasFailed, hasSucceeded, indexOf, isTerminating } from './pods.ts'

/** How a Job ends. */
export interface Ending {
  readonly type: 'Complete' | 'Failed'
  readonly reason: string
  readonly message: string
}

export interface Assessment {
  readonly active: readonly Pod[]
  readonly terminating: readonly Pod[]
  readonly succeeded: number
  readonly failed: number
  /** Of an Indexed Job. */
  readonly succeededIndexes: Indexes
  /** Of a Job with a limit for each index. */
  readonly failedIndexes: Indexes
  /** Ended since the status was written: their uids go into it before their finalizers go. */
  readonly newSucceeded: readonly Pod[]
  readonly newFailed: readonly Pod[]
  readonly ending: Ending | undefined
}

export interface JobView {
  readonly job: Job
  readonly pods: readonly Pod[]
  /** Not counted yet. */
  readonly isTracked: (pod: Pod) => boolean
  readonly now: number
}

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed'

const conditionOf = ({ status }: Job, type: string): JobCondition | undefined =>
  status.conditions?.find((each) => each.type === type && each.status === 'True')

/** The condition that says that all is over. */
export const finalCondition = (job: Job): JobCondition | undefined =>
  conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed')

/** What was decided before and waits for the last pods to end. */
const decidedEnding = (job: Job): Ending | undefined => {
  for (const [type, word] of [
    ['Complete', 'SuccessCriteriaMet'],
    ['Failed', 'FailureTarget'],
  ] as const) {
    const found = conditionOf(job, word)
    if (found) return { type, reason: found.reason ?? '', message: found.message ?? '' }
  }
  return undefined
}

const failedBy = (reason: string, message: string): Ending => ({ type: 'Failed', reason, message })

/** Containers that are restarted in place count against the limit, too. */
const isRestartedTooOften = ({ spec }: Job, pods: readonly Pod[]): boolean => {
  if (spec.template.spec.restartPolicy !== 'OnFailure') return false
  const limit = spec.backoffLimit ?? 6
  const running = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
  const restarts = running.reduce((sum, pod) => sum + restartsOf(pod), 0)
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** When a Job has to be over; undefined without a deadline. */
export const deadlineOf = ({ spec, status }: Job): number | undefined =>
  spec.activeDeadlineSeconds === undefined || spec.suspend || status.startTime === undefined
    ? undefined
    : Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000

const policySuccess = ({ spec }: Job, succeeded: Indexes): Ending | undefined => {
  for (const [at, { succeededIndexes, succeededCount }] of (spec.successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes, spec.completions ?? 0)
    const count = countIndexes(wanted ? commonIndexes(succeeded, wanted) : succeeded)
    const least = succeededCount ?? (wanted ? countIndexes(wanted) : (spec.completions ?? 0))
    if (count >= least) return { type: 'Complete', reason: 'SuccessPolicy', message: `Matched rules at index ${at}` }
  }
  return undefined
}

const indexEnding = ({ spec }: Job, succeeded: Indexes, failed: Indexes): Ending | undefined => {
  const count = countIndexes(failed)
  if (spec.maxFailedIndexes !== undefined && count > spec.maxFailedIndexes)
    return failedBy('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  return count > 0 && count + countIndexes(succeeded) >= (spec.completions ?? 0)
    ? failedBy('FailedIndexes', 'Job has failed indexes')
    : undefined
}

const isComplete = ({ spec }: Job, succeeded: number, unended: number): boolean =>
  spec.completions === undefined ? succeeded > 0 && unended === 0 : succeeded >= spec.completions

/** Whether an index has failed for good with this pod. */
const failsIndex = ({ spec }: Job, pod: Pod, { action }: FailureVerdict): boolean =>
  action === 'FailIndex' ||
  (action !== 'Ignore' && countIn(pod, failuresAnnotation) + 1 > (spec.backoffLimitPerIndex ?? 0))

const indexesOf = (pods: readonly Pod[]): readonly number[] => pods.map(indexOf).filter((index) => index !== undefined)

export const assess = ({ job, pods, isTracked, now }: JobView): Assessment => {
  const { spec, status } = job
  const uncounted = status.uncountedTerminatedPods ?? {}
  const known = new Set([...(uncounted.succeeded ?? []), ...(uncounted.failed ?? [])])
  const limit = spec.completions ?? 0
  const isNew = (pod: Pod): boolean => isTracked(pod) && !known.has(pod.metadata.uid ?? '')
  const isInRange = (pod: Pod): boolean => !isIndexed(job) || (indexOf(pod) ?? limit) < limit
  const newSucceeded = pods.filter((pod) => isNew(pod) && hasSucceeded(pod) && isInRange(pod))
  const ended = pods.filter((pod) => isNew(pod) && hasFailed(job, pod) && isInRange(pod))
  const verdicts = new Map(ended.map((pod) => [pod, judgeFailure(job, pod)]))
  const newFailed = ended.filter((pod) => verdicts.get(pod)?.action !== 'Ignore')

  const succeededIndexes = isIndexed(job)
    ? withIndexes(parseIndexes(status.completedIndexes, limit), indexesOf(newSucceeded))
    : []
  const failedIndexes =
    spec.backoffLimitPerIndex === undefined
      ? []
      : withIndexes(
          parseIndexes(status.failedIndexes, limit),
          indexesOf(
            ended.filter((pod) => {
              const isDone = hasIndex(succeededIndexes, indexOf(pod) ?? limit)
              return !isDone && failsIndex(job, pod, verdicts.get(pod) ?? { action: 'Count' })
            }),
          ),
        )
  const succeeded = isIndexed(job)
    ? countIndexes(succeededIndexes)
    : (status.succeeded ?? 0) + (uncounted.succeeded ?? []).length + newSucceeded.length
  const failed = (status.failed ?? 0) + (uncounted.failed ?? []).length + newFailed.length
  const active = pods.filter(isActive)
  const terminating = pods.filter(isTerminating)
  const deadline = deadlineOf(job)

  const endingOf = (): Ending | undefined => {
    const fatal = [...verdicts.values()].find(({ action }) => action === 'FailJob')
    if (fatal) return failedBy('PodFailurePolicy', fatal.message ?? '')
    if (failed > (spec.backoffLimit ?? 6) || isRestartedTooOften(job, active))
      return failedBy('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
    if (deadline !== undefined && deadline <= now)
      return failedBy('DeadlineExceeded', 'Job was active longer than specified deadline')
    const byIndex = indexEnding(job, succeededIndexes, failedIndexes) ?? policySuccess(job, succeededIndexes)
    if (byIndex) return byIndex
    return isComplete(job, succeeded, active.length + terminating.length)
      ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
      : undefined
  }
  const ending = decidedEnding(job) ?? endingOf()
  return { active, terminating, succeeded, failed, succeededIndexes, failedIndexes, newSucceeded, newFailed, ending }
}
