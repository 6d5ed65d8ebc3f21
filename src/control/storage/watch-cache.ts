/** The store over a backend: everything in memory for reading, kept up to date by what the backend tells. */

import { type Clock, systemClock } from '../../api/clock.ts'
import { parseJson } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import {
  type Backend,
  type Kept,
  type KeyChange,
  pathOf,
  RevisionMismatch,
  StorageFailure,
  type StoreKey,
} from './backend.ts'
import { type Bucket, createBucket, defaultHistory, type HistoryLimits } from './bucket.ts'
import { atRevision, type Entry, EntryTooLarge, objectLimit, type Store } from './store.ts'

export interface StoreOptions {
  readonly history?: HistoryLimits
  readonly clock?: Clock
  /** The backend could not be followed; it is loaded anew, again and again until that works. */
  readonly onLost?: (reason: Error) => void
}

/** How long after a failed load the next one begins. */
const reloadMs = 1_000

/** For so long the news of a commit may take. */
const patienceMs = 10_000

const errorOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** Throws before anything is written, so that an object that cannot be kept fails alone. */
const serialize = (key: StoreKey, object: KubeObject): string => {
  const { resourceVersion: _, ...metadata } = object.metadata
  const value = JSON.stringify({ ...object, metadata })
  const size = Buffer.byteLength(value)
  if (size > objectLimit) throw new EntryTooLarge(key, size)
  return value
}

/** Rejects when the backend cannot be loaded. */
export const openStore = async (
  backend: Backend,
  { history = defaultHistory, clock = systemClock, onLost = () => undefined }: StoreOptions = {},
): Promise<Store> => {
  const buckets = new Map<string, Bucket>()
  /** What this server writes, by its JSON: nobody need parse it again. */
  const own = new Map<string, KubeObject>()
  let revision = 0
  let waiting: { readonly revision: number; readonly resolve: (isReached: boolean) => void }[] = []
  let unfollow = (): void => undefined
  let cancelReload = (): void => undefined
  let isClosed = false

  const objectOf = (value: string, at: number): KubeObject => {
    const written = own.get(value)
    own.delete(value)
    return atRevision(written ?? (parseJson(value) as KubeObject), at)
  }

  const reach = (at: number): void => {
    revision = at
    const reached = waiting.filter((each) => each.revision <= revision)
    if (reached.length === 0) return
    waiting = waiting.filter((each) => each.revision > revision)
    for (const { resolve } of reached) resolve(true)
  }

  /** Whether this revision can be seen; false after a while in which nobody has told of it, and once nobody will. */
  const reached = async (wanted: number): Promise<boolean> => {
    if (revision >= wanted || isClosed) return revision >= wanted
    return new Promise<boolean>((resolve) => {
      const cancel = clock.after(patienceMs, () => {
        waiting = waiting.filter((each) => each !== waiter)
        resolve(false)
      })
      const waiter = {
        revision: wanted,
        resolve: (isReached: boolean) => {
          cancel()
          resolve(isReached)
        },
      }
      waiting.push(waiter)
    })
  }

  const first = await backend.load()
  const founded = new Map<string, Entry[]>()
  for (const { key, revision, value } of first.kept) {
    const entries = founded.get(key.bucket) ?? []
    if (entries.length === 0) founded.set(key.bucket, entries)
    entries.push({ key, revision, object: objectOf(value, revision) })
  }
  for (const [name, entries] of founded) buckets.set(name, createBucket(first.revision, entries, history))
  reach(first.revision)

  const bucketOf = (name: string): Bucket => {
    const known = buckets.get(name)
    if (known) return known
    const made = createBucket(first.revision, [], history)
    buckets.set(name, made)
    return made
  }

  const apply = (at: number, { key, value }: KeyChange, time: number): void => {
    const bucket = bucketOf(key.bucket)
    const previous = bucket.get(key.name)?.object
    if (value !== undefined)
      bucket.apply({ key, revision: at, object: objectOf(value, at), removed: false, previous }, time)
    else if (previous)
      bucket.apply({ key, revision: at, object: atRevision(previous, at), removed: true, previous }, time)
  }

  /** What was missed, as the changes from what is here to what is there. */
  const catchUp = (now: number, kept: readonly Kept[]): void => {
    const time = clock.now()
    const there = new Set(kept.map(({ key }) => pathOf(key)))
    const changed = kept.filter(({ key, revision }) => bucketOf(key.bucket).get(key.name)?.revision !== revision)
    for (const { key, revision, value } of changed.sort((a, b) => a.revision - b.revision))
      apply(revision, { key, value }, time)
    for (const [bucket, { names }] of buckets)
      for (const name of [...names()])
        if (!there.has(pathOf({ bucket, name }))) apply(now, { key: { bucket, name } }, time)
    reach(now)
  }

  const follow = (): void => {
    unfollow = backend.follow(revision, {
      commit: ({ revision: at, changes }) => {
        const time = clock.now()
        for (const change of changes) apply(at, change, time)
        reach(at)
      },
      lost: (reason) => {
        onLost(reason)
        void reload()
      },
    })
  }

  const reload = async (): Promise<void> => {
    try {
      const { revision: now, kept } = await backend.load()
      if (isClosed) return
      catchUp(now, kept)
      follow()
    } catch (error) {
      if (isClosed) return
      onLost(errorOf(error))
      cancelReload = clock.after(reloadMs, () => void reload())
    }
  }
  follow()

  return {
    get revision() {
      return revision
    },
    get: ({ bucket, name }) => buckets.get(bucket)?.get(name),
    list: (bucket, at = revision) => bucketOf(bucket).list(at, revision),
    commit: async (...writes) => {
      const written = new Map<string, KubeObject>()
      const operations = writes.map(({ key, expected, object }) => {
        if (object === undefined) return { key, expected }
        const value = serialize(key, object)
        written.set(value, object)
        return { key, expected, value }
      })
      for (const [value, object] of written) own.set(value, object)
      try {
        const at = await backend.commit(operations)
        await reached(at)
        return at
      } catch (error) {
        for (const value of written.keys()) own.delete(value)
        if (error instanceof RevisionMismatch) await reached(error.seenAt)
        throw error
      }
    },
    watch: (bucket, after, listener) => bucketOf(bucket).watch(after, listener),
    fresh: async () => {
      const latest = await backend.latest()
      if (!(await reached(latest)))
        throw new StorageFailure(`nobody tells of what was written up to revision ${latest}`, 'not made')
    },
    close: async () => {
      isClosed = true
      cancelReload()
      for (const { resolve } of waiting.splice(0)) resolve(false)
      await backend.close()
      unfollow()
    },
  }
}
