/** Deletion as a decision: an object goes at once, stays until someone lets go of it, or is gone already. Pure. */

import { formatTime } from '../../api/clock.ts'
import { conflict } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { type ResourceDefinition, withMetadata } from '../resources/definition.ts'

export interface Deletion {
  readonly gracePeriodSeconds?: number
  /** Missing: nobody said. */
  readonly propagationPolicy?: string
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

/** Nobody waits longer, and no form of a time says more. */
const lastMoment = Date.UTC(9999, 11, 31, 23, 59, 59)

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

const propagationFinalizers: Readonly<Record<string, string>> = {
  Foreground: foregroundFinalizer,
  Orphan: orphanFinalizer,
}

const isPropagation = (finalizer: string): boolean => Object.values(propagationFinalizers).includes(finalizer)

/**
 * What holds the object from now on: a policy that is said replaces what an earlier deletion said, one that is not leaves that, or is
 * what the kind has for its default.
 */
const heldBy = (
  { orphans }: ResourceDefinition,
  finalizers: readonly string[],
  policy: string | undefined,
): readonly string[] => {
  if (policy === undefined && (!orphans || finalizers.some(isPropagation))) return finalizers
  const wanted = propagationFinalizers[policy ?? 'Orphan']
  const others = finalizers.filter((each) => !isPropagation(each))
  if (wanted === undefined) return others
  // The order is nobody's business.
  return finalizers.length === others.length + 1 && finalizers.includes(wanted) ? finalizers : [...others, wanted]
}

/** Throws Conflict when the object is not the one that was meant. */
export const checkPreconditions = (
  definition: ResourceDefinition,
  { metadata }: KubeObject,
  { preconditions }: Deletion,
): void => {
  const { uid, resourceVersion } = preconditions ?? {}
  if (uid !== undefined && uid !== metadata.uid)
    throw conflict(
      { group: definition.group, plural: definition.plural },
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    )
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      { group: definition.group, plural: definition.plural },
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    )
}

/** Nothing holds a deleted object any longer: no finalizer, no grace period, nothing of its own kind. */
export const isReleased = (definition: ResourceDefinition, object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  (object.metadata.finalizers ?? []).length === 0 &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  !(definition.isHeld?.(object) ?? false)

/** The object as marked for deletion. An earlier deletion is only ever shortened. */
export const markDeleted = (
  definition: ResourceDefinition,
  object: KubeObject,
  deletion: Deletion,
  now: number,
): KubeObject => {
  const { metadata } = object
  const seconds = definition.gracePeriod?.(object, deletion.gracePeriodSeconds) ?? 0
  const finalizers = metadata.finalizers ?? []
  const held = heldBy(definition, finalizers, deletion.propagationPolicy)
  const before = metadata.deletionTimestamp
  const shortens = before === undefined || seconds < (metadata.deletionGracePeriodSeconds ?? 0)
  const marked = withMetadata(object, {
    ...(held.length > 0 || finalizers.length > 0 ? { finalizers: held.length > 0 ? held : undefined } : {}),
    ...(shortens
      ? {
          deletionTimestamp: formatTime(Math.min(now + Number(seconds) * 1000, lastMoment)),
          deletionGracePeriodSeconds: seconds,
        }
      : {}),
  })
  return before === undefined ? (definition.onDeletion?.(marked) ?? marked) : marked
}
