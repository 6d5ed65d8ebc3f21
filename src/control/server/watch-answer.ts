/** The `watch` verb: where a watch starts, what it sends besides changes, and when it ends. */
import { type Clock, systemClock } from '../../api/clock.ts'
import { ApiError, badRequest, invalid } from '../../api/errors.ts'
import { goQuote } from '../../api/go-quote.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { listObjects } from '../objects/list.ts'
import type { Selection } from '../objects/selection.ts'
import { watchObjects } from '../objects/watch.ts'
import { integerOf, isSet } from '../request/request-info.ts'
import { prepared, type ResourceDefinition } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'
import type { Answer, Emit } from './call.ts'
import { type Representation, showBookmark, showObject } from './representation.ts'

const bookmarkMs = 30_000
/** Without a wish of the client a watch lives for 30 to 60 minutes, so that not all end together. */
const defaultTimeoutSeconds = 1800
const mostTimeoutSeconds = 86_400

const wrongVersion = (text: string): string => {
  const quoted = goQuote(text)
  const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax'
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`
}

/** A resourceVersion of a query; undefined for `""`. Throws BadRequest. */
export const parseVersion = (text: string | null, prefix = ''): number | undefined => {
  if (text === null || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${prefix}${wrongVersion(text.slice(0, 64))}`)
  return Number(text)
}

/** A version that this server has not reached yet: the client talked to another one, or to an older life of it. */
export const checkReached = (version: number | undefined, current: number): void => {
  if (version === undefined || version <= current) return
  const message = `Too large resource version: ${version}, current: ${current}`
  throw new ApiError(504, 'Timeout', message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

interface Start {
  /** Sent as ADDED before anything else. */
  readonly initial: readonly KubeObject[]
  readonly revision: number
}

const startOf = (store: Store, definition: ResourceDefinition, selection: Selection, query: URLSearchParams): Start => {
  const version = parseVersion(query.get('resourceVersion'))
  checkReached(version, store.revision)
  const wantsInitial = isSet(query, 'sendInitialEvents')
  if (version !== undefined && version !== 0 && !wantsInitial) return { initial: [], revision: version }
  if (query.has('sendInitialEvents') && !wantsInitial) return { initial: [], revision: store.revision }
  const { items, revision } = listObjects(store, definition, selection, { limit: 0, continue: '' })
  return { initial: items, revision }
}

/** `sendInitialEvents` makes sense only with the options that its bookmark depends on. */
const checkInitialEvents = (query: URLSearchParams): void => {
  const field = 'sendInitialEvents'
  if (!query.has(field)) {
    if (query.get('resourceVersionMatch'))
      throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
        {
          reason: 'FieldValueForbidden',
          field: 'resourceVersionMatch',
          message: 'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        },
      ])
    return
  }
  if (query.get('resourceVersionMatch') !== 'NotOlderThan')
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      {
        reason: 'FieldValueForbidden',
        field: 'resourceVersionMatch',
        message: 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      },
    ])
}

export interface WatchContext {
  readonly store: Store
  readonly clock?: Clock
  readonly random?: () => number
}

/** A watch over what `selection` matches, shown as `representation`. */
export const watchAnswer = (
  { store, clock = systemClock, random = Math.random }: WatchContext,
  definition: ResourceDefinition,
  selection: Selection,
  representation: Representation,
  query: URLSearchParams,
): Answer => {
  checkInitialEvents(query)
  const { initial, revision } = startOf(store, definition, selection, query)
  const bookmarks = isSet(query, 'allowWatchBookmarks')
  const asked = integerOf(query, 'timeoutSeconds') ?? 0
  const timeoutMs = Math.min(asked > 0 ? asked : defaultTimeoutSeconds * (1 + random()), mostTimeoutSeconds) * 1000

  const bookmark = (at: number, annotations: Readonly<Record<string, string>>) => ({
    type: 'BOOKMARK' as const,
    object: showBookmark(definition, at, annotations, representation, clock.now()),
  })

  const run = async (emit: Emit, signal: AbortSignal): Promise<void> => {
    const ended = Promise.withResolvers<void>()
    const show = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void =>
      emit({ type, object: showObject(definition, object, representation, clock.now()) })
    /** Where objects take their time to be ready to be shown, events wait for each other. */
    let last: Promise<void> | undefined
    const inTurn = (tell: () => void, object?: KubeObject): void => {
      last = (last ?? Promise.resolve())
        .then(async () => {
          if (object) await prepared(definition, [object], 'shown')
          tell()
        })
        .catch(ended.reject)
    }
    const isReady = definition.stored?.convert?.prepare === undefined
    const send = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void => {
      if (isReady) show(type, object)
      else inTurn(() => show(type, object), object)
    }
    const note = (at: number, annotations: Readonly<Record<string, string>> = {}): void => {
      if (isReady) emit(bookmark(at, annotations))
      else inTurn(() => emit(bookmark(at, annotations)))
    }
    if (!isReady) await prepared(definition, initial, 'shown')
    for (const object of initial) show('ADDED', object)
    let stop: () => void
    try {
      stop = watchObjects(store, definition, selection, revision, { event: send, failed: ended.reject })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      emit({ type: 'ERROR', object: error.toStatus() })
      return
    }
    if (isSet(query, 'sendInitialEvents') && bookmarks) note(revision, { 'k8s.io/initial-events-end': 'true' })

    let cancelBookmark: (() => void) | undefined
    const scheduleBookmark = (): void => {
      cancelBookmark = clock.after(bookmarkMs, () => {
        note(store.revision)
        scheduleBookmark()
      })
    }
    const cancelTimeout = clock.after(timeoutMs, () => {
      if (bookmarks) note(store.revision)
      ended.resolve()
    })
    const end = (): void => ended.resolve()
    if (bookmarks) scheduleBookmark()
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    try {
      await ended.promise
    } finally {
      stop()
      cancelBookmark?.()
      cancelTimeout()
      signal.removeEventListener('abort', end)
    }
  }
  return { kind: 'watch', run }
}
