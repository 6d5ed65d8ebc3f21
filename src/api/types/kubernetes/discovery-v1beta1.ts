/** Types of discovery/v1beta1, made by scripts/declare-types.ts. */

import type { ObjectReference, Protocol } from './core-v1.ts'
import type { AddressType } from './discovery-v1.ts'
import type { ObjectMeta } from './meta-v1.ts'

export interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions?: EndpointConditions
  readonly hostname?: string
  readonly targetRef?: ObjectReference
  readonly topology?: Readonly<Record<string, string>>
  readonly nodeName?: string
  readonly hints?: EndpointHints
}

export interface EndpointConditions {
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
}

export interface EndpointHints {
  readonly forZones?: readonly ForZone[]
  readonly forNodes?: readonly ForNode[]
}

export interface EndpointPort {
  readonly name?: string
  readonly protocol?: Protocol
  readonly port?: number
  readonly appProtocol?: string
}

export interface EndpointSlice {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly addressType: AddressType
  readonly endpoints: readonly Endpoint[]
  readonly ports?: readonly EndpointPort[]
}

export interface ForNode {
  readonly name: string
}

export interface ForZone {
  readonly name: string
}
