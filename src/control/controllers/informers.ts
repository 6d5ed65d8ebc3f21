/** One local copy of each kind, shared by all controllers. */
import type { Client } from '../../api/client.ts'
import { type Clock, sleep } from '../../api/clock.ts'
import { createInformer, type Informer } from '../../api/informer.ts'
import { apiServices, gatewayKinds, type Resource } from '../../api/resources.ts'
import { scopedInformer } from '../../api/scoped-informer.ts'
import { serviceOfSlice } from '../../api/slices.ts'
import type { EndpointSlice, KubeObject, Pod, Service } from '../../api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import { commonIndexes } from '../../controller/common-indexes.ts'
import type { Logger } from '../../host/log.ts'
import type { Registry } from '../registry/registry.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import { verbsOf } from '../resources/verbs.ts'
import { bucketOfResource } from '../storage/follow.ts'
import { claimKeyOf, classOf } from '../volumes/claims.ts'
import { claimKeysOfPod } from '../volumes/pod-claims.ts'
import type { RemoteKinds } from './remote-kinds.ts'

type Indexes = Readonly<Record<string, (object: KubeObject) => readonly string[]>>

/** One label that every pod has that the Service selects: what to find the Service by when a pod changes. */
const selectedLabel = ({ metadata, spec }: Service): readonly string[] => {
  const [first] = Object.entries(spec.selector ?? {})
  return first ? [labelIndex(metadata.namespace, ...first)] : []
}

/** The value of the index `selects` for Services that select pods of the namespace by this label, and maybe others; and of `label` for such pods. */
export const labelIndex = (namespace: string | undefined, label: string, value: string): string =>
  `${namespace}/${label}=${value}`

/** `node` of pods, each `label`, and the keys of claims (`claim`) that they name; `class`, `claim` and `volume` of claims and volumes; `service` (a key) of endpoint slices; `type`, `clusterIP` and `selects` of Services. */
const indexesOf: Readonly<Record<string, Indexes>> = {
  services: {
    type: (service) => [(service as Service).spec.type ?? ''],
    clusterIP: (service) => (service as Service).spec.clusterIPs ?? [],
    selects: (service) => selectedLabel(service as Service),
  },
  pods: {
    node: (pod) => [(pod as Pod).spec.nodeName ?? ''],
    claim: (pod) => claimKeysOfPod(pod as Pod),
    label: ({ metadata: { namespace, labels = {} } }) =>
      Object.entries(labels).map(([label, value]) => labelIndex(namespace, label, value)),
  },
  persistentvolumes: {
    class: (volume) => [classOf(volume as PersistentVolume)],
    claim: (volume) => [claimKeyOf(volume as PersistentVolume) ?? ''],
  },
  persistentvolumeclaims: {
    class: (claim) => [classOf(claim as PersistentVolumeClaim)],
    volume: (claim) => [(claim as PersistentVolumeClaim).spec.volumeName ?? ''],
  },
  endpointslices: { service: (slice) => serviceOfSlice(slice as EndpointSlice) },
}

/** A kind with its copy. */
export interface KindCopies {
  readonly definition: ResourceDefinition
  readonly copies: Informer<KubeObject>
}

export interface Informers {
  /** The copy of a built-in kind, or of one of `gatewayKinds`, which is empty while there is no such kind. Throws for any other. */
  of<T extends KubeObject>(resource: Resource<T>): Informer<T>
  /** Every kind that there is now, by its store's bucket (`deployments.apps`). */
  readonly all: ReadonlyMap<string, KindCopies>
  /** Calls for every kind that there is, and for every one that comes, until `signal` aborts. */
  each(listener: (kind: KindCopies) => void, signal: AbortSignal): void
  /** Resolves when all first lists are in. */
  readonly synced: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

/** The same copies for somebody who ends with `signal`, and whose handlers end then, too. */
export const scopedInformers = (inner: Informers, signal: AbortSignal): Informers => ({
  of: (resource) => scopedInformer(inner.of(resource), signal),
  get all() {
    return inner.all
  },
  each: (listener, own) =>
    inner.each(
      ({ definition, copies }) => listener({ definition, copies: scopedInformer(copies, signal) }),
      AbortSignal.any([own, signal]),
    ),
  synced: inner.synced,
  run: async () => undefined,
})

export interface InformersOptions {
  readonly client: Client
  readonly registry: Registry
  /** Those of API servers behind this one. */
  readonly remote?: RemoteKinds
  readonly clock: Clock
  readonly log: Logger
}

/** For so long the start waits for kinds that somebody added: a broken one must not keep the others from starting. */
const addedSyncMs = 5_000

interface Following extends KindCopies {
  readonly stop: AbortController
}

/** Whether a copy of one is a copy of the other, too. */
const isSame = (a: ResourceDefinition, b: ResourceDefinition): boolean =>
  a.version === b.version && a.namespaced === b.namespaced

export const createInformers = ({ client, registry, remote, clock, log }: InformersOptions): Informers => {
  const all = new Map<string, Following>()
  const listeners = new Set<(kind: KindCopies) => void>()
  let running: AbortSignal | undefined
  const runs = new Set<Promise<void>>()

  const whenKindsChange = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const over = (): void => {
        unsubscribe()
        resolve()
      }
      const unsubscribe = registry.subscribe(over)
      signal.addEventListener('abort', over, { once: true })
    })

  const informerOf = (resource: Resource, indexes: Indexes = {}): Informer<KubeObject> =>
    createInformer<KubeObject>(client, resource, {
      clock,
      indexes: { ...commonIndexes, ...indexes },
      onceServed: whenKindsChange,
      onError: (error, retryInMs) =>
        log.warn({ err: error, kind: resource.kind, retryInMs }, 'cannot watch; trying again'),
    })

  /** Kinds of users that controllers of ours read: they may be missing, go, and come back with other versions. */
  const lasting = new Map(gatewayKinds.map((resource) => [bucketOfResource(resource), informerOf(resource)]))

  const run = (copies: Informer<KubeObject>, signal: AbortSignal): void => {
    const running = copies.run(signal).finally(() => runs.delete(running))
    runs.add(running)
  }

  const start = ({ definition, copies, stop }: Following): void => {
    if (running && !lasting.has(bucketOf(definition))) run(copies, AbortSignal.any([running, stop.signal]))
  }

  const followed = (bucket: string, definition: ResourceDefinition): Following => {
    const stop = new AbortController()
    const kept = lasting.get(bucket)
    const copies = kept
      ? scopedInformer(kept, stop.signal)
      : informerOf(definition, definition.schema ? {} : indexesOf[definition.plural])
    return { definition, copies, stop }
  }

  const follow = (bucket: string, row: ResourceDefinition): void => {
    const known = all.get(bucket)
    if (known && isSame(known.definition, row)) {
      all.set(bucket, { ...known, definition: row })
      return
    }
    known?.stop.abort()
    const made = followed(bucket, row)
    all.set(bucket, made)
    start(made)
    for (const listener of listeners) listener(made)
  }

  const update = (): void => {
    // Of what can only be asked, or looked at, there is nothing to copy.
    const kept = registry.kinds.map(({ row }) => row).filter((row) => verbsOf(row).includes('watch'))
    const kinds = new Map([...(remote?.rows ?? []), ...kept].map((row) => [bucketOf(row), row]))
    for (const [bucket, { stop }] of all)
      if (!kinds.has(bucket)) {
        stop.abort()
        all.delete(bucket)
      }
    for (const [bucket, row] of kinds) follow(bucket, row)
  }
  update()

  const syncOf = (isAdded: boolean): Promise<unknown> =>
    Promise.all([
      ...[...all.values()]
        .filter(
          ({ definition: { schema, remote: isRemote } }) => (schema !== undefined || isRemote === true) === isAdded,
        )
        .map(({ copies }) => copies.synced),
      ...(isAdded ? [...lasting.values()].map(({ synced }) => synced) : []),
    ])

  return {
    of: <T extends KubeObject>(resource: Resource<T>) => {
      const bucket = bucketOfResource(resource)
      const copies = lasting.get(bucket) ?? all.get(bucket)?.copies
      if (!copies) throw new Error(`there is no informer of ${bucket}`)
      // The registry's rows carry no object type: this is the one place that gives it back.
      return copies as unknown as Informer<T>
    },
    all,
    each: (listener, signal) => {
      for (const kind of all.values()) listener(kind)
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
    synced: syncOf(false)
      .then(() => Promise.race([syncOf(true), sleep(addedSyncMs, new AbortController().signal, clock)]))
      .then(() => undefined),
    run: async (signal) => {
      running = signal
      for (const copies of lasting.values()) run(copies, signal)
      for (const following of all.values()) start(following)
      const unsubscribe = registry.subscribe(update)
      all.get(bucketOfResource(apiServices))?.copies.onChange(() => remote?.look(), signal)
      const following = remote?.run(update, signal)
      await Promise.all(runs)
      await following
      unsubscribe()
      await Promise.all(runs)
    },
  }
}
