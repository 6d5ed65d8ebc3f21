/** What the API server reads and writes: the objects of a backend, as of the latest commit this server has been told of. */
import type { KubeObject } from '../../api/types/index.ts'
import type { StoreKey } from './backend.ts'

/** An object at one revision, which is its resourceVersion. Objects in a store are never changed, only replaced. */
export interface Entry {
  readonly key: StoreKey
  readonly revision: number
  readonly object: KubeObject
}

export interface Write {
  readonly key: StoreKey
  /** The revision the entry must have now; 0: it must not exist. */
  readonly expected: number
  /** The new object, whose resourceVersion is set when it is read; missing: the entry goes. */
  readonly object?: KubeObject
}

/** Something that happened: `previous` is missing for a new object. A deletion carries the last state, at the revision of its end. */
export interface Change {
  readonly key: StoreKey
  readonly revision: number
  readonly object: KubeObject
  readonly removed: boolean
  readonly previous: KubeObject | undefined
}

export interface Listing {
  readonly revision: number
  /** Sorted by name. */
  readonly entries: readonly Entry[]
}

/**
 * Objects by key under one strictly rising revision. A `commit` is acknowledged once it is durable, and is seen by
 * `get`, `list` and watchers from then on, in one order.
 */
export interface Store {
  get(key: StoreKey): Entry | undefined
  /** The bucket as it was at `revision` (now, when missing). Throws `RevisionGone` when that is too long ago. */
  list(bucket: string, revision?: number): Listing
  /**
   * Makes all writes, or none, and gives the revision that they got. Rejects with `RevisionMismatch`, `EntryTooLarge`, or when the
   * medium fails.
   */
  commit(...writes: readonly Write[]): Promise<number>
  /**
   * Calls `listener` for every change of the bucket after `revision`, the past ones before this returns. Throws
   * `RevisionGone` when they are no longer known. The result ends the watch.
   */
  watch(bucket: string, revision: number, listener: (change: Change) => void): () => void
  /** Until then reading may show what others have changed since: resolves once everything committed by now can be seen. */
  fresh(): Promise<void>
  readonly revision: number
  close(): Promise<void>
}

/** An object as it is read at this revision. */
export const atRevision = (object: KubeObject, revision: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) },
})

/** Of one object in JSON, as etcd has it. */
export const objectLimit = 1.5 * 1024 * 1024

export class EntryTooLarge extends Error {
  override readonly name = 'EntryTooLarge'

  constructor(key: StoreKey, size: number) {
    super(`${key.bucket} ${key.name} has ${size} bytes, more than ${objectLimit}`)
  }
}

/** The asked-for past has been forgotten. */
export class RevisionGone extends Error {
  override readonly name = 'RevisionGone'

  constructor(revision: number, oldest: number) {
    super(`too old resource version: ${revision} (${oldest})`)
  }
}
