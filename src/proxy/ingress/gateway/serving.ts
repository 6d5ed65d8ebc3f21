/** What the Gateway API adds to a node's proxy: rules for its entries, doors of its own, certificates. */
import type { Informer } from '../../../api/informer.ts'
import type { Gateway, GatewayClass, HTTPRoute, Namespace, ReferenceGrant, Service } from '../../../api/types/index.ts'
import type { Data } from '../data/named-data.ts'
import type { EntryName, SourceRules } from '../routes/book.ts'
import type { BackendRef } from '../routes/model.ts'
import { readKeyPair } from '../tls/key-pair.ts'
import type { Certificate, TlsListener } from '../tls/server-tls.ts'
import { authorityIn } from './authority.ts'
import { type GatewayReferences, gatewayReferences } from './certificates.ts'
import { compileGateways, type PortListener } from './compile.ts'
import type { GatewayWorld, SecretState } from './model.ts'
import { placeInStatus, sharedPlace } from './places.ts'

export interface GatewayInformers {
  readonly classes: Informer<GatewayClass>
  readonly gateways: Informer<Gateway>
  readonly routes: Informer<HTTPRoute>
  readonly grants: Informer<ReferenceGrant>
  readonly namespaces: Informer<Namespace>
}

export interface GatewayDoor {
  readonly entry: EntryName
  /** One that is a Gateway's own; undefined: wherever the proxy listens. */
  readonly address: string | undefined
  readonly port: number
  readonly tls: boolean
  readonly certificates: readonly { readonly host: string; readonly certificate: Certificate }[]
  readonly listeners: readonly TlsListener[]
}

export interface GatewayServing {
  readonly sets: readonly SourceRules[]
  readonly backends: readonly BackendRef[]
  readonly doors: readonly GatewayDoor[]
}

export interface GatewayReader {
  /** Everything that is to be served now. */
  read(): GatewayServing
  references(): GatewayReferences
}

/** What a node knows of addresses. */
export interface GatewayAddresses {
  /** Of the pool whose addresses are Gateways' own; undefined: there is none. */
  readonly isOfPool: ((address: string) => boolean) | undefined
  /** Whether the node itself has it, where there is no pool. */
  readonly isOfNode: (address: string) => boolean
}

/** Ports that the proxy serves anyway share its entries. */
export interface UsualPorts {
  readonly http: number
  readonly https: number | undefined
}

type Where = Pick<PortListener, 'address' | 'port' | 'tls'>

const entryOf = ({ address, port, tls }: Where, usual: UsualPorts): EntryName => {
  if (address !== undefined) return `${address} port ${port}`
  if (!tls && port === usual.http) return 'http'
  return tls && port === usual.https ? 'https' : `port ${port}`
}

export const createGatewayReader = (
  informers: GatewayInformers,
  services: Informer<Service>,
  data: { readonly secret: (key: string) => Data | undefined; readonly configMap: (key: string) => Data | undefined },
  usual: UsualPorts,
  { isOfPool, isOfNode }: GatewayAddresses,
): GatewayReader => {
  const place = isOfPool ? placeInStatus(isOfPool) : sharedPlace
  const pairOf = (key: string) => {
    const found = data.secret(key)
    return found && readKeyPair(found['tls.crt'], found['tls.key'])
  }
  const stateOf = (key: string): SecretState => {
    const pair = pairOf(key)
    return pair === undefined ? 'missing' : 'problem' in pair ? 'broken' : 'ok'
  }

  return {
    read: () => {
      const world = {
        place,
        classes: [...informers.classes.values()],
        gateways: [...informers.gateways.values()],
        routes: [...informers.routes.values()],
        grants: [...informers.grants.values()],
        service: (key: string) => services.get(key),
        namespaceLabels: (name: string) => informers.namespaces.get(name)?.metadata.labels,
        secret: stateOf,
        authority: (key: string) => authorityIn(data.configMap(key)),
      } satisfies GatewayWorld
      const { listeners, backends } = compileGateways(world, isOfNode)
      const sets = listeners.map(({ rules, sealed, ...where }) => ({
        ...{ rules, sealed, entries: [entryOf(where, usual)] },
      }))
      const doors = listeners.map(({ address, port, tls, certificates, owners }) => ({
        ...{ entry: entryOf({ address, port, tls }, usual), address, port, tls, listeners: owners },
        certificates: certificates.flatMap(({ host, secret: key }) => {
          const pair = pairOf(key)
          return pair === undefined || 'problem' in pair ? [] : [{ host, certificate: pair }]
        }),
      }))
      return { sets, backends, doors }
    },
    references: () =>
      gatewayReferences(informers.classes.values(), informers.gateways.values(), informers.grants.values()),
  }
}
