/** Jobs that are over go after their `ttlSecondsAfterFinished`, and their pods with them. */
import { jobs } from '../../../api/resources.ts'
import type { Job } from '../../../api/types/kubernetes/batch-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'
import { finalCondition } from './assess.ts'

const name = 'ttl-after-finished-controller'

/** When a Job is to go; undefined when it stays. */
const expiryOf = (job: Job): number | undefined => {
  const { ttlSecondsAfterFinished: seconds } = job.spec
  const ended = Date.parse(finalCondition(job)?.lastTransitionTime ?? '')
  return seconds === undefined || Number.isNaN(ended) ? undefined : ended + seconds * 1000
}

export const createTtlAfterFinishedController: CreateController = (context) => {
  const { client, informers, clock } = context
  const copies = informers.of(jobs)

  const reconcile = async (key: string): Promise<Outcome> => {
    const job = copies.get(key)
    const expiry = job && expiryOf(job)
    if (!job || job.metadata.deletionTimestamp !== undefined || expiry === undefined) return 'done'
    const left = expiry - clock.now()
    if (left > 0) return { againInMs: left }
    // The version: somebody may have given it more time.
    const { uid = '', resourceVersion = '' } = job.metadata
    await client.delete(jobs, job, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      copies.onChange((key, current) => {
        if (current && expiryOf(current) !== undefined) queue.add(key)
      })
      return queue.run(signal)
    },
  }
}
