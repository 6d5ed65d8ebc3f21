/**
 * A local, always catching-up copy of one kind: list, then watch, and again from the start when the server has
 * forgotten where we were, or has never been there (its store was restored). Level-triggered: handlers learn that a key changed, and look at the copy.
 */
import type { Client, ListOptions } from './client.ts'
import { type Clock, sleep, systemClock } from './clock.ts'
import { isExpired, isVersionTooLarge } from './errors.ts'
import { objectKey, type Resource } from './resources.ts'
import type { KubeObject } from './types/index.ts'

/** `previous` is missing for a new object, `current` for a deleted one. */
export type ChangeHandler<V> = (key: string, current: V | undefined, previous: V | undefined) => void

export interface InformerOptions<T extends KubeObject, V> extends ListOptions {
  /** Cuts an object down to what is used of it, at the border. Identity when missing. */
  readonly view?: (object: T) => V
  /** Secondary keys of an entry, by index name; see `Informer.by`. */
  readonly indexes?: Readonly<Record<string, (value: V) => readonly string[]>>
  readonly clock?: Clock
  /** Told when the connection fails; the informer retries by itself. */
  readonly onError?: (error: unknown, retryInMs: number) => void
}

export interface Informer<V> {
  /** Keys are `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): V | undefined
  values(): IterableIterator<V>
  entries(): IterableIterator<[string, V]>
  readonly size: number
  /** Entries whose index `name` contains `value`. Throws when there is no such index. */
  by(name: string, value: string): readonly V[]
  /** Handlers run in the order they were added, after the copy has changed. A late one first sees all that is there. */
  onChange(handler: ChangeHandler<V>): void
  /** Resolves when the first list is in. */
  readonly synced: Promise<void>
  readonly isSynced: boolean
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

const retryBaseMs = 200
const retryMaxMs = 10_000

export const createInformer = <T extends KubeObject, V = T>(
  client: Client,
  resource: Resource<T>,
  options: InformerOptions<T, V> = {},
): Informer<V> => {
  const { view, indexes = {}, clock = systemClock, onError, ...selection } = options
  const toView = view ?? ((object: T) => object as unknown as V)
  const entries = new Map<string, { readonly value: V; readonly version: string | undefined }>()
  const indexed = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Set<string>>()]))
  const handlers: ChangeHandler<V>[] = []
  const first = Promise.withResolvers<void>()
  let isSynced = false
  /** Whether equal versions mean equal objects: not after the server has shown to be in another life. */
  let isSameHistory = true

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

  const set = (key: string, object: T | undefined): void => {
    const previous = entries.get(key)
    const version = object?.metadata.resourceVersion
    const isKnown = isSameHistory && previous !== undefined && previous.version === version
    if (object ? isKnown : previous === undefined) return
    if (previous) index(key, previous.value, false)
    const current = object && toView(object)
    if (current === undefined) entries.delete(key)
    else {
      entries.set(key, { value: current, version })
      index(key, current, true)
    }
    for (const handler of handlers) handler(key, current, previous?.value)
  }

  const list = async (signal: AbortSignal): Promise<string> => {
    const answer = await client.list(resource, selection, signal)
    const seen = new Set<string>()
    for (const item of answer.items) {
      const key = objectKey(item)
      seen.add(key)
      set(key, item)
    }
    for (const key of [...entries.keys()]) if (!seen.has(key)) set(key, undefined)
    isSameHistory = true
    if (!isSynced) {
      isSynced = true
      first.resolve()
    }
    return answer.metadata.resourceVersion
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    let version: string | undefined
    let failures = 0
    while (!signal.aborted) {
      try {
        version ??= await list(signal)
        const started = clock.now()
        for await (const event of client.watch(resource, { ...selection, resourceVersion: version }, signal)) {
          failures = 0
          version = event.object.metadata.resourceVersion ?? version
          if (event.type === 'BOOKMARK') continue
          set(objectKey(event.object), event.type === 'DELETED' ? undefined : event.object)
        }
        // A server that ends every watch at once must not be asked in a tight loop.
        if (clock.now() - started < retryBaseMs) await sleep(retryBaseMs, signal, clock)
      } catch (error) {
        if (signal.aborted) return
        if (isVersionTooLarge(error)) isSameHistory = false
        const isLost = isExpired(error) || isVersionTooLarge(error)
        if (isLost) version = undefined
        // To have fallen behind is ordinary: the first new list is made at once, and nobody needs to hear of it.
        const isOrdinary = isExpired(error) && failures === 0
        const retryInMs = isOrdinary ? 0 : Math.min(retryBaseMs * 2 ** failures, retryMaxMs)
        failures++
        if (isOrdinary) continue
        onError?.(error, retryInMs)
        await sleep(retryInMs, signal, clock)
      }
    }
  }

  return {
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
      if (!buckets) throw new Error(`informer of ${resource.plural} has no index "${name}"`)
      const found: V[] = []
      for (const key of buckets.get(value) ?? []) {
        const entry = entries.get(key)
        if (entry) found.push(entry.value)
      }
      return found
    },
    onChange: (handler) => {
      handlers.push(handler)
      for (const [key, entry] of entries) handler(key, entry.value, undefined)
    },
    synced: first.promise,
    get isSynced() {
      return isSynced
    },
    run,
  }
}
