/** A local copy of objects by key, with secondary indexes and handlers that hear of every change. */

/** `previous` is missing for a new object, `current` for a deleted one. */
export type ChangeHandler<V> = (key: string, current: V | undefined, previous: V | undefined) => void

/** Secondary keys of an entry, by index name. */
export type Indexes<V> = Readonly<Record<string, (value: V) => readonly string[]>>

/** What is read of a copy. */
export interface CopyReader<V> {
  /** Keys are `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): V | undefined
  values(): IterableIterator<V>
  entries(): IterableIterator<[string, V]>
  readonly size: number
  /** Entries whose index `name` contains `value`. Throws when there is no such index. */
  by(name: string, value: string): readonly V[]
  /**
   * Handlers run in the order they were added, after the copy has changed. A late one first sees all that is there.
   * It is forgotten when `signal` aborts.
   */
  onChange(handler: ChangeHandler<V>, signal?: AbortSignal): void
}

interface LocalCopy<V> {
  readonly reader: CopyReader<V>
  versionOf(key: string): string | undefined
  keys(): readonly string[]
  /** Undefined removes. Handlers hear of it unless nothing was there and nothing is. */
  set(key: string, value: V | undefined, version?: string): void
}

/** `what` is copied, for errors. */
export const createLocalCopy = <V>(what: string, indexes: Indexes<V>): LocalCopy<V> => {
  const entries = new Map<string, { readonly value: V; readonly version: string | undefined }>()
  const indexed = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Set<string>>()]))
  const handlers = new Set<ChangeHandler<V>>()

  const index = (key: string, value: V, present: boolean): void => {
    for (const [name, keysOf] of Object.entries(indexes)) {
      const buckets = indexed.get(name)
      if (!buckets) continue
      for (const indexKey of keysOf(value)) {
        const bucket = buckets.get(indexKey) ?? new Set()
        if (present) buckets.set(indexKey, bucket.add(key))
        else if (bucket.delete(key) && bucket.size === 0) buckets.delete(indexKey)
      }
    }
  }

  return {
    versionOf: (key) => entries.get(key)?.version,
    keys: () => [...entries.keys()],
    set: (key, current, version) => {
      const previous = entries.get(key)
      if (current === undefined && previous === undefined) return
      if (previous) index(key, previous.value, false)
      if (current === undefined) entries.delete(key)
      else {
        entries.set(key, { value: current, version })
        index(key, current, true)
      }
      for (const handler of handlers) handler(key, current, previous?.value)
    },
    reader: {
      get: (key) => entries.get(key)?.value,
      *values() {
        for (const entry of entries.values()) yield entry.value
      },
      *entries() {
        for (const [key, entry] of entries) yield [key, entry.value] as [string, V]
      },
      get size() {
        return entries.size
      },
      by: (name, value) => {
        const buckets = indexed.get(name)
        if (!buckets) throw new Error(`informer of ${what} has no index "${name}"`)
        const found: V[] = []
        for (const key of buckets.get(value) ?? []) {
          const entry = entries.get(key)
          if (entry) found.push(entry.value)
        }
        return found
      },
      onChange: (handler, signal) => {
        if (signal?.aborted) return
        handlers.add(handler)
        signal?.addEventListener('abort', () => handlers.delete(handler), { once: true })
        for (const [key, entry] of entries) handler(key, entry.value, undefined)
      },
    },
  }
}
