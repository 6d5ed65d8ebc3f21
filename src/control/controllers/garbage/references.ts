/** What the owners of an object decide about it. Pure. */
import { deepEqual } from '../../../api/deep-equal.ts'
import type { KubeObject, OwnerReference } from '../../../api/types/index.ts'
import { foregroundFinalizer, orphanFinalizer } from '../../objects/deletion.ts'

/** `waiting`: the owner is being deleted and waits for us to go first. */
export type OwnerState = 'present' | 'absent' | 'waiting'

export interface Verdict {
  /** The object goes, its own dependents treated so. */
  readonly remove?: 'Background' | 'Foreground' | 'Orphan'
  /** References to take away: others hold the object. */
  readonly unlink?: readonly OwnerReference[]
}

const has = ({ metadata }: KubeObject, finalizer: string): boolean => metadata.finalizers?.includes(finalizer) ?? false

export const isForeground = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined && has(object, foregroundFinalizer)

export const isOrphaning = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined && has(object, orphanFinalizer)

/** Whether a change has to do with owners: a status or a heartbeat decides nothing here, and most changes are such. */
export const hasOtherOwners = (current: KubeObject | undefined, previous: KubeObject | undefined): boolean =>
  current?.metadata.uid !== previous?.metadata.uid ||
  !deepEqual(current?.metadata.ownerReferences, previous?.metadata.ownerReferences)

/** How an owner that was found counts for the object that refers to it. */
export const ownerState = (
  object: KubeObject,
  reference: OwnerReference,
  owner: KubeObject | undefined,
): OwnerState => {
  const isIt = owner?.metadata.uid === reference.uid
  // Owners of another namespace do not count.
  const isNear = !owner?.metadata.namespace || owner.metadata.namespace === object.metadata.namespace
  if (!owner || !isIt || !isNear) return 'absent'
  return isForeground(owner) && reference.blockOwnerDeletion === true ? 'waiting' : 'present'
}

/** An object without any owner that stays has to go; one that keeps an owner only loses the others. */
export const judge = (
  object: KubeObject,
  owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[],
  hasDependents: boolean,
): Verdict => {
  if (owners.length === 0) return {}
  const gone = owners.filter(({ state }) => state !== 'present')
  if (gone.length === 0) return {}
  if (gone.length < owners.length) return { unlink: gone.map(({ reference }) => reference) }
  if (object.metadata.deletionTimestamp !== undefined) return {}
  if (has(object, orphanFinalizer)) return { remove: 'Orphan' }
  const isAwaited = gone.some(({ state }) => state === 'waiting')
  return { remove: (isAwaited && hasDependents) || has(object, foregroundFinalizer) ? 'Foreground' : 'Background' }
}
