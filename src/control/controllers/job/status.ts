/** What a Job's status says, step by step: first who is to be counted, then the counts, in the end the end. Pure. */
import { formatTime } from '../../../api/clock.ts'
import { isSaid, withCondition } from '../../../api/conditions.ts'
import { isReady } from '../../../api/pods.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Job, JobCondition, JobStatus } from '../../../api/types/kubernetes/batch-v1.ts'
import { type Assessment, type Ending, isIndexed } from './assess.ts'
import { formatIndexes } from './indexes.ts'

type Finding = Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>

const said = (
  conditions: readonly JobCondition[] | undefined,
  finding: Finding,
  now: number,
): readonly JobCondition[] | undefined =>
  isSaid(conditions, finding)
    ? conditions
    : withCondition(conditions, { ...finding, lastProbeTime: formatTime(now) }, now)

/** What has changed between running and waiting; undefined when nothing has. */
export const suspension = ({ spec, status }: Job): Finding | undefined => {
  const isSuspended = status.conditions?.some(({ type, status: held }) => type === 'Suspended' && held === 'True')
  if (spec.suspend && !isSuspended)
    return { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }
  if (!spec.suspend && isSuspended)
    return { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }
  return undefined
}

const decided = ({ type, reason, message }: Ending): Finding => ({
  ...{ type: type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget', status: 'True' },
  ...{ reason, message },
})

/** Its time counts from when it runs, and again from when it goes on. */
const withStart = ({ spec, status }: Job, finding: Finding | undefined, now: number): JobStatus => {
  const { startTime, ...rest } = status
  if (spec.suspend) return finding ? rest : status
  return { ...rest, startTime: finding ? formatTime(now) : (startTime ?? formatTime(now)) }
}

export interface Counts {
  readonly active: number
  readonly terminating: number
}

const withNumbers = (status: JobStatus, numbers: Readonly<Record<'active' | 'succeeded' | 'failed', number>>) => {
  const { active: _active, succeeded: _succeeded, failed: _failed, ...rest } = status
  return { ...rest, ...Object.fromEntries(Object.entries(numbers).filter(([, count]) => count > 0)) }
}

const uidsOf = (pods: readonly Pod[]): readonly string[] => pods.map(({ metadata }) => metadata.uid ?? '')

const uncountedOf = (succeeded: readonly string[], failed: readonly string[]) => ({
  ...(succeeded.length > 0 ? { succeeded } : {}),
  ...(failed.length > 0 ? { failed } : {}),
})

/** Who has ended is noted before anybody lets go of it. */
export const notedStatus = (job: Job, assessment: Assessment, counts: Counts, now: number): JobStatus => {
  const { ending, newSucceeded, newFailed, succeededIndexes, failedIndexes } = assessment
  const finding = suspension(job)
  const before = withStart(job, finding, now)
  const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods ?? {}
  const held = finding ? said(job.status.conditions, finding, now) : job.status.conditions
  const conditions = ending ? said(held, decided(ending), now) : held
  return {
    ...withNumbers(before, {
      active: counts.active,
      succeeded: isIndexed(job) ? assessment.succeeded : (job.status.succeeded ?? 0),
      failed: job.status.failed ?? 0,
    }),
    ready: assessment.active.filter(isReady).length,
    terminating: counts.terminating,
    ...(isIndexed(job) ? { completedIndexes: formatIndexes(succeededIndexes) } : {}),
    ...(job.spec.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(failedIndexes) }),
    uncountedTerminatedPods: uncountedOf(isIndexed(job) ? succeeded : [...succeeded, ...uidsOf(newSucceeded)], [
      ...failed,
      ...uidsOf(newFailed),
    ]),
    ...(conditions && conditions.length > 0 ? { conditions } : {}),
  }
}

/** Who was noted and is let go of counts; `isHeld` says of a uid whether it is not. */
export const countedStatus = (status: JobStatus, isHeld: (uid: string) => boolean): JobStatus => {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const [leftSucceeded, leftFailed] = [succeeded.filter(isHeld), failed.filter(isHeld)]
  return {
    ...withNumbers(status, {
      active: status.active ?? 0,
      succeeded: (status.succeeded ?? 0) + succeeded.length - leftSucceeded.length,
      failed: (status.failed ?? 0) + failed.length - leftFailed.length,
    }),
    uncountedTerminatedPods: uncountedOf(leftSucceeded, leftFailed),
  }
}

/** All is counted, and no pod is left. */
export const finalStatus = (status: JobStatus, { type, reason, message }: Ending, now: number): JobStatus => ({
  ...status,
  conditions: said(status.conditions, { type, status: 'True', reason, message }, now) ?? [],
  ...(type === 'Complete' ? { completionTime: formatTime(now) } : {}),
})
