/** Claims and volumes that are in use are not deleted until they are not: their finalizers are kept so long. */
import { isFinished } from '../../../api/pods.ts'
import { objectKey, persistentVolumeClaims, persistentVolumes, pods, type Resource } from '../../../api/resources.ts'
import type { KubeObject } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { claimProtection, volumeProtection } from '../../volumes/names.ts'
import { claimKeysOfPod } from '../../volumes/pod-claims.ts'
import type { CreateController } from '../controller.ts'
import type { Informers } from '../informers.ts'

interface Protected<T extends KubeObject> {
  readonly name: string
  readonly resource: Resource<T>
  readonly finalizer: string
  isUsed(object: T, informers: Informers): boolean
  /** What the copies say may be late: asked before an object is let go. */
  confirm?(object: T, context: Parameters<CreateController>[0]): Promise<boolean>
  /** Calls for every object that may not be used any longer. */
  watch?(informers: Informers, add: (key: string) => void, signal: AbortSignal): void
}

const protection =
  <T extends KubeObject>({ name, resource, finalizer, isUsed, confirm, watch }: Protected<T>): CreateController =>
  (context) => {
    const { client, informers } = context
    const copies = informers.of(resource)

    const reconcile = async (key: string): Promise<Outcome> => {
      const object = copies.get(key)
      if (!object) return 'done'
      const { finalizers = [], deletionTimestamp, resourceVersion } = object.metadata
      const isHeld = finalizers.includes(finalizer)
      const set = (wanted: readonly string[]) =>
        client.patch(resource, object, { metadata: { resourceVersion, finalizers: wanted } })
      if (deletionTimestamp === undefined && !isHeld) await set([...finalizers, finalizer])
      if (deletionTimestamp === undefined || !isHeld || isUsed(object, informers)) return 'done'
      if (confirm && !(await confirm(object, context))) return { againInMs: 1_000 }
      await set(finalizers.filter((each) => each !== finalizer))
      return 'done'
    }

    const queue = createQueue(context, name, reconcile)
    return {
      name,
      run: (signal) => {
        copies.onChange((key) => queue.add(key), signal)
        watch?.(informers, (key) => queue.add(key), signal)
        return queue.run(signal)
      },
    }
  }

/** A claim is used by every pod that names it and has not ended, also before it has a node. */
export const createClaimProtection = protection({
  ...{ name: 'pvc-protection-controller', resource: persistentVolumeClaims, finalizer: claimProtection },
  isUsed: (claim, informers) =>
    informers
      .of(pods)
      .by('claim', objectKey(claim))
      .some((pod) => !isFinished(pod)),
  confirm: async (claim, { client }) => {
    const { items } = await client.list(pods, { namespace: claim.metadata.namespace ?? '' })
    return !items.some((pod) => !isFinished(pod) && claimKeysOfPod(pod).includes(objectKey(claim)))
  },
  watch: (informers, add, signal) =>
    informers.of(pods).onChange((_key, pod, previous) => {
      if (previous && (!pod || isFinished(pod))) for (const key of claimKeysOfPod(previous)) add(key)
    }, signal),
})

export const createVolumeProtection = protection({
  ...{ name: 'pv-protection-controller', resource: persistentVolumes, finalizer: volumeProtection },
  isUsed: ({ status }) => status.phase === 'Bound',
})
