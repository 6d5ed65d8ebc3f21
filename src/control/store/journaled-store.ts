/**
 * The store: everything in memory for reading, a journal for durability. Writes that arrive in one turn of the event
 * loop share one journal write, and so one fsync. A bounded history serves watches and lists from the recent past.
 */
import type { KubeObject } from '../../api/types/index.ts'
import type { Journal, JournalRow } from './journal.ts'
import {
  type Change,
  type Entry,
  EntryTooLarge,
  objectLimit,
  RevisionGone,
  RevisionMismatch,
  type Store,
  type StoreKey,
  type Write,
} from './store.ts'

interface Bucket {
  readonly entries: Map<string, Entry>
  readonly watchers: Set<(change: Change) => void>
  /** Sorted, kept until an entry comes or goes. */
  sorted: readonly string[] | undefined
}

interface Pending {
  readonly change: Change
  readonly row: JournalRow
  readonly resolve: (entry: Entry) => void
  readonly reject: (error: unknown) => void
}

const defaultHistory = 2_000

/** Done before a write joins those of its turn, so that an object that cannot be written fails no other. */
const serialize = ({ key, object }: Change): string => {
  const json = JSON.stringify(object)
  const size = Buffer.byteLength(json)
  if (size > objectLimit) throw new EntryTooLarge(key, size)
  return json
}

export const createStore = (journal: Journal, historyLimit = defaultHistory): Store => {
  const buckets = new Map<string, Bucket>()
  const bucketOf = (name: string): Bucket => {
    const known = buckets.get(name)
    if (known) return known
    const made: Bucket = { entries: new Map(), watchers: new Set(), sorted: undefined }
    buckets.set(name, made)
    return made
  }

  const loaded = journal.load()
  for (const { key, revision, object } of loaded.rows)
    bucketOf(key.bucket).entries.set(key.name, { key, revision, object })

  /** What is durable and visible. */
  let revision = loaded.revision
  /** Changes after this revision are in `history`. */
  let oldest = loaded.revision
  let history: Change[] = []
  /** Accepted, but not durable yet; by key, so that later writes of the same turn build on them. */
  let pending: Pending[] = []
  const latest = new Map<string, Change>()
  /** Lost to a write of the same turn: told only when that write can be seen, so that a retry sees it. */
  let losers: (() => void)[] = []

  const idOf = (key: StoreKey): string => `${key.bucket} ${key.name}`

  const currentOf = (key: StoreKey): { readonly revision: number; readonly object: KubeObject | undefined } => {
    const waiting = latest.get(idOf(key))
    if (waiting)
      return waiting.removed
        ? { revision: 0, object: undefined }
        : { revision: waiting.revision, object: waiting.object }
    const entry = bucketOf(key.bucket).entries.get(key.name)
    return { revision: entry?.revision ?? 0, object: entry?.object }
  }

  const publish = (change: Change): void => {
    const bucket = bucketOf(change.key.bucket)
    if (change.removed || !bucket.entries.has(change.key.name)) bucket.sorted = undefined
    if (change.removed) bucket.entries.delete(change.key.name)
    else bucket.entries.set(change.key.name, { key: change.key, revision: change.revision, object: change.object })
    revision = change.revision
    history.push(change)
    for (const watcher of [...bucket.watchers]) watcher(change)
  }

  /** Drops the older half at once, so that trimming costs little for each change. */
  const trimHistory = (): void => {
    if (history.length <= historyLimit * 2) return
    const dropped = history.length - historyLimit
    oldest = history[dropped - 1]?.revision ?? oldest
    history = history.slice(dropped)
  }

  const flush = (): void => {
    const batch = pending
    const lost = losers
    pending = []
    losers = []
    latest.clear()
    commitBatch(batch)
    for (const reject of lost) reject()
  }

  const commitBatch = (batch: readonly Pending[]): void => {
    try {
      journal.write(batch.map(({ row }) => row))
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    for (const { change, resolve } of batch) {
      publish(change)
      resolve({ key: change.key, revision: change.revision, object: change.object })
    }
    trimHistory()
  }

  const commit = async ({ key, expected, object, remove = false }: Write): Promise<Entry> => {
    const current = currentOf(key)
    if (current.revision !== expected) {
      const mismatch = new RevisionMismatch(key, expected, current.revision)
      if (!latest.has(idOf(key))) throw mismatch
      return new Promise((_, reject) => losers.push(() => reject(mismatch)))
    }
    const at = (pending.at(-1)?.change.revision ?? revision) + 1
    const change = { key, revision: at, object: object(at), removed: remove, previous: current.object }
    const row = { key, revision: at, json: remove ? undefined : serialize(change) }
    latest.set(idOf(key), change)
    if (pending.length === 0) setImmediate(flush)
    return new Promise((resolve, reject) => pending.push({ change, row, resolve, reject }))
  }

  const checkKnown = (at: number): void => {
    if (at < oldest) throw new RevisionGone(at, oldest)
  }

  const now = (bucket: Bucket): Entry[] => {
    bucket.sorted ??= [...bucket.entries.keys()].sort()
    return bucket.sorted.flatMap((name) => bucket.entries.get(name) ?? [])
  }

  /** The bucket's entries at an earlier revision: the present, with the changes since undone. */
  const past = (name: string, at: number): Entry[] => {
    const entries = new Map(bucketOf(name).entries)
    for (const { key, previous } of history.filter((c) => c.revision > at && c.key.bucket === name).reverse()) {
      if (previous) entries.set(key.name, { key, revision: revisionOf(previous), object: previous })
      else entries.delete(key.name)
    }
    return [...entries.values()].sort((a, b) => (a.key.name < b.key.name ? -1 : 1))
  }

  return {
    get revision() {
      return revision
    },
    get: (key) => bucketOf(key.bucket).entries.get(key.name),
    list: (name, at) => {
      if (at === undefined || at >= revision) return { revision, entries: now(bucketOf(name)) }
      checkKnown(at)
      return { revision: at, entries: past(name, at) }
    },
    commit,
    watch: (name, after, listener) => {
      checkKnown(after)
      for (const change of history) if (change.revision > after && change.key.bucket === name) listener(change)
      const { watchers } = bucketOf(name)
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    close: () => {
      if (pending.length > 0) flush()
      journal.close()
    },
  }
}

const revisionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion)
