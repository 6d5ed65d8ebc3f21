/** What is due of a CronJob, and what it keeps of its past. Pure. */
import type { ObjectReference } from '../../../api/types/index.ts'
import type { CronJob, Job } from '../../../api/types/kubernetes/batch-v1.ts'
import type { Schedule } from '../../resources/batch/schedule.ts'
import { finalCondition } from '../job/assess.ts'
import { countRuns, lastRun, nextRun, type Zone } from './runs.ts'

export interface DueRun {
  /** The run that has come, and has not been made: of several the last. */
  readonly at: number | undefined
  /** Its deadline is over. */
  readonly isTooLate: boolean
  /** Somebody should look at clocks, or set a deadline. */
  readonly missedMany: boolean
  readonly nextInMs: number | undefined
}

const manyMissed = 100

export const dueRun = ({ metadata, spec, status }: CronJob, schedule: Schedule, zone: Zone, now: number): DueRun => {
  const since = Date.parse(status.lastScheduleTime ?? metadata.creationTimestamp ?? '') || now
  const deadline = spec.startingDeadlineSeconds
  const from = deadline === undefined ? since : Math.max(since, now - deadline * 1000)
  const at = from < now ? lastRun(schedule, zone, from, now) : undefined
  const next = nextRun(schedule, zone, now)
  return {
    at,
    isTooLate: at !== undefined && deadline !== undefined && at + deadline * 1000 < now,
    missedMany: at !== undefined && countRuns(schedule, zone, from, now, manyMissed + 1) > manyMissed,
    nextInMs: next === undefined ? undefined : Math.max(1, next - now),
  }
}

/** The name tells the minute, so that no run is made twice. */
export const jobNameOf = ({ metadata }: CronJob, at: number): string => `${metadata.name}-${Math.floor(at / 60_000)}`

export interface ActiveJobs {
  readonly active: readonly ObjectReference[]
  /** Were active, and are over. */
  readonly completed: readonly Job[]
  /** Are active, and nobody here has said so. */
  readonly unexpected: readonly Job[]
  /** Were active, and are not to be found. */
  readonly missing: readonly ObjectReference[]
  readonly lastSuccessfulTime: string | undefined
}

/** What the status should say of the Jobs that there are. */
export const activeJobs = ({ status }: CronJob, jobs: readonly Job[]): ActiveJobs => {
  const known = status.active ?? []
  const byUid = new Map(jobs.map((job) => [job.metadata.uid ?? '', job]))
  const isListed = ({ metadata }: Job): boolean => known.some(({ uid }) => uid === metadata.uid)
  const isOver = (job: Job): boolean => finalCondition(job) !== undefined
  const ends = jobs
    .filter((job) => finalCondition(job)?.type === 'Complete')
    .map((job) => job.status.completionTime ?? '')
  return {
    active: known.filter(({ uid = '' }) => {
      const job = byUid.get(uid)
      return job !== undefined && !isOver(job)
    }),
    completed: jobs.filter((job) => isListed(job) && isOver(job)),
    unexpected: jobs.filter((job) => !isListed(job) && !isOver(job)),
    missing: known.filter(({ uid = '' }) => !byUid.has(uid)),
    lastSuccessfulTime: [status.lastSuccessfulTime ?? '', ...ends].toSorted().at(-1) || undefined,
  }
}

/** The oldest of those that are over and more than the history keeps. */
export const surplusJobs = ({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] => {
  const born = ({ status, metadata }: Job): string =>
    `${status.startTime ?? metadata.creationTimestamp}/${metadata.name}`
  const oldest = (type: 'Complete' | 'Failed', limit: number | undefined): readonly Job[] => {
    if (limit === undefined) return []
    const ended = jobs.filter((job) => finalCondition(job)?.type === type)
    return ended.toSorted((a, b) => (born(a) < born(b) ? -1 : 1)).slice(0, Math.max(0, ended.length - limit))
  }
  return [...oldest('Complete', spec.successfulJobsHistoryLimit), ...oldest('Failed', spec.failedJobsHistoryLimit)]
}
