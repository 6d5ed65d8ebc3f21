/** Where objects live: the control plane's only state. */
import type { KubeObject } from '../../api/types/index.ts'

/** An object at one revision. Objects in a store are never changed, only replaced. */
export interface Entry {
  readonly key: StoreKey
  readonly revision: number
  readonly object: KubeObject
}

/** `bucket` is the resource (`pods`, `deployments.apps`), `name` is `namespace/name` or `name`. */
export interface StoreKey {
  readonly bucket: string
  readonly name: string
}

export interface Write {
  readonly key: StoreKey
  /** The revision the entry must have now; 0: it must not exist. A mismatch throws `RevisionMismatch`. */
  readonly expected: number
  /** The new object, or the last state of a deleted one, built for the revision it gets. */
  readonly object: (revision: number) => KubeObject
  readonly remove?: boolean
}

/** Something that happened: `previous` is missing for a new object. A deletion carries the object's last state. */
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
  /** Rejects with `RevisionMismatch`, `EntryTooLarge`, or when the medium fails; then nothing has changed. */
  commit(write: Write): Promise<Entry>
  /**
   * Calls `listener` for every change of the bucket after `revision`, the past ones before this returns. Throws
   * `RevisionGone` when they are no longer known. The result ends the watch.
   */
  watch(bucket: string, revision: number, listener: (change: Change) => void): () => void
  readonly revision: number
  close(): void
}

/** Someone else wrote first, or the entry is not there (or already there). */
export class RevisionMismatch extends Error {
  override readonly name = 'RevisionMismatch'
  /** 0 when there is no such entry. */
  readonly actual: number

  constructor(key: StoreKey, expected: number, actual: number) {
    super(`${key.bucket} ${key.name} is at revision ${actual}, not ${expected}`)
    this.actual = actual
  }
}

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
