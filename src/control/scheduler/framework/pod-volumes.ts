/** What a pod's claims say of where it can run, and what is to be written before it does. Pure. */
import { objectKey } from '../../../api/resources.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../../api/types/kubernetes/storage-v1.ts'
import { isAllowed } from '../../volumes/choose-node.ts'
import { annotationOf, classOf, isBound, isProvisioned, waitsForConsumer } from '../../volumes/claims.ts'
import { bestVolume, isReachable } from '../../volumes/match.ts'
import { selectedNode } from '../../volumes/names.ts'
import { claimsOfPod, isOfPod } from '../../volumes/pod-claims.ts'

export interface VolumeWorld {
  readonly claim: (key: string) => PersistentVolumeClaim | undefined
  readonly volume: (name: string) => PersistentVolume | undefined
  readonly volumesOfClass: (name: string) => Iterable<PersistentVolume>
  readonly storageClass: (name: string) => StorageClass | undefined
  /** Whether a volume was found for another claim, by its key, and nothing of it is written yet. */
  readonly isReserved: (volume: string, claim: string) => boolean
  /** Whether another pod that has a node, and has not ended, uses the claim. */
  readonly isTaken: (key: string, by: Pod) => boolean
}

/** A claim that gets its volume with the pod's node: one that is there, or one that is made on the node. */
export interface Placement {
  readonly claim: PersistentVolumeClaim
  readonly volume: PersistentVolume | undefined
}

export interface PodVolumes {
  /** Why the pod can be on no node at all. */
  readonly refusal?: string
  /** Why not on this one. */
  objections(node: Node): readonly string[]
  /** What is to be written for this one. */
  placements(node: Node): readonly Placement[]
}

/** Of a pod without claims. */
export const noVolumes: PodVolumes = { objections: () => [], placements: () => [] }

const refusalOf = (pod: Pod, world: VolumeWorld): string | undefined => {
  const { namespace = '' } = pod.metadata
  for (const podClaim of claimsOfPod(pod)) {
    const name = JSON.stringify(podClaim.name)
    const claim = world.claim(`${namespace}/${podClaim.name}`)
    if (!claim)
      return podClaim.template === undefined
        ? `persistentvolumeclaim ${name} not found`
        : `waiting for ephemeral volume controller to create the persistentvolumeclaim ${name}`
    if (!isOfPod(claim, pod, podClaim)) return `persistentvolumeclaim ${name} was not created for the pod`
    if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${name} is being deleted`
    if (claim.status.phase === 'Lost')
      return `persistentvolumeclaim ${name} bound to non-existent persistentvolume ${JSON.stringify(claim.spec.volumeName ?? '')}`
    if (claim.spec.accessModes?.includes('ReadWriteOncePod') && world.isTaken(`${namespace}/${podClaim.name}`, pod))
      return 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'
    if (!isBound(claim) && (claim.spec.volumeName || !waitsForConsumer(world.storageClass(classOf(claim)))))
      return 'pod has unbound immediate PersistentVolumeClaims'
  }
  return undefined
}

/** Undefined: there is no way to have the claim's volume on the node. */
const place = (
  claim: PersistentVolumeClaim,
  node: Node,
  world: VolumeWorld,
  taken: ReadonlySet<PersistentVolume>,
): Placement | undefined => {
  const chosen = annotationOf(claim, selectedNode)
  if (chosen !== undefined) return chosen === node.metadata.name ? { claim, volume: undefined } : undefined
  const key = objectKey(claim)
  const free = [...world.volumesOfClass(classOf(claim))].filter(
    (volume) => !taken.has(volume) && !world.isReserved(volume.metadata.name, key),
  )
  const volume = bestVolume({ claim, node }, free)
  if (volume) return { claim, volume }
  const storageClass = world.storageClass(classOf(claim))
  const canBeMade = storageClass && isProvisioned(storageClass) && isAllowed(storageClass.allowedTopologies, node)
  return canBeMade ? { claim, volume: undefined } : undefined
}

export const volumesOfPod = (pod: Pod, world: VolumeWorld): PodVolumes => {
  const keys = claimsOfPod(pod).map(({ name }) => `${pod.metadata.namespace ?? ''}/${name}`)
  if (keys.length === 0) return noVolumes
  const refusal = refusalOf(pod, world)
  if (refusal !== undefined) return { ...noVolumes, refusal }
  const claims = [...new Set(keys)].flatMap((key) => world.claim(key) ?? [])
  const waiting = claims.filter((claim) => !isBound(claim))

  const placed = (node: Node): readonly Placement[] | undefined => {
    const taken = new Set<PersistentVolume>()
    const all: Placement[] = []
    for (const claim of waiting) {
      const found = place(claim, node, world, taken)
      if (!found) return undefined
      if (found.volume) taken.add(found.volume)
      all.push(found)
    }
    return all
  }

  const bound = claims.filter(isBound).map((claim) => world.volume(claim.spec.volumeName ?? ''))
  return {
    objections: (node) => {
      if (bound.includes(undefined))
        return ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)']
      if (bound.some((volume) => volume && !isReachable(volume, node)))
        return ['node(s) had volume node affinity conflict']
      return placed(node) ? [] : ["node(s) didn't find available persistent volumes to bind"]
    },
    placements: (node) => placed(node) ?? [],
  }
}
