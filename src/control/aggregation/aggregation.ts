/** API aggregation: other API servers behind this one, by APIServices. */
import type { KeyPair } from '../../api/certificates.ts'
import type { Clock } from '../../api/clock.ts'
import type { APIService } from '../../api/types/kubernetes/apiregistration-v1.ts'
import type { Logger } from '../../host/log.ts'
import type { ConnectToService } from '../dial/services.ts'
import type { Registry } from '../registry/registry.ts'
import type { Elsewhere } from '../server/api-handler.ts'
import type { Store } from '../storage/store.ts'
import { createRemoteConnections } from './connection.ts'
import { askRemote, createRemoteDiscovery } from './discovery.ts'
import { createRemoteOpenApi } from './openapi.ts'
import { createAggregationProxy } from './proxy.ts'
import { createRemotes, remoteOf } from './remotes.ts'

export interface Aggregation extends Elsewhere {
  /** Rejects with the reason when it does not answer. */
  check(service: APIService): Promise<void>
  close(): void
}

export interface AggregationOptions {
  readonly store: Store
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Logger
  readonly connect: ConnectToService
  /** What this server shows to others. */
  readonly pair: () => KeyPair | undefined
}

export const createAggregation = ({ store, registry, clock, log, connect, pair }: AggregationOptions): Aggregation => {
  const remotes = createRemotes(store, registry)
  const connections = createRemoteConnections(connect, pair)
  return {
    find: (path) => {
      const [, group, version] = /^\/(?:openapi\/v3\/)?apis\/([^/]+)\/([^/]+)(?:\/|$)/.exec(path) ?? []
      if (group === undefined) return undefined
      const remote = remotes().find((each) => each.group === group && each.version === version)
      return remote && createAggregationProxy(connections, remote, log)
    },
    versions: createRemoteDiscovery(connections, remotes, () => clock.now()),
    documents: createRemoteOpenApi(connections, remotes, () => clock.now()),
    check: async (service) => {
      const [remote] = remoteOf(service)
      if (remote) await askRemote(connections, remote, `/apis/${remote.group}/${remote.version}`)
    },
    close: () => connections.close(),
  }
}
