/** One local copy of each kind, shared by all controllers. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { createInformer, type Informer } from '../../api/informer.ts'
import type { Resource } from '../../api/resources.ts'
import { serviceOfSlice } from '../../api/slices.ts'
import type { EndpointSlice, KubeObject, Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import type { ResourceDefinition } from '../resources/definition.ts'

type Indexes = Readonly<Record<string, (object: KubeObject) => readonly string[]>>

/** What everything can be found by: `uid`, the uids of its owners (`owner`), its `namespace`. */
const commonIndexes: Indexes = {
  uid: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
  owner: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  namespace: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
}

/** `node` of pods; `service` (a key) of endpoint slices. */
const indexesOf: Readonly<Record<string, Indexes>> = {
  pods: { node: (pod) => [(pod as Pod).spec.nodeName ?? ''] },
  endpointslices: { service: (slice) => serviceOfSlice(slice as EndpointSlice) },
}

export interface Informers {
  /** The copy of a kind of the registry. Throws for any other. */
  of<T extends KubeObject>(resource: Resource<T>): Informer<T>
  /** Every kind with its copy. */
  readonly all: readonly (readonly [ResourceDefinition, Informer<KubeObject>])[]
  /** Resolves when all first lists are in. */
  readonly synced: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

export interface InformersOptions {
  readonly client: Client
  readonly definitions: readonly ResourceDefinition[]
  readonly clock: Clock
  readonly log: Logger
}

export const createInformers = ({ client, definitions, clock, log }: InformersOptions): Informers => {
  const all = definitions.map((definition): [ResourceDefinition, Informer<KubeObject>] => [
    definition,
    createInformer<KubeObject>(client, definition, {
      clock,
      indexes: { ...commonIndexes, ...indexesOf[definition.plural] },
      onError: (error, retryInMs) =>
        log.warn({ err: error, kind: definition.kind, retryInMs }, 'cannot watch; trying again'),
    }),
  ])
  const byPlural = new Map(all.map(([{ group, plural }, informer]) => [`${plural}.${group}`, informer]))

  return {
    of: <T extends KubeObject>({ group, plural }: Resource<T>) => {
      const found = byPlural.get(`${plural}.${group}`)
      if (!found) throw new Error(`there is no informer of ${plural}.${group}`)
      // The registry's rows carry no object type: this is the one place that gives it back.
      return found as unknown as Informer<T>
    },
    all,
    synced: Promise.all(all.map(([, informer]) => informer.synced)).then(() => {}),
    run: async (signal) => {
      await Promise.all(all.map(([, informer]) => informer.run(signal)))
    },
  }
}
