/** What the Gateway API adds to a node's proxy: rules for its entries, doors of its own, certificates. */
import type { Informer } from '../../../api/informer.ts'
import type { Gateway, GatewayClass, HTTPRoute, Namespace, ReferenceGrant, Service } from '../../../api/types/index.ts'
import type { Data } from '../named-data.ts'
import type { EntryName, SourceRules } from '../routes/book.ts'
import type { BackendRef } from '../routes/model.ts'
import { readKeyPair } from '../tls/key-pair.ts'
import type { Certificate, TlsListener } from '../tls/server-tls.ts'
import { authorityIn } from './authority.ts'
import { type GatewayReferences, gatewayReferences } from './certificates.ts'
import { compileGateways } from './compile.ts'
import type { SecretState } from './model.ts'

export interface GatewayInformers {
  readonly classes: Informer<GatewayClass>
  readonly gateways: Informer<Gateway>
  readonly routes: Informer<HTTPRoute>
  readonly grants: Informer<ReferenceGrant>
  readonly namespaces: Informer<Namespace>
}

export interface GatewayDoor {
  readonly entry: EntryName
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

/** Ports that the proxy serves anyway share its entries. */
export interface UsualPorts {
  readonly http: number
  readonly https: number | undefined
}

const entryOf = (port: number, tls: boolean, usual: UsualPorts): EntryName => {
  if (!tls && port === usual.http) return 'http'
  return tls && port === usual.https ? 'https' : `port ${port}`
}

export const createGatewayReader = (
  informers: GatewayInformers,
  services: Informer<Service>,
  data: { readonly secret: (key: string) => Data | undefined; readonly configMap: (key: string) => Data | undefined },
  usual: UsualPorts,
): GatewayReader => {
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
      const { listeners, backends } = compileGateways({
        classes: [...informers.classes.values()],
        gateways: [...informers.gateways.values()],
        routes: [...informers.routes.values()],
        grants: [...informers.grants.values()],
        service: (key) => services.get(key),
        namespaceLabels: (name) => informers.namespaces.get(name)?.metadata.labels,
        secret: stateOf,
        authority: (key) => authorityIn(data.configMap(key)),
      })
      const sets = listeners.map(({ port, tls, rules, sealed }) => ({
        ...{ rules, sealed, entries: [entryOf(port, tls, usual)] },
      }))
      const doors = listeners.map(({ port, tls, certificates, owners }) => ({
        ...{ entry: entryOf(port, tls, usual), port, tls, listeners: owners },
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
