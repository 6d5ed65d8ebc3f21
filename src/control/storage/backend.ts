/** Where objects are kept: one ordered sequence of commits, shared by every API server of a cluster. */

import { AnsweredError, internalError, serviceUnavailable } from '../../api/errors.ts'

/** `bucket` is the resource (`pods`, `deployments.apps`), `name` is `namespace/name` or `name`. */
export interface StoreKey {
  readonly bucket: string
  readonly name: string
}

/** What is under a key: an object in JSON, without its resourceVersion, which is the revision of its last change. */
export interface Kept {
  readonly key: StoreKey
  readonly revision: number
  readonly value: string
}

export interface Operation {
  readonly key: StoreKey
  /** The revision that the key must have now; 0: it must not be there. */
  readonly expected: number
  /** Missing: the key goes. */
  readonly value?: string
}

/** What became of one key; without a value it is gone. */
export type KeyChange = Pick<Operation, 'key' | 'value'>

export interface Commit {
  readonly revision: number
  readonly changes: readonly KeyChange[]
}

export interface Follower {
  commit(commit: Commit): void
  /** Commits may have been missed, or could not be told for a while: load again. Nothing is told after this. */
  lost(reason: Error): void
}

/**
 * A durable medium. Everything is told in the order of the revisions, which rise strictly over all buckets; they need not be
 * without gaps.
 */
export interface Backend {
  /** All that is kept, as of one moment. */
  load(): Promise<{ readonly revision: number; readonly kept: readonly Kept[] }>
  /**
   * Makes all operations durable under one revision, or none. Rejects with `RevisionMismatch` when one does not find what it
   * expects, with `StorageFailure` when the medium fails.
   */
  commit(operations: readonly Operation[]): Promise<number>
  /** Tells of every commit after `revision`, whoever makes it; the result ends it. */
  follow(revision: number, follower: Follower): () => void
  /** The latest revision that anybody has been told of, by any server. */
  latest(): Promise<number>
  /** Leaves nothing on the medium of what was replaced; missing where that cannot be done from here. */
  scrub?(): Promise<void>
  close(): Promise<void>
}

/** The medium could not do it: nobody can reach it, or it is full. */
export class StorageFailure extends AnsweredError {
  override readonly name = 'StorageFailure'
  /** Whether a write was made all the same. */
  readonly made: 'not made' | 'unknown'

  constructor(message: string, made: 'not made' | 'unknown', cause?: unknown) {
    super(
      message,
      made === 'not made'
        ? serviceUnavailable(
            'the store cannot be read or written now, and nothing was changed; the server log tells why',
          )
        : internalError('the store did not answer in time: the write may have been made'),
      cause,
    )
    this.made = made
  }
}

/** Someone else wrote first, or the entry is not there (or already there). */
export class RevisionMismatch extends Error {
  override readonly name = 'RevisionMismatch'
  readonly key: StoreKey
  /** The revision of the medium when it was so: whoever has read up to it sees why. */
  readonly seenAt: number

  /** `actual` is 0 when there is no such entry. */
  constructor(key: StoreKey, expected: number, actual: number, seenAt: number) {
    super(`${key.bucket} ${key.name} is at revision ${actual}, not ${expected}`)
    this.key = key
    this.seenAt = seenAt
  }
}

/** A text for each key; buckets have no slash. */
export const pathOf = ({ bucket, name }: StoreKey): string => `${bucket}/${name}`
