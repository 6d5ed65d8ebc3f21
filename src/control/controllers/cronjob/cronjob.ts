/** Makes Jobs when their time has come. */
import { formatTime } from '../../../api/clock.ts'
import { errorText, isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../../api/errors.ts'
import { type EventType, referenceTo } from '../../../api/event-recorder.ts'
import { cronJobs, jobs } from '../../../api/resources.ts'
import type { ObjectReference } from '../../../api/types/index.ts'
import type { CronJob, CronJobStatus, Job } from '../../../api/types/kubernetes/batch-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { followDependents } from '../../../controller/follow-dependents.ts'
import { createCountedStatus } from '../../../controller/own-writes.ts'
import { controllerReference, isControlledBy } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import { checkTimeZone, parseSchedule, type Schedule } from '../../resources/batch/schedule.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { finalCondition } from '../job/assess.ts'
import { catchUpMs } from '../pod-control/pod-control.ts'
import { activeJobs, type DueRun, dueRun, jobNameOf, surplusJobs } from './plan.ts'
import { type Zone, zoneOf } from './runs.ts'

const name = 'cronjob-controller'

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

/** As Events write it: `Thu, 01 Jan 2026 00:00:00 +0000`. */
const longTime = (ms: number): string => new Date(ms).toUTCString().replace('GMT', '+0000')

/** That of this machine, as with kube-controller-manager. */
const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

export const createCronJobController: CreateController = (context) => {
  const { client, informers, clock } = context
  const copies = informers.of(cronJobs)
  const jobCopies = informers.of(jobs)
  const events = recorderFor(context, name)
  const statuses = createCountedStatus(client, cronJobs)

  const tell = (cronJob: CronJob, type: EventType, reason: string, message: string): void =>
    events.record(referenceTo(cronJob), type, reason, message)

  const remove = async (
    cronJob: CronJob,
    job: { readonly metadata: { readonly name: string; readonly uid?: string } },
  ) => {
    const { name: jobName, uid = '' } = job.metadata
    const target = { metadata: { name: jobName, namespace: cronJob.metadata.namespace ?? '' } }
    try {
      await client.delete(jobs, target, { propagationPolicy: 'Background', preconditions: { uid } })
      tell(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${jobName}`)
    } catch (error) {
      if (isNotFound(error)) return
      tell(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${errorText(error)}`)
      throw error
    }
  }

  /** The copy may lag behind: whether a Job is gone is asked. */
  const isGone = async ({ metadata }: CronJob, { name: jobName = '', uid }: ObjectReference): Promise<boolean> => {
    try {
      return (await client.get(jobs, jobName, metadata.namespace)).metadata.uid !== uid
    } catch (error) {
      if (isNotFound(error)) return true
      throw error
    }
  }

  const withStatus = ({ status }: CronJob, active: readonly ObjectReference[], more: CronJobStatus): CronJobStatus => {
    const { active: _, ...rest } = { ...status, ...more }
    return active.length > 0 ? { ...rest, active } : rest
  }

  /** Brings the status up to what has become of the Jobs. */
  const review = async (cronJob: CronJob, owned: readonly Job[]): Promise<CronJob> => {
    const found = activeJobs(cronJob, owned)
    const active = [...found.active]
    for (const reference of found.missing) {
      if (await isGone(cronJob, reference))
        tell(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`)
      else active.push(reference)
    }
    for (const job of found.completed) {
      const end = finalCondition(job)?.type
      tell(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${end}`)
    }
    for (const { metadata } of found.unexpected)
      tell(
        cronJob,
        'Warning',
        'UnexpectedJob',
        `Saw a job that the controller did not create or forgot: ${metadata.name}`,
      )
    const { lastSuccessfulTime } = found
    return statuses.write(
      cronJob,
      withStatus(cronJob, active, lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
    )
  }

  /** Undefined when the namespace goes, or when another has the name. */
  const make = async (cronJob: CronJob, at: number): Promise<Job | undefined> => {
    const { jobTemplate } = cronJob.spec
    const { labels, annotations } = jobTemplate.metadata ?? {}
    const metadata = {
      ...{ name: jobNameOf(cronJob, at), namespace: cronJob.metadata.namespace ?? '' },
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [scheduledAnnotation]: formatTime(at) },
      ownerReferences: [controllerReference(cronJob, cronJobs)],
    }
    try {
      const made = await client.create(jobs, { metadata, spec: jobTemplate.spec, status: {} })
      tell(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${made.metadata.name}`)
      return made
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined
      if (isAlreadyExists(error)) {
        const found = await client.get(jobs, metadata.name, metadata.namespace)
        if (isControlledBy(found, cronJob)) return found
      }
      tell(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${errorText(error)}`)
      throw error
    }
  }

  const start = async (cronJob: CronJob, at: number): Promise<void> => {
    const running = cronJob.status.active ?? []
    const { concurrencyPolicy } = cronJob.spec
    if (concurrencyPolicy === 'Forbid' && running.length > 0) {
      const why = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      return tell(cronJob, 'Normal', 'JobAlreadyActive', why)
    }
    const isReplaced = concurrencyPolicy === 'Replace'
    if (isReplaced)
      for (const { name: jobName = '', uid = '' } of running)
        await remove(cronJob, { metadata: { name: jobName, uid } })
    const job = await make(cronJob, at)
    if (!job) return
    const others = isReplaced ? [] : running
    const active = finalCondition(job) ? others : [...others, referenceTo(job)]
    await statuses.write(cronJob, withStatus(cronJob, active, { lastScheduleTime: formatTime(at) }))
  }

  const startDue = async (cronJob: CronJob, { at, isTooLate, missedMany }: DueRun): Promise<void> => {
    if (at === undefined) return
    if (missedMany) {
      const cure = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew'
      tell(cronJob, 'Warning', 'TooManyMissedTimes', `too many missed start times. ${cure}`)
    }
    if (isTooLate) tell(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${longTime(at)}`)
    else await start(cronJob, at)
  }

  /** Undefined, and told, when nothing can be made of it. */
  const planOf = (cronJob: CronJob): { readonly schedule: Schedule; readonly zone: Zone } | undefined => {
    const { schedule: text, timeZone } = cronJob.spec
    const wrongZone = timeZone === undefined ? undefined : checkTimeZone(timeZone)
    if (wrongZone !== undefined) {
      tell(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: ${wrongZone}`)
      return undefined
    }
    const schedule = parseSchedule(text)
    if (typeof schedule === 'string') {
      tell(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(text)} : ${schedule}`)
      return undefined
    }
    return { schedule, zone: zoneOf(timeZone ?? localZone()) }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const cronJob = copies.get(key)
    if (!cronJob) return 'done'
    if (!statuses.isCurrent(cronJob)) return { againInMs: catchUpMs }
    const owned = jobCopies.by('owner', cronJob.metadata.uid ?? '').filter((job) => isControlledBy(job, cronJob))
    const reviewed = await review(cronJob, owned)
    if (cronJob.metadata.deletionTimestamp !== undefined) return 'done'
    for (const job of surplusJobs(cronJob, owned)) await remove(cronJob, job)
    const plan = cronJob.spec.suspend ? undefined : planOf(cronJob)
    if (!plan) return 'done'
    const due = dueRun(reviewed, plan.schedule, plan.zone, clock.now())
    await startDue(reviewed, due)
    return due.nextInMs === undefined ? 'done' : { againInMs: due.nextInMs }
  }

  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      copies.onChange((key, current) => {
        if (!current) statuses.forget(key)
        queue.add(key)
      })
      followDependents({ owners: copies, dependents: jobCopies, matcherOf: () => () => false }, queue.add)
      return queue.run(signal)
    },
  }
}
