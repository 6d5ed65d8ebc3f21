/** The finalizer by which a Job's pods stay until they are counted. */
import type { Client } from '../../../api/client.ts'
import { isNotFound } from '../../../api/errors.ts'
import { jobs, objectKey, pods, splitKey } from '../../../api/resources.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { controllerOf } from '../../../controller/ownership.ts'
import type { ControllerContext } from '../controller.ts'
import { isTracked, trackingFinalizer } from './pods.ts'

/** Nothing happens to a pod that is gone. */
export const untrack = async (client: Client, pod: Pod): Promise<void> => {
  const { uid, resourceVersion, finalizers = [] } = pod.metadata
  const left = finalizers.filter((each) => each !== trackingFinalizer)
  try {
    await client.patch(pods, pod, { metadata: { uid, resourceVersion, finalizers: left } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

export interface TrackedPods {
  /** Not let go of yet, as far as anybody here knows. */
  has(pod: Pod): boolean
  /** Lets go of all that can be; then throws the first failure. */
  release(leaving: readonly Pod[]): Promise<void>
}

/** Remembers who was let go of until the copy shows it. */
export const createTrackedPods = ({
  client,
  informers,
}: Pick<ControllerContext, 'client' | 'informers'>): TrackedPods => {
  const copies = informers.of(pods)
  const released = new Set<string>()
  return {
    has: (pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? ''),
    release: async (leaving) => {
      for (const uid of released) if (!copies.by('uid', uid).some(isTracked)) released.delete(uid)
      const results = await Promise.allSettled(
        leaving.map(async (pod) => {
          await untrack(client, pod)
          released.add(pod.metadata.uid ?? '')
        }),
      )
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    },
  }
}

/** Lets go of a pod whose Job is gone, or that has been released by it: nobody will count it. */
export const releaseOrphan =
  ({ client, informers }: Pick<ControllerContext, 'client' | 'informers'>) =>
  async (key: string): Promise<Outcome> => {
    const pod = informers.of(pods).get(key)
    const owner = pod && controllerOf(pod)
    if (!pod || !isTracked(pod) || (owner && owner.kind !== jobs.kind)) return 'done'
    if (owner && informers.of(jobs).by('uid', owner.uid).length > 0) return 'done'
    if (owner) {
      // The copy may lag behind; that the Job is gone must be true.
      const { namespace } = splitKey(objectKey(pod))
      const found = await client.get(jobs, owner.name, namespace).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
        return undefined
      })
      if (found?.metadata.uid === owner.uid) return 'done'
    }
    await untrack(client, pod)
    return 'done'
  }
