/** Runs pods until enough of them have succeeded. */
import { referenceTo } from '../../../api/event-recorder.ts'
import { jobs, objectKey, pods } from '../../../api/resources.ts'
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Job } from '../../../api/types/kubernetes/batch-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createCountedStatus } from '../../../controller/own-writes.ts'
import { controllerOf } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { catchUpMs, createPodControl } from '../pod-control/pod-control.ts'
import type { WorkloadKind } from '../pod-control/workload.ts'
import { type Assessment, assess, deadlineOf, finalCondition, type JobView } from './assess.ts'
import { jobPodOf } from './draft.ts'
import { hasIndex } from './indexes.ts'
import { type JobPlan, planJob } from './plan.ts'
import { hasFailed, hasSucceeded, indexOf, isTracked, trackingFinalizer } from './pods.ts'
import { countedStatus, finalStatus, notedStatus, suspension } from './status.ts'
import { createTrackedPods, releaseOrphan } from './tracking.ts'

const name = 'job-controller'

const kind: WorkloadKind<Job> = {
  resource: jobs,
  source: name,
  matcherOf: ({ spec }) => matchLabelSelector(spec.selector),
  finalizer: trackingFinalizer,
}

/** A Job may be somebody else's to run. */
const isOurs = ({ spec }: Job): boolean =>
  spec.managedBy === undefined || spec.managedBy === 'kubernetes.io/job-controller'

/** The last failed pod of an index says how often it has failed: it stays until another carries that on. */
const isStillNeeded = ({ job, pods: all }: JobView, assessment: Assessment, pod: Pod): boolean => {
  const index = indexOf(pod)
  if (job.spec.backoffLimitPerIndex === undefined || assessment.ending || index === undefined) return false
  if (hasIndex(assessment.succeededIndexes, index) || hasIndex(assessment.failedIndexes, index)) return false
  const born = pod.metadata.creationTimestamp ?? ''
  return !all.some(
    (other) => other !== pod && indexOf(other) === index && (other.metadata.creationTimestamp ?? '') >= born,
  )
}

const earliest = (...waits: readonly (number | undefined)[]): Outcome => {
  const known = waits.filter((ms) => ms !== undefined)
  return known.length > 0 ? { againInMs: Math.max(1, Math.min(...known)) } : 'done'
}

export const createJobController: CreateController = (context) => {
  const { client, informers, clock } = context
  const copies = informers.of(jobs)
  const podCopies = informers.of(pods)
  const events = recorderFor(context, name)
  const control = createPodControl(context, kind)
  const tracked = createTrackedPods(context)
  const statuses = createCountedStatus(client, jobs)

  const tellSuspension = (job: Job): void => {
    const found = suspension(job)
    const reason = found?.status === 'True' ? 'Suspended' : 'Resumed'
    if (found) events.record(referenceTo(job), 'Normal', reason, found.message ?? '')
  }

  const tellEnding = (job: Job, { type, reason, message }: NonNullable<Assessment['ending']>): void => {
    if (type === 'Complete') events.record(referenceTo(job), 'Normal', 'Completed', 'Job completed')
    else events.record(referenceTo(job), 'Warning', reason, message)
  }

  interface Managed {
    readonly active: number
    readonly terminating: number
    readonly failure?: string
    readonly againInMs?: number
  }

  const planOf = (view: JobView, assessment: Assessment): JobPlan => {
    if (assessment.ending) return { make: [], leaving: assessment.active }
    return view.job.metadata.deletionTimestamp === undefined ? planJob(view, assessment) : { make: [], leaving: [] }
  }

  const manage = async (view: JobView, assessment: Assessment): Promise<Managed> => {
    const { make, leaving, againInMs } = planOf(view, assessment)
    // Who is sent away without having failed is not counted.
    if (!assessment.ending) await tracked.release(leaving)
    await control.delete(view.job, leaving)
    const { made, failure } = await control.create(
      view.job,
      make.map((pod) => jobPodOf(view.job, pod)),
    )
    return {
      active: assessment.active.length - leaving.length + made.length,
      terminating: assessment.terminating.length + leaving.length,
      ...(failure === undefined ? {} : { failure }),
      ...(againInMs === undefined ? {} : { againInMs }),
    }
  }

  /** Notes who ended, lets go of them, counts them, and closes the Job when nothing is left to wait for. */
  const settle = async (view: JobView, assessment: Assessment, managed: Managed): Promise<Job> => {
    const { job, pods: all, now } = view
    const noted = await statuses.write(job, notedStatus(job, assessment, managed, now))
    tellSuspension(job)
    await tracked.release(
      all.filter(
        (pod) =>
          tracked.has(pod) && (hasSucceeded(pod) || hasFailed(job, pod)) && !isStillNeeded(view, assessment, pod),
      ),
    )
    const held = new Set(all.filter(tracked.has).map(({ metadata }) => metadata.uid))
    const status = countedStatus(noted.status, (uid) => held.has(uid))
    const isOver = managed.active + managed.terminating === 0 && held.size === 0
    if (!assessment.ending || !isOver) return statuses.write(noted, status)
    const closed = await statuses.write(noted, finalStatus(status, assessment.ending, now))
    tellEnding(closed, assessment.ending)
    return closed
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const job = copies.get(key)
    if (!job || !isOurs(job)) return 'done'
    if (!statuses.isCurrent(job)) return { againInMs: catchUpMs }
    const { pods: all, isCurrent } = await control.claim(job)
    if (!isCurrent) return { againInMs: catchUpMs }
    if (finalCondition(job)) {
      await tracked.release(all.filter(tracked.has))
      return 'done'
    }
    const view: JobView = { job, pods: all, isTracked: tracked.has, now: clock.now() }
    const assessment = assess(view)
    const managed = await manage(view, assessment)
    const settled = await settle(view, assessment, managed)
    if (managed.failure !== undefined) throw new Error(managed.failure)
    const deadline = finalCondition(settled) ? undefined : deadlineOf(settled)
    return earliest(managed.againInMs, deadline === undefined ? undefined : deadline - clock.now())
  }

  const queue = createQueue(context, name, reconcile)
  const orphans = createQueue(context, `${name} (orphans)`, releaseOrphan(context))

  return {
    name,
    run: async (signal) => {
      control.follow(queue.add)
      podCopies.onChange((key, current) => {
        if (!current || !isTracked(current)) return
        const owner = controllerOf(current)
        if (!owner || copies.by('uid', owner.uid).length === 0) orphans.add(key)
      })
      copies.onChange((key, current, previous) => {
        if (!current) statuses.forget(key)
        if (!current && previous)
          for (const pod of podCopies.by('owner', previous.metadata.uid ?? '')) orphans.add(objectKey(pod))
      })
      await Promise.all([queue.run(signal), orphans.run(signal)])
    },
  }
}
