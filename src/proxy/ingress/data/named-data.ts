/**
 * The data of Secrets or ConfigMaps that somebody refers to by name, and of no others: each is asked for by its name, which
 * is all that a node may do. The first ones are watched. A watch holds a connection (150 KB on either side), so that the
 * others are asked for from time to time.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../../../api/client.ts'
import { sleep } from '../../../api/clock.ts'
import { isForbidden, isNotFound } from '../../../api/errors.ts'
import { createInformer } from '../../../api/informer.ts'
import { configMaps, type Resource, secrets } from '../../../api/resources.ts'
import type { ConfigMap, KubeObject, Secret } from '../../../api/types/index.ts'

export type Data = Readonly<Record<string, string>>

export interface NamedData {
  /** By `namespace/name`. Undefined when it is not there, or not followed yet. */
  get(key: string): Data | undefined
  /** Follows these and no others. */
  retain(keys: ReadonlySet<string>): void
  /** Called with the key whenever what `get` says may have changed. */
  onChange(handler: (key: string) => void): void
  /** Resolves once all that is to be followed has been seen. */
  settled(): Promise<void>
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

interface Followed {
  current(): Data | undefined
  stop(): void
  /** Resolves when it has been seen, or cannot be: one that is refused holds up no other. */
  readonly looked: Promise<void>
  readonly isWatched: boolean
}

export interface NamedDataLimits {
  /** So many are watched at the same time. */
  readonly watches: number
  /** How often each of the others is asked for. */
  readonly pollMs: number
}

const defaultLimits: NamedDataLimits = { watches: 64, pollMs: 30_000 }
/** So many of them at once. */
const pollsAtOnce = 4
const retryMs = 2_000

type OnError = (error: unknown, retryInMs: number) => void

interface Kind<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly view: (object: T) => Data
}

const secretKind: Kind<Secret> = {
  resource: secrets,
  view: ({ data = {} }) =>
    Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    ),
}
const configMapKind: Kind<ConfigMap> = { resource: configMaps, view: ({ data = {} }) => data }

/** Runs at most `limit` at once; the others wait for their turn. */
const createTurns = (limit: number) => {
  let free = limit
  const waiting: (() => void)[] = []
  return async <R>(work: () => Promise<R>): Promise<R> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

const create = <T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  onError: OnError,
  limits: NamedDataLimits,
): NamedData => {
  const { resource, view } = kind
  const followed = new Map<string, Followed>()
  const handlers: ((key: string) => void)[] = []
  let running: AbortSignal | undefined
  let wanted: ReadonlySet<string> = new Set()

  const tell = (key: string): void => {
    for (const handler of handlers) handler(key)
  }

  const watch = (namespace: string, name: string, key: string): Followed => {
    const informer = createInformer(client, resource, {
      ...{ namespace, fieldSelector: `metadata.name=${name}`, view, onError },
    })
    const stop = new AbortController()
    informer.onChange(() => tell(key))
    void informer.run(stop.signal)
    return { current: () => informer.get(key), stop: () => stop.abort(), looked: informer.settled, isWatched: true }
  }

  const inTurn = createTurns(pollsAtOnce)
  const poll = (namespace: string, name: string, key: string): Followed => {
    const looked = Promise.withResolvers<void>()
    const stop = new AbortController()
    const { signal } = stop
    let data: Data | undefined
    const look = async (): Promise<number> => {
      try {
        const found = await inTurn(() => client.get(resource, name, namespace)).catch((error: unknown) => {
          if (isNotFound(error)) return undefined
          throw error
        })
        const next = found && view(found)
        const isNews = !isDeepStrictEqual(next, data)
        data = next
        if (isNews && !signal.aborted) tell(key)
        looked.resolve()
        return limits.pollMs
      } catch (error) {
        const waitMs = isForbidden(error) ? limits.pollMs : retryMs
        onError(error, waitMs)
        if (isForbidden(error)) looked.resolve()
        return waitMs
      }
    }
    const run = async (): Promise<void> => {
      while (!signal.aborted) await sleep(await look(), signal)
    }
    void run()
    return { current: () => data, stop: () => stop.abort(), looked: looked.promise, isWatched: false }
  }

  const follow = (key: string): void => {
    const [namespace = '', name = ''] = key.split('/')
    const watches = [...followed.values()].filter(({ isWatched }) => isWatched).length
    followed.set(key, (watches < limits.watches ? watch : poll)(namespace, name, key))
  }

  const look = (): void => {
    if (!running || running.aborted) return
    for (const [key, { stop }] of followed) {
      if (wanted.has(key)) continue
      stop()
      followed.delete(key)
    }
    for (const key of wanted) if (!followed.has(key)) follow(key)
  }

  return {
    get: (key) => followed.get(key)?.current(),
    retain: (keys) => {
      wanted = keys
      look()
    },
    onChange: (handler) => void handlers.push(handler),
    settled: async () => {
      look()
      await Promise.all([...followed.values()].map(({ looked }) => looked))
    },
    run: async (signal) => {
      running = signal
      look()
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      for (const { stop } of followed.values()) stop()
      followed.clear()
    },
  }
}

export const createSecretData = (client: Client, onError: OnError, limits = defaultLimits): NamedData =>
  create(client, secretKind, onError, limits)
export const createConfigMapData = (client: Client, onError: OnError, limits = defaultLimits): NamedData =>
  create(client, configMapKind, onError, limits)
