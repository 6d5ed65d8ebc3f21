/** networking.k8s.io/v1 */
import type { LoadBalancerIngress, Protocol } from './core.ts'
import type { Condition, KubeObject, LabelSelector } from './meta.ts'

export interface IngressBackend {
  readonly service?: {
    readonly name: string
    /** Exactly one of the two. */
    readonly port?: { readonly number?: number; readonly name?: string }
  }
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string }
}

export interface HttpIngressPath {
  readonly path?: string
  readonly pathType: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  readonly backend: IngressBackend
}

export interface IngressRule {
  /** Empty means every host; `*.` stands for exactly one label. */
  readonly host?: string
  readonly http?: { readonly paths: readonly HttpIngressPath[] }
}

export interface Ingress extends KubeObject {
  readonly spec?: {
    readonly ingressClassName?: string
    readonly defaultBackend?: IngressBackend
    readonly rules?: readonly IngressRule[]
    readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[]
  }
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] } }
}

export interface IngressClass extends KubeObject {
  readonly spec?: {
    readonly controller?: string
    readonly parameters?: {
      readonly apiGroup?: string
      readonly kind: string
      readonly name: string
      readonly namespace?: string
      readonly scope?: string
    }
  }
}

export interface IpBlock {
  readonly cidr: string
  readonly except?: readonly string[]
}

/** Pods by their own labels, their namespace's, or both at once; or addresses. */
export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector
  readonly namespaceSelector?: LabelSelector
  readonly ipBlock?: IpBlock
}

export interface NetworkPolicyPort {
  readonly protocol?: Protocol
  /** A name is looked up in each destination pod. Missing: all ports. */
  readonly port?: number | string
  /** Inclusive; `port` is the first. */
  readonly endPort?: number
}

/** No ports: all of them. No peers: everybody. */
export interface NetworkPolicyIngressRule {
  readonly ports?: readonly NetworkPolicyPort[]
  readonly from?: readonly NetworkPolicyPeer[]
}

export interface NetworkPolicyEgressRule {
  readonly ports?: readonly NetworkPolicyPort[]
  readonly to?: readonly NetworkPolicyPeer[]
}

export interface NetworkPolicy extends KubeObject {
  readonly spec?: {
    readonly podSelector?: LabelSelector
    readonly ingress?: readonly NetworkPolicyIngressRule[]
    readonly egress?: readonly NetworkPolicyEgressRule[]
    readonly policyTypes?: readonly ('Ingress' | 'Egress')[]
  }
}

/** Where Services get cluster addresses from: one range for each family. */
export interface ServiceCIDR extends KubeObject {
  readonly spec?: { readonly cidrs?: readonly string[] }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/** A cluster address that somebody has; its name is the address. */
export interface IPAddress extends KubeObject {
  readonly spec?: {
    readonly parentRef: {
      readonly group?: string
      readonly resource: string
      readonly namespace?: string
      readonly name: string
    }
  }
}
