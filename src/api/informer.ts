/**
 * A local, always catching-up copy of one kind: list, then watch, and again from the start when the server has forgotten
 * where we were, or has never been there (its store was restored). Level-triggered: handlers learn that a key changed, and
 * look at the copy.
 */
import type { Client, ListOptions } from './client.ts'
import { type Clock, sleep, systemClock } from './clock.ts'
import { isExpired, isForbidden, isMissingPath, isVersionTooLarge } from './errors.ts'
import { type CopyReader, createLocalCopy, type Indexes } from './local-copy.ts'
import { objectKey, type Resource } from './resources.ts'
import type { KubeList, KubeObject } from './types/index.ts'

export interface FollowOptions<V> extends ListOptions {
  /** See `CopyReader.by`. */
  readonly indexes?: Indexes<V>
  readonly clock?: Clock
  /** From 0 to 1: watches of many clients must not all end at once. */
  readonly random?: () => number
  /** Resolves when the server may have got the kind, and when `signal` aborts. Missing: it is looked for from time to time. */
  readonly onceServed?: (signal: AbortSignal) => Promise<void>
  /** Told of every failure; the informer retries by itself. A watch that ends in its own time is none. */
  readonly onError?: (error: unknown, retryInMs: number) => void
}

export interface InformerOptions<T extends KubeObject, V> extends FollowOptions<V> {
  /** Cuts an object down to what is used of it, at the border. Identity when missing. */
  readonly view?: (object: T) => V
}

export interface Informer<V> extends CopyReader<V> {
  /** Resolves when the first list is in, or when the server says for certain that it has no such kind. */
  readonly synced: Promise<void>
  readonly isSynced: boolean
  /** Resolves with `synced`, or as soon as the server refuses the kind (403): for those who can do without it. */
  readonly settled: Promise<void>
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** One resource that a kind may be found at, and what is kept of its objects. */
export interface Source<V> {
  readonly resource: Resource
  readonly view: (object: KubeObject) => V
}

/** Who manages which field is a third of an object, and nobody who follows a kind asks for it. */
const withoutManagers = (object: KubeObject): KubeObject => {
  if (!object.metadata.managedFields) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** The server's answer to a request for a resource holds objects of that resource: here its type is given back. */
export const sourceOf = <T extends KubeObject, V>(resource: Resource<T>, view: (object: T) => V): Source<V> => ({
  resource,
  view: (object) => view(object as T),
})

const retryBaseMs = 200
const retryMaxMs = 10_000
/** A server ends a watch after so long, or up to twice that: it is the time that other clients ask for, too. */
const watchSeconds = 300
/** For so long a server may take to end a watch whose time is over; then it is ended here. */
const overtimeMs = 30_000
/** How often to look whether a server has got a kind that it did not have. */
const absentLookMs = 10_000
/** A server that starts does not know all of its kinds yet: what was copied stays for so long. */
const absentMs = 30_000

const backOff = (failures: number): number => Math.min(retryBaseMs * 2 ** failures, retryMaxMs)

interface Position<V> {
  readonly source: Source<V>
  readonly version: string
}

/** A copy of the first of `sources` that the server has. Another one is looked for whenever it has to be listed anew. */
export const createInformerOf = <V>(
  client: Client,
  sources: readonly Source<V>[],
  options: FollowOptions<V> = {},
): Informer<V> => {
  const { indexes = {}, clock = systemClock, random = Math.random, onceServed, onError, ...selection } = options
  const copy = createLocalCopy<V>(sources[0]?.resource.plural ?? '', indexes)
  const first = Promise.withResolvers<void>()
  const settled = Promise.withResolvers<void>()
  let isSynced = false
  /** Whether equal versions mean equal objects: not after the server has shown to be in another life. */
  let isSameHistory = true
  let position: Position<V> | undefined
  let lastSource: Source<V> | undefined
  let absentSince: number | undefined
  /** Counted apart: that lists are good again says nothing of watches, and the other way round. */
  const failures = { list: 0, watch: 0 }

  const put = ({ view }: Source<V>, object: KubeObject): void => {
    const key = objectKey(object)
    const version = object.metadata.resourceVersion
    const known = copy.versionOf(key)
    if (isSameHistory && known !== undefined && known === version) return
    copy.set(key, view(withoutManagers(object)), version)
  }

  const dropAllBut = (kept: ReadonlySet<string>): void => {
    for (const key of copy.keys()) if (!kept.has(key)) copy.set(key, undefined)
  }

  const nowSynced = (): void => {
    isSynced = true
    first.resolve()
    settled.resolve()
  }

  /** A refusal or a 404 may only mean that the server has no such kind. When it does not say so, the failure stands. */
  const isAbsent = async (error: unknown, { resource }: Source<V>, signal: AbortSignal): Promise<boolean> =>
    (isForbidden(error) || isMissingPath(error)) && !(await client.serves(resource, signal).catch(() => true))

  const listFirst = async (
    signal: AbortSignal,
  ): Promise<{ readonly source: Source<V>; readonly answer: KubeList<KubeObject> } | undefined> => {
    for (const source of sources)
      try {
        return { source, answer: await client.list(source.resource, selection, signal) }
      } catch (error) {
        if (!(await isAbsent(error, source, signal))) throw error
      }
    return undefined
  }

  /** Undefined when the server has no such kind. */
  const list = async (signal: AbortSignal): Promise<Position<V> | undefined> => {
    const found = await listFirst(signal)
    failures.list = 0
    if (!found) {
      absentSince ??= clock.now()
      if (clock.now() - absentSince >= absentMs || !isSynced) dropAllBut(new Set())
      nowSynced()
      return undefined
    }
    absentSince = undefined
    const { source, answer } = found
    if (source !== lastSource) isSameHistory = false
    lastSource = source
    for (const item of answer.items) put(source, item)
    dropAllBut(new Set(answer.items.map(objectKey)))
    isSameHistory = true
    nowSynced()
    return { source, version: answer.metadata.resourceVersion }
  }

  /** Follows changes until the server ends the watch, which it does from time to time. */
  const watch = async ({ source, version }: Position<V>, signal: AbortSignal): Promise<void> => {
    const started = clock.now()
    const timeoutSeconds = Math.round(watchSeconds * (1 + random()))
    const limit = new AbortController()
    const cancel = clock.after(timeoutSeconds * 1000 + overtimeMs, () => limit.abort())
    const asked = { ...selection, resourceVersion: version, timeoutSeconds }
    try {
      for await (const event of client.watch(source.resource, asked, AbortSignal.any([signal, limit.signal]))) {
        failures.watch = 0
        position = { source, version: event.object.metadata.resourceVersion ?? position?.version ?? version }
        if (event.type === 'BOOKMARK') continue
        if (event.type === 'DELETED') copy.set(objectKey(event.object), undefined)
        else put(source, event.object)
      }
    } catch (error) {
      if (!limit.signal.aborted) throw error
    } finally {
      cancel()
      if (clock.now() - started >= retryMaxMs) failures.watch = 0
    }
    // A server that ends every watch at once must not be asked in a tight loop.
    if (clock.now() - started < retryBaseMs) await sleep(retryBaseMs, signal, clock)
  }

  const failed = async (step: keyof typeof failures, error: unknown, signal: AbortSignal): Promise<void> => {
    if (isForbidden(error)) settled.resolve()
    // To have fallen behind is ordinary: the first new list is made at once, and nobody needs to hear of it.
    const isOrdinary = isExpired(error) && failures[step] === 0
    const retryInMs = isOrdinary ? 0 : backOff(failures[step])
    failures[step]++
    if (isVersionTooLarge(error)) isSameHistory = false
    // Where the version is of no use any more, or watching is refused, a new list is the way to what is there now.
    if (isExpired(error) || isVersionTooLarge(error) || isForbidden(error) || isMissingPath(error)) position = undefined
    if (isOrdinary) return
    onError?.(error, retryInMs)
    await sleep(retryInMs, signal, clock)
  }

  const whileAbsent = async (signal: AbortSignal): Promise<void> => {
    const over = new AbortController()
    const waiting = AbortSignal.any([signal, over.signal])
    await Promise.race([sleep(absentLookMs, waiting, clock), ...(onceServed ? [onceServed(waiting)] : [])])
    over.abort()
  }

  const step = async (signal: AbortSignal): Promise<void> => {
    const doing = position ? 'watch' : 'list'
    try {
      if (position) return await watch(position, signal)
      position = await list(signal)
      if (!position) await whileAbsent(signal)
    } catch (error) {
      if (!signal.aborted) await failed(doing, error, signal)
    }
  }

  const { reader } = copy
  return {
    get: reader.get,
    values: reader.values,
    entries: reader.entries,
    get size() {
      return reader.size
    },
    by: reader.by,
    onChange: reader.onChange,
    synced: first.promise,
    settled: settled.promise,
    get isSynced() {
      return isSynced
    },
    run: async (signal) => {
      while (!signal.aborted) await step(signal)
    },
  }
}

/** A copy of one resource. */
export const createInformer = <T extends KubeObject, V = T>(
  client: Client,
  resource: Resource<T>,
  { view, ...options }: InformerOptions<T, V> = {},
): Informer<V> =>
  createInformerOf(client, [sourceOf(resource, view ?? ((object: T) => object as unknown as V))], options)
