/** The claims of a StatefulSet's pods: made before their pods, and owned as the set's retention policy says. */
import { deepEqual } from '../../../api/deep-equal.ts'
import { errorText, isAlreadyExists, isNotFound } from '../../../api/errors.ts'
import { type EventRecorder, referenceTo } from '../../../api/event-recorder.ts'
import { persistentVolumeClaims, statefulSets } from '../../../api/resources.ts'
import type { OwnerReference, Pod } from '../../../api/types/index.ts'
import type { StatefulSet } from '../../../api/types/kubernetes/apps-v1.ts'
import type { PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import { controllerReference } from '../../../controller/ownership.ts'
import type { ControllerContext } from '../controller.ts'
import { claimsOf, podNameOf } from './identity.ts'
import { isCondemned } from './plan.ts'

export interface StatefulClaims {
  /** Makes those that are missing. False while old ones of the same names are on their way out. */
  ensure(set: StatefulSet, ordinal: number): Promise<boolean>
  /** Lets those of a pod that is there go with the set, with the pod, or with neither. */
  own(set: StatefulSet, ordinal: number, pod: Pod): Promise<void>
}

const namesPod = ({ kind, apiVersion, name }: OwnerReference, pod: string): boolean =>
  kind === 'Pod' && apiVersion === 'v1' && name === pod

/** Who owns a claim: others stay, of the set and its pod only those that the policy names. */
export const claimOwners = (
  set: StatefulSet,
  ordinal: number,
  pod: Pod | undefined,
  before: readonly OwnerReference[],
): readonly OwnerReference[] => {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  const name = podNameOf(set, ordinal)
  const goesWithPod = whenScaled === 'Delete' && isCondemned(set, ordinal) && pod !== undefined
  const goesWithSet = whenDeleted === 'Delete' && !(whenScaled === 'Delete' && isCondemned(set, ordinal))
  const others = before.filter((each) => each.uid !== set.metadata.uid && !namesPod(each, name))
  const { controller: _, blockOwnerDeletion: _blocks, ...ofSet } = controllerReference(set, statefulSets)
  return [
    ...others,
    ...(goesWithSet ? [ofSet] : []),
    ...(goesWithPod ? [{ apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid ?? '' }] : []),
  ]
}

export const createStatefulClaims = (
  { client, informers }: Pick<ControllerContext, 'client' | 'informers'>,
  events: EventRecorder,
): StatefulClaims => {
  const copies = informers.of(persistentVolumeClaims)

  const known = (set: StatefulSet, name: string): PersistentVolumeClaim | undefined =>
    copies.get(`${set.metadata.namespace}/${name}`)

  /** It goes with a pod that has been deleted: whoever used it again would lose it. */
  const isStale = ({ metadata }: PersistentVolumeClaim, pod: string): boolean =>
    metadata.deletionTimestamp !== undefined || (metadata.ownerReferences ?? []).some((each) => namesPod(each, pod))

  const make = async (set: StatefulSet, draft: ReturnType<typeof claimsOf>[number], pod: string): Promise<void> => {
    const text = `Claim ${draft.metadata.name} Pod ${pod} in StatefulSet ${set.metadata.name}`
    try {
      await client.create(persistentVolumeClaims, draft)
      events.record(referenceTo(set), 'Normal', 'SuccessfulCreate', `create ${text} success`)
    } catch (error) {
      if (isAlreadyExists(error)) return
      events.record(referenceTo(set), 'Warning', 'FailedCreate', `create ${text} failed error: ${errorText(error)}`)
      throw error
    }
  }

  return {
    ensure: async (set, ordinal) => {
      const pod = podNameOf(set, ordinal)
      for (const draft of claimsOf(set, ordinal)) {
        const found = known(set, draft.metadata.name)
        if (found && isStale(found, pod)) return false
        const ownerReferences = claimOwners(set, ordinal, undefined, [])
        if (!found) await make(set, { ...draft, metadata: { ...draft.metadata, ownerReferences } }, pod)
      }
      return true
    },

    own: async (set, ordinal, pod) => {
      for (const { metadata } of claimsOf(set, ordinal)) {
        const found = known(set, metadata.name)
        if (!found) continue
        const before = found.metadata.ownerReferences ?? []
        const ownerReferences = claimOwners(set, ordinal, pod, before)
        if (deepEqual(ownerReferences, before)) continue
        const { uid, resourceVersion } = found.metadata
        try {
          await client.patch(persistentVolumeClaims, found, { metadata: { uid, resourceVersion, ownerReferences } })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
    },
  }
}
