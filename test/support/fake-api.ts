/**
 * An API server for tests, in memory: what a client and its informers need, and nothing more. Strict where a real one is
 * (409 on a stale resourceVersion, 404, 410), and it throws on requests no room of the project sends.
 */
import { type Clock, formatTime, systemClock } from '../../src/api/clock.ts'
import {
  alreadyExists,
  badRequest,
  expired,
  methodNotAllowed,
  modifiedMeanwhile,
  noSuchPath,
  notFound,
} from '../../src/api/errors.ts'
import { objectKey } from '../../src/api/resources.ts'
import type { ApiRequest, ApiTransport } from '../../src/api/transport.ts'
import type { KubeObject, WatchEvent } from '../../src/api/types/index.ts'
import { mergePatch, selectionOf } from './fake-api-rules.ts'

export interface FakeApi extends ApiTransport {
  /** Every request that was answered, as `PATCH /api/v1/nodes/a/status`; watches as `WATCH /api/v1/pods`. */
  readonly calls: readonly string[]
  /** Stores an object as it is, as if it had always been there. Watchers are told. */
  put(plural: string, object: KubeObject): void
  /** What is stored: all objects of a plural, or the one with this key (`namespace/name`, or `name`). */
  all(plural: string): readonly KubeObject[]
  peek<T extends KubeObject = KubeObject>(plural: string, key: string): T | undefined
  /** Removes without asking finalizers or grace periods. */
  drop(plural: string, key: string): void
  /** Called before each request; what it throws is the answer. `undefined` ends the interference. */
  interfere(hook: ((request: ApiRequest) => void | Promise<void>) | undefined): void
  /** Ends every open watch, as a restarting server does. */
  endWatches(): void
  /** Forgets the past: a watch from an older resourceVersion gets 410. */
  compact(): void
}

interface Change {
  readonly version: number
  readonly plural: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

interface Target {
  readonly plural: string
  readonly namespace: string
  readonly name: string | undefined
  readonly subresource: string | undefined
}

const parsePath = (path: string): Target => {
  const words = path.split('/').filter(Boolean).map(decodeURIComponent)
  const rest = words[0] === 'api' ? words.slice(2) : words[0] === 'apis' ? words.slice(3) : undefined
  if (!rest || rest.length === 0) throw noSuchPath()
  const scoped = rest[0] === 'namespaces' && rest.length > 2
  const [plural = '', name, subresource] = scoped ? rest.slice(2) : rest
  return { plural, namespace: scoped ? (rest[1] ?? '') : '', name, subresource }
}

const named = (target: Target) => ({ group: '', plural: target.plural })
const keyOf = (target: Target): string =>
  target.namespace ? `${target.namespace}/${target.name}` : (target.name ?? '')
const withMeta = (object: KubeObject, metadata: object): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...metadata },
})

export const createFakeApi = (options: { readonly clock?: Clock } = {}): FakeApi => {
  const { clock = systemClock } = options
  const collections = new Map<string, Map<string, KubeObject>>()
  const calls: string[] = []
  let history: Change[] = []
  let forgotten = 0
  let version = 0
  let interference: ((request: ApiRequest) => void | Promise<void>) | undefined
  const listeners = new Set<() => void>()
  let generation = 0

  const collection = (plural: string): Map<string, KubeObject> => {
    const found = collections.get(plural) ?? new Map<string, KubeObject>()
    collections.set(plural, found)
    return found
  }

  const commit = (plural: string, object: KubeObject, gone = false): KubeObject => {
    const objects = collection(plural)
    const key = objectKey(object)
    const previous = objects.get(key)
    const stored = withMeta(structuredClone(object), { resourceVersion: String(++version) })
    if (gone) objects.delete(key)
    else objects.set(key, stored)
    const type = gone ? 'DELETED' : previous ? 'MODIFIED' : 'ADDED'
    history.push({ version, plural, type, object: stored, previous })
    for (const listener of listeners) listener()
    return stored
  }

  const find = (target: Target): KubeObject => {
    const found = collection(target.plural).get(keyOf(target))
    if (!found) throw notFound(named(target), target.name ?? '')
    return found
  }

  const create = (target: Target, body: KubeObject): KubeObject => {
    if (target.subresource === 'binding') {
      const pod = find(target) as KubeObject & { readonly spec: object }
      const node = (body as KubeObject & { readonly target: { readonly name: string } }).target.name
      return commit(target.plural, { ...pod, spec: { ...pod.spec, nodeName: node } } as KubeObject)
    }
    if (target.name !== undefined) throw methodNotAllowed([])
    const { generateName, name = generateName && `${generateName}${(version + 1).toString(36).padStart(5, 'x')}` } =
      body.metadata
    if (!name) throw badRequest('name or generateName is required')
    const full = { ...target, name }
    if (collection(target.plural).has(keyOf(full))) throw alreadyExists(named(target), name)
    const scope = target.namespace ? { namespace: target.namespace } : {}
    const born = { name, ...scope, uid: crypto.randomUUID(), creationTimestamp: formatTime(clock.now()) }
    return commit(target.plural, withMeta(body, born))
  }

  /** A main update keeps the status, a status update keeps the rest. */
  const replace = (target: Target, current: KubeObject, next: KubeObject): KubeObject => {
    const claimed = next.metadata.resourceVersion
    if (claimed !== undefined && claimed !== current.metadata.resourceVersion)
      throw modifiedMeanwhile(named(target), target.name ?? '')
    const status = (object: KubeObject) => ('status' in object ? { status: object.status } : {})
    if (target.subresource === 'status') {
      const { annotations } = target.plural === 'nodes' ? next.metadata : current.metadata
      return commit(target.plural, withMeta({ ...current, ...status(next) }, annotations ? { annotations } : {}))
    }
    const { name, namespace, uid, creationTimestamp } = current.metadata
    const kept = withMeta({ ...next, ...status(current) }, { name, namespace, uid, creationTimestamp })
    const done = kept.metadata.deletionTimestamp !== undefined && (kept.metadata.finalizers ?? []).length === 0
    return commit(target.plural, kept, done && target.plural !== 'pods')
  }

  const remove = (target: Target, request: ApiRequest): KubeObject => {
    const current = find(target)
    const asked = (request.body ?? {}) as { gracePeriodSeconds?: number; preconditions?: { uid?: string } }
    const uid = asked.preconditions?.uid
    if (uid !== undefined && uid !== current.metadata.uid) throw modifiedMeanwhile(named(target), target.name ?? '')
    const spec = (current as { spec?: { nodeName?: string; terminationGracePeriodSeconds?: number } }).spec
    const lingers = target.plural === 'pods' && spec?.nodeName !== undefined
    const grace = lingers ? (asked.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30) : 0
    if (grace === 0 && (current.metadata.finalizers ?? []).length === 0) return commit(target.plural, current, true)
    const deletionTimestamp = formatTime(clock.now() + grace * 1000)
    return commit(
      target.plural,
      withMeta(current, { deletionTimestamp, ...(lingers ? { deletionGracePeriodSeconds: grace } : {}) }),
    )
  }

  const answer = (request: ApiRequest): unknown => {
    const target = parsePath(request.path)
    switch (request.method) {
      case 'GET': {
        if (target.name !== undefined) return find(target)
        const selects = selectionOf(target.namespace, request.query ?? {})
        const items = [...collection(target.plural).values()].filter(selects)
        return { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: String(version) }, items }
      }
      case 'POST':
        return create(target, request.body as KubeObject)
      case 'PUT':
        return replace(target, find(target), request.body as KubeObject)
      case 'PATCH': {
        if (request.contentType !== 'application/merge-patch+json') throw new Error('fake API: merge patches only')
        const current = find(target)
        const patch = request.body as { metadata?: { resourceVersion?: string } }
        const stale = patch.metadata?.resourceVersion
        if (stale !== undefined && stale !== current.metadata.resourceVersion)
          throw modifiedMeanwhile(named(target), target.name ?? '')
        return replace(target, current, mergePatch(current, patch) as KubeObject)
      }
      case 'DELETE':
        return remove(target, request)
    }
  }

  /** A watcher with a selector sees an object that leaves its selection as deleted. */
  const eventFor = (change: Change, selects: (object: KubeObject) => boolean): WatchEvent | undefined => {
    const before = change.type !== 'ADDED' && change.previous !== undefined && selects(change.previous)
    const after = change.type !== 'DELETED' && selects(change.object)
    if (!before && !after) return undefined
    return { type: after ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED', object: structuredClone(change.object) }
  }

  async function* watch(request: ApiRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const target = parsePath(request.path)
    calls.push(`WATCH ${request.path}`)
    await interference?.(request)
    let seen = Number(request.query?.['resourceVersion'] ?? version)
    const selects = selectionOf(target.namespace, request.query ?? {})
    const born = generation
    while (!signal.aborted && born === generation) {
      if (seen < forgotten) throw expired(`too old resource version: ${seen} (${forgotten})`)
      // What is committed while an event is on its way to the reader belongs to the next round.
      const news = history.filter((one) => one.version > seen)
      seen = version
      for (const change of news) {
        const event = change.plural === target.plural ? eventFor(change, selects) : undefined
        if (event) yield event
      }
      if (seen < version) continue
      await new Promise<void>((resolve) => {
        const wake = () => {
          listeners.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        if (signal.aborted || born !== generation) return resolve()
        listeners.add(wake)
        signal.addEventListener('abort', wake)
      })
    }
  }

  return {
    calls,
    request: async (request) => {
      await interference?.(request)
      calls.push(`${request.method} ${request.path}`)
      return structuredClone(answer(structuredClone(request)))
    },
    watch,
    put: (plural, object) => void commit(plural, withMeta(object, { uid: object.metadata.uid ?? crypto.randomUUID() })),
    all: (plural) => structuredClone([...collection(plural).values()]),
    peek: <T extends KubeObject>(plural: string, key: string) =>
      structuredClone(collection(plural).get(key)) as T | undefined,
    drop: (plural, key) => {
      const found = collection(plural).get(key)
      if (found) commit(plural, found, true)
    },
    interfere: (hook) => {
      interference = hook
    },
    endWatches: () => {
      generation++
      for (const listener of listeners) listener()
    },
    compact: () => {
      forgotten = version
      history = []
    },
  }
}
