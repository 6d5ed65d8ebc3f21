/** The data of Secrets or ConfigMaps that somebody refers to by name, and of no others. */
import type { Client } from '../../api/client.ts'
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
}

type OnError = (error: unknown, retryInMs: number) => void

interface Kind<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly view: (object: T) => Data
  /** A selector by which many can be followed at once: most of those that are referred to. */
  readonly common?: string
}

const secretKind: Kind<Secret> = {
  resource: secrets,
  view: ({ data = {} }) =>
    Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    ),
  common: 'type=kubernetes.io/tls',
}
const configMapKind: Kind<ConfigMap> = { resource: configMaps, view: ({ data = {} }) => data }

const create = <T extends KubeObject>(client: Client, kind: Kind<T>, onError: OnError): NamedData => {
  const { resource, view } = kind
  const followed = new Map<string, Followed>()
  const handlers: ((key: string) => void)[] = []
  let common: Informer<Data> | undefined
  let running: AbortSignal | undefined
  let wanted: ReadonlySet<string> = new Set()

  const tell = (key: string): void => {
    for (const handler of handlers) handler(key)
  }

  const follow = (key: string): void => {
    const [namespace = '', name = ''] = key.split('/')
    const fieldSelector = `metadata.name=${name}`
    const informer = createInformer(client, resource, { namespace, fieldSelector, view, onError })
    const stop = new AbortController()
    followed.set(key, { informer, stop })
    informer.onChange(() => tell(key))
    void informer.run(stop.signal)
  }

  /** Follows one by one what the common informer does not know. */
  const look = (): void => {
    if (!running || running.aborted) return
    if (!common && kind.common && wanted.size > 0) {
      common = createInformer(client, resource, { fieldSelector: kind.common, view, onError })
      common.onChange((key) => {
        if (wanted.has(key)) tell(key)
      })
      void common.run(running)
      void common.synced.then(look)
    }
    if (common && !common.isSynced) return
    for (const key of wanted) if (!followed.has(key) && !common?.get(key)) follow(key)
    for (const [key, { stop }] of followed) {
      if (wanted.has(key)) continue
      stop.abort()
      followed.delete(key)
    }
  }

  return {
    get: (key) => common?.get(key) ?? followed.get(key)?.informer.get(key),
    retain: (keys) => {
      wanted = keys
      look()
    },
    onChange: (handler) => void handlers.push(handler),
    settled: async () => {
      look()
      await common?.synced
      look()
      await Promise.all([...followed.values()].map(({ informer }) => informer.synced))
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
