/** Types of networking/v1beta1, made by scripts/declare-types.ts. */

import type { Protocol, TypedLocalObjectReference } from './core-v1.ts'
import type { ObjectMeta } from './meta-v1.ts'
import type { PathType } from './networking-v1.ts'

export interface HTTPIngressPath {
  readonly path?: string
  readonly pathType?: PathType
  readonly backend: IngressBackend
}

export interface HTTPIngressRuleValue {
  readonly paths: readonly HTTPIngressPath[]
}

export interface Ingress {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: IngressSpec
  readonly status?: IngressStatus
}

export interface IngressBackend {
  readonly serviceName?: string
  readonly servicePort?: number | string
  readonly resource?: TypedLocalObjectReference
}

export interface IngressLoadBalancerIngress {
  readonly ip?: string
  readonly hostname?: string
  readonly ports?: readonly IngressPortStatus[]
}

export interface IngressLoadBalancerStatus {
  readonly ingress?: readonly IngressLoadBalancerIngress[]
}

export interface IngressPortStatus {
  readonly port: number
  readonly protocol: Protocol
  readonly error?: string
}

export interface IngressRule {
  readonly host?: string
  readonly http?: HTTPIngressRuleValue
}

export interface IngressSpec {
  readonly ingressClassName?: string
  readonly backend?: IngressBackend
  readonly tls?: readonly IngressTLS[]
  readonly rules?: readonly IngressRule[]
}

export interface IngressStatus {
  readonly loadBalancer: IngressLoadBalancerStatus
}

export interface IngressTLS {
  readonly hosts?: readonly string[]
  readonly secretName?: string
}
