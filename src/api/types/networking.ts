/** networking.k8s.io/v1 */
import type { LoadBalancerIngress } from './core.ts'
import type { KubeObject } from './meta.ts'

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
