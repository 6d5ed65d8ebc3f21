/** Makes the claims of generic ephemeral volumes; each belongs to its pod and goes with it. */
import type { Draft } from '../../../api/client.ts'
import { errorText, isAlreadyExists, isNamespaceTerminating } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { isJsonObject, type JsonObject } from '../../../api/json.ts'
import { persistentVolumeClaims, pods } from '../../../api/resources.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { controllerReference } from '../../../controller/ownership.ts'
import { createQueue } from '../../../controller/queue.ts'
import { claimsOfPod, isOfPod } from '../../volumes/pod-claims.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { isActive } from '../pod-state.ts'

const name = 'ephemeral_volume'

/** The API has held the template against the rules of claims. */
const draftOf = (pod: Pod, claimName: string, { metadata, spec }: JsonObject): Draft<PersistentVolumeClaim> => {
  const { labels, annotations } = isJsonObject(metadata) ? metadata : {}
  return {
    metadata: {
      ...{ name: claimName, namespace: pod.metadata.namespace ?? '' },
      ...(isJsonObject(labels) ? { labels } : {}),
      ...(isJsonObject(annotations) ? { annotations } : {}),
      ownerReferences: [controllerReference(pod, pods)],
    },
    spec,
  } as unknown as Draft<PersistentVolumeClaim>
}

export const createEphemeralVolumeController: CreateController = (context) => {
  const { client, informers } = context
  const podCopies = informers.of(pods)
  const claims = informers.of(persistentVolumeClaims)
  const events = recorderFor(context, name)

  const reconcile = async (key: string): Promise<Outcome> => {
    const pod = podCopies.get(key)
    if (!pod || !isActive(pod)) return 'done'
    for (const each of claimsOfPod(pod)) {
      if (each.template === undefined) continue
      const there = claims.get(`${pod.metadata.namespace ?? ''}/${each.name}`)
      if (there && !isOfPod(there, pod, each)) {
        const message = `ephemeral volume: PVC ${pod.metadata.namespace ?? ''}/${each.name} was not created for the pod`
        events.record(referenceTo(pod), 'Warning', 'EphemeralVolumeCreationFailed', message)
        throw new Error(message)
      }
      if (there) continue
      await client.create(persistentVolumeClaims, draftOf(pod, each.name, each.template)).catch((error: unknown) => {
        if (isNamespaceTerminating(error)) return
        if (isAlreadyExists(error)) throw error
        const message = `ephemeral volume: create PVC ${each.name}: ${errorText(error)}`
        events.record(referenceTo(pod), 'Warning', 'EphemeralVolumeCreationFailed', message)
        throw error
      })
    }
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  const look = (pod: Pod | undefined, key: string): void => {
    if (pod && claimsOfPod(pod).some(({ template }) => template !== undefined)) queue.add(key)
  }
  return {
    name,
    run: (signal) => {
      podCopies.onChange((key, pod) => look(pod, key), signal)
      claims.onChange((key, current) => {
        if (!current)
          for (const pod of podCopies.by('claim', key)) look(pod, `${pod.metadata.namespace}/${pod.metadata.name}`)
      }, signal)
      return queue.run(signal)
    },
  }
}
