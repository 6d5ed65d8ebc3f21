/** Which volume a claim gets. Pure. */
import { matchesNodeSelector } from '../../api/node-affinity.ts'
import { matchLabelSelector } from '../../api/selectors.ts'
import type { Node } from '../../api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import { bytesOf, classOf, isFor, modeOf, requestedBytes } from './claims.ts'

const sizeOf = ({ spec }: PersistentVolume): bigint => bytesOf(spec.capacity)

/** Why a claim cannot have the volume that it, or somebody else, has named for it; in Kubernetes' words. */
export const mismatch = (volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined => {
  const modes = volume.spec.accessModes ?? []
  if (volume.metadata.deletionTimestamp !== undefined) return 'the volume is marked for deletion'
  if (sizeOf(volume) < requestedBytes(claim)) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if (modeOf(volume) !== modeOf(claim)) return 'incompatible volumeMode'
  if (!(claim.spec.accessModes ?? []).every((mode) => modes.includes(mode))) return 'incompatible accessMode'
  return undefined
}

export const isReachable = ({ spec }: PersistentVolume, node: Node): boolean =>
  spec.nodeAffinity?.required === undefined || matchesNodeSelector(spec.nodeAffinity.required, node)

/** Few access modes before many, small before large: what can do more is kept for who needs it. */
const compare = (a: PersistentVolume, b: PersistentVolume): number => {
  const modes = (a.spec.accessModes ?? []).length - (b.spec.accessModes ?? []).length
  if (modes !== 0) return modes
  const [one, other] = [sizeOf(a), sizeOf(b)]
  if (one !== other) return one < other ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}

export interface Wanted {
  readonly claim: PersistentVolumeClaim
  /** It has to be reachable from there. */
  readonly node?: Node
  /** Only what somebody has kept for the claim. */
  readonly reservedOnly?: boolean
}

/** One that is kept for the claim, else the least of those that are available and satisfy it. */
export const bestVolume = (
  { claim, node, reservedOnly = false }: Wanted,
  volumes: Iterable<PersistentVolume>,
): PersistentVolume | undefined => {
  const matches = matchLabelSelector(claim.spec.selector)
  const isSelected = ({ metadata }: PersistentVolume): boolean =>
    claim.spec.selector === undefined || matches(metadata.labels)
  let best: PersistentVolume | undefined
  for (const volume of volumes) {
    if (mismatch(volume, claim) !== undefined) continue
    const isReached = !node || isReachable(volume, node)
    if (volume.spec.claimRef) {
      if (isFor(volume, claim)) return isReached ? volume : undefined
      continue
    }
    if (reservedOnly || !isReached || volume.status.phase !== 'Available' || !isSelected(volume)) continue
    if (!best || compare(volume, best) < 0) best = volume
  }
  return best
}
