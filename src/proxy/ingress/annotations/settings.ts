/** What the annotations of one Ingress come to. */
import type { Canary, ClientCertificates, RoutePolicy } from '../policy/policy.ts'

/** Where annotations that name objects find them. */
export interface Lookup {
  /** Decoded data of a Secret by `namespace/name`; undefined when it does not exist. */
  secret(key: string): Readonly<Record<string, string>> | undefined
  configMap(key: string): Readonly<Record<string, string>> | undefined
}

export interface AnnotationProblem {
  /** As it was written, with its prefix. */
  readonly key: string
  readonly value: string
  readonly reason: string
  readonly severity: 'error' | 'warning'
  /** The object that is not there, where that is the problem: `Secret default/users`. */
  readonly missing?: string
}

export interface IngressSettings {
  /** Of every route of the Ingress. */
  readonly policy: RoutePolicy
  /** The Ingress is a canary of another one with the same hosts and paths. */
  readonly canary?: Canary
  /** Paths that are not Exact are patterns, anchored at their start, in which case does not matter. */
  readonly regex: boolean
  /** `$1` and the like are groups of the path that matched. */
  readonly rewriteTarget?: string
  /** Other hosts with the same paths. */
  readonly aliases: readonly string[]
  readonly wwwRedirect: boolean
  readonly passthrough: boolean
  readonly clientCertificates?: ClientCertificates
  /** Requests go to the Service's address instead of its endpoints. */
  readonly serviceUpstream: boolean
  /** A Service of the same namespace, asked when a route has no endpoints, and for `errorStatuses`. */
  readonly defaultBackend?: string
  readonly errorStatuses: readonly number[]
  /** `namespace/name` of what was looked at, there or not: a change of one means reading again. */
  readonly secrets: readonly string[]
  readonly configMaps: readonly string[]
  readonly problems: readonly AnnotationProblem[]
}
