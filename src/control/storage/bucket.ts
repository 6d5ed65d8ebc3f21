/** One resource's objects, and what happened to them lately. */
import type { Change, Entry, Listing } from './store.ts'
import { RevisionGone } from './store.ts'

/** How much of the past is kept of each resource, so that the busy ones push out nobody else's. */
export interface HistoryLimits {
  readonly changes: number
  readonly milliseconds: number
}

/** A watch of client-go lives for up to ten minutes, and one of others for an hour; 5,000 changes are a rollout of a large cluster. */
export const defaultHistory: HistoryLimits = { changes: 5_000, milliseconds: 3_600_000 }

export interface Bucket {
  get(name: string): Entry | undefined
  names(): Iterable<string>
  /** As it was at `revision`; `now` is the store's own. Throws `RevisionGone`. */
  list(revision: number, now: number): Listing
  watch(revision: number, listener: (change: Change) => void): () => void
  apply(change: Change, time: number): void
}

/** Nothing is known of what happened up to `start`. */
export const createBucket = (start: number, found: readonly Entry[], limits: HistoryLimits): Bucket => {
  const entries = new Map(found.map((entry) => [entry.key.name, entry]))
  const watchers = new Set<(change: Change) => void>()
  /** Sorted, kept until an entry comes or goes. */
  let sorted: readonly string[] | undefined
  let history: { readonly change: Change; readonly time: number }[] = []
  /** Changes after this revision are in `history`. */
  let oldest = start

  const checkKnown = (revision: number): void => {
    if (revision < oldest) throw new RevisionGone(revision, oldest)
  }

  const present = (): Entry[] => {
    sorted ??= [...entries.keys()].sort()
    return sorted.flatMap((name) => entries.get(name) ?? [])
  }

  /** The present, with the changes since undone. */
  const past = (revision: number): Entry[] => {
    const then = new Map(entries)
    for (const { change } of history.filter((each) => each.change.revision > revision).reverse()) {
      const { key, previous } = change
      if (previous) then.set(key.name, { key, revision: Number(previous.metadata.resourceVersion), object: previous })
      else then.delete(key.name)
    }
    return [...then.values()].sort((a, b) => (a.key.name < b.key.name ? -1 : 1))
  }

  /** Drops half of the history at once where it is too long, so that this costs little for each change. */
  const trim = (now: number): void => {
    const first = history[0]
    const isTooLong = history.length > limits.changes * 2
    if (!first || (!isTooLong && now - first.time < limits.milliseconds * 2)) return
    const kept = history.slice(-limits.changes).filter(({ time }) => now - time < limits.milliseconds)
    const dropped = history[history.length - kept.length - 1]
    oldest = dropped?.change.revision ?? oldest
    history = kept
  }

  return {
    get: (name) => entries.get(name),
    names: () => entries.keys(),
    list: (revision, now) => {
      if (revision >= now) return { revision: now, entries: present() }
      checkKnown(revision)
      return { revision, entries: past(revision) }
    },
    watch: (revision, listener) => {
      checkKnown(revision)
      for (const { change } of history) if (change.revision > revision) listener(change)
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    apply: (change, time) => {
      const { key, revision, object, removed } = change
      if (removed || !entries.has(key.name)) sorted = undefined
      if (removed) entries.delete(key.name)
      else entries.set(key.name, { key, revision, object })
      history.push({ change, time })
      trim(time)
      for (const watcher of [...watchers]) watcher(change)
    },
  }
}
