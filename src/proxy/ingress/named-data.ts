/**
 * The data of Secrets or ConfigMaps that somebody refers to by name, and of no others: each is asked for by its name, which
 * is all that a node may do.
 */
import type { Client } from '../../api/client.ts'
import { isForbidden } from '../../api/errors.ts'
import { createInformer, type Informer } from '../../api/informer.ts'
import { configMaps, type Resource, secrets } from '../../api/resources.ts'
import type { ConfigMap, KubeObject, Secret } from '../../api/types/index.ts'

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
  readonly informer: Informer<Data>
  readonly stop: AbortController
  /** Resolves when it has been seen, or cannot be: one that is refused holds up no other. */
  readonly looked: Promise<void>
}

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

const create = <T extends KubeObject>(client: Client, kind: Kind<T>, onError: OnError): NamedData => {
  const { resource, view } = kind
  const followed = new Map<string, Followed>()
  const handlers: ((key: string) => void)[] = []
  let running: AbortSignal | undefined
  let wanted: ReadonlySet<string> = new Set()

  const tell = (key: string): void => {
    for (const handler of handlers) handler(key)
  }

  const follow = (key: string): void => {
    const [namespace = '', name = ''] = key.split('/')
    const fieldSelector = `metadata.name=${name}`
    const looked = Promise.withResolvers<void>()
    const informer = createInformer(client, resource, {
      ...{ namespace, fieldSelector, view },
      onError: (error, retryInMs) => {
        onError(error, retryInMs)
        if (isForbidden(error)) looked.resolve()
      },
    })
    const stop = new AbortController()
    followed.set(key, { informer, stop, looked: looked.promise })
    informer.onChange(() => tell(key))
    void informer.synced.then(looked.resolve)
    void informer.run(stop.signal)
  }

  const look = (): void => {
    if (!running || running.aborted) return
    for (const key of wanted) if (!followed.has(key)) follow(key)
    for (const [key, { stop }] of followed) {
      if (wanted.has(key)) continue
      stop.abort()
      followed.delete(key)
    }
  }

  return {
    get: (key) => followed.get(key)?.informer.get(key),
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
      for (const { stop } of followed.values()) stop.abort()
      followed.clear()
    },
  }
}

export const createSecretData = (client: Client, onError: OnError): NamedData => create(client, secretKind, onError)
export const createConfigMapData = (client: Client, onError: OnError): NamedData =>
  create(client, configMapKind, onError)
