/** The claims that a pod's volumes name. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'

export interface PodClaim {
  readonly name: string
  /** Made for the pod, which owns it; undefined for one that is there by itself. */
  readonly template?: JsonObject
}

type PodContent = Pick<Pod, 'metadata' | 'spec'>

const claimOf = (pod: PodContent, volume: Readonly<Record<string, unknown>>): readonly PodClaim[] => {
  const { name, persistentVolumeClaim, ephemeral } = volume
  if (isJsonObject(persistentVolumeClaim) && typeof persistentVolumeClaim['claimName'] === 'string')
    return [{ name: persistentVolumeClaim['claimName'] }]
  if (!isJsonObject(ephemeral) || typeof name !== 'string') return []
  const template = ephemeral['volumeClaimTemplate']
  return [{ name: `${pod.metadata.name}-${name}`, template: isJsonObject(template) ? template : {} }]
}

export const claimsOfPod = (pod: PodContent): readonly PodClaim[] =>
  (pod.spec.volumes ?? []).flatMap((volume) => claimOf(pod, { ...volume }))

export const claimKeysOfPod = (pod: Pod): readonly string[] =>
  claimsOfPod(pod).map(({ name }) => `${pod.metadata.namespace ?? ''}/${name}`)

/** One that is made for a pod belongs to that pod alone: another of its name is somebody else's. */
export const isOfPod = (claim: PersistentVolumeClaim, pod: Pod, { template }: PodClaim): boolean =>
  template === undefined ||
  (claim.metadata.ownerReferences ?? []).some(({ uid, controller }) => controller === true && uid === pod.metadata.uid)
