/** Watches: the store's changes as seen through a selection. */
import { expired } from '../../api/errors.ts'
import type { KubeObject, WatchEventType } from '../../api/types/index.ts'
import { bucketOf, type ResourceDefinition, withMetadata } from '../resources/definition.ts'
import { type Change, RevisionGone, type Store } from '../storage/store.ts'
import type { Selection } from './selection.ts'

export type ObjectEvent = (type: Exclude<WatchEventType, 'BOOKMARK' | 'ERROR'>, object: KubeObject) => void

export interface WatchListener {
  readonly event: ObjectEvent
  /** An event could not be told. Told apart from the write that made it, which has nothing to do with it. */
  readonly failed: (error: unknown) => void
}

/**
 * Tells what a change is to someone who sees only what the selection matches: one that starts matching is added; one
 * that stops is deleted, as it last matched but with the new resourceVersion.
 */
const emitAs = ({ object, previous, removed }: Change, { matches }: Selection, emit: ObjectEvent): void => {
  const before = previous !== undefined && matches(previous) ? previous : undefined
  const after = !removed && matches(object)
  if (after) emit(before ? 'MODIFIED' : 'ADDED', object)
  else if (before) emit('DELETED', withMetadata(before, { resourceVersion: object.metadata.resourceVersion }))
}

/** Events after `revision`, the past ones before this returns; the result ends it. Throws Expired. */
export const watchObjects = (
  store: Store,
  definition: ResourceDefinition,
  selection: Selection,
  revision: number,
  { event, failed }: WatchListener,
): (() => void) => {
  const tell = (change: Change): void => {
    try {
      emitAs(change, selection, event)
    } catch (error) {
      failed(error)
    }
  }
  try {
    return store.watch(bucketOf(definition), revision, tell)
  } catch (error) {
    if (error instanceof RevisionGone) throw expired(error.message)
    throw error
  }
}
