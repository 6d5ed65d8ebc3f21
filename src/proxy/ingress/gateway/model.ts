/** What the Gateway API's objects are compiled from. */

import type { Gateway, GatewayClass, HTTPRoute, ReferenceGrant, Service, StringMap } from '../../../api/types/index.ts'
import type { PlaceOf } from './places.ts'

/** The value of `spec.controllerName` in a GatewayClass that this proxy serves. */
export const gatewayController = 'podway.dev/gateway'

export const gatewayGroup = 'gateway.networking.k8s.io'

/** `broken`: there, but no certificate and key that fit each other. */
export type SecretState = 'ok' | 'missing' | 'broken'

/** Everything that decides; in any order. */
export interface GatewayWorld {
  readonly classes: readonly GatewayClass[]
  readonly gateways: readonly Gateway[]
  readonly routes: readonly HTTPRoute[]
  readonly place: PlaceOf
  readonly grants: readonly ReferenceGrant[]
  /** By `namespace/name`; only the ports are looked at. */
  readonly service: (key: string) => Service | undefined
  readonly namespaceLabels: (name: string) => StringMap | undefined
  /** By `namespace/name`. */
  readonly secret: (key: string) => SecretState
  /** The authority (PEM) that a ConfigMap holds, by `namespace/name`; undefined when there is none, or it is broken. */
  readonly authority: (key: string) => string | undefined
}

/** Something that is not as its author wants it, in the words of conditions. */
export interface Problem {
  readonly reason: string
  readonly message: string
}
