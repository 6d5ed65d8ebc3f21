/** One rule as everything that can be written compiles to: where it applies, and what happens there. Plain data. */
import type { BackendKey } from '../policy/backend-key.ts'
import type { Canary, FieldChanges, Redirect, Rewrite, RoutePolicy } from '../policy/policy.ts'

/** What a route comes from: what people see of it in logs, metrics and Events. */
export interface Origin {
  readonly kind: 'Ingress' | 'HTTPRoute'
  readonly namespace: string
  readonly name: string
  /** As its author wrote it. */
  readonly path: string
  /** The host of the rule, `*` for all; known once the route is in a table. */
  readonly host?: string
  /** The Service that is meant to answer, for metrics; empty when there is none. */
  readonly service: string
}

/** A share of a route's requests. */
export interface Target {
  /** Undefined: its share is answered with `status`. */
  readonly backend: BackendKey | undefined
  readonly status: number
  readonly weight: number
  readonly requestFields?: FieldChanges
  readonly responseFields?: FieldChanges
  /** In the place of what the route's policy says of the same. */
  readonly rewrite?: Rewrite
  /** Its share is sent elsewhere; no backend is asked. */
  readonly redirect?: Redirect
}

export interface ValueMatch {
  /** Small letters for header fields. */
  readonly name: string
  readonly value: string
  readonly regex: boolean
}

/** What must hold beside host and path; all of it. */
export interface Conditions {
  /** The addresses that a client may have come in by. */
  readonly addresses?: readonly string[]
  readonly method?: string
  readonly headers: readonly ValueMatch[]
  readonly query: readonly ValueMatch[]
}

export interface CanaryRoute {
  readonly when: Canary
  readonly origin: Origin
  readonly targets: readonly Target[]
}

export interface Route {
  readonly origin: Origin
  readonly policy: RoutePolicy
  /** Weights decide; all of them 0 or none at all: 503. */
  readonly targets: readonly Target[]
  readonly conditions?: Conditions
  /** Asked before `targets`. */
  readonly canary?: CanaryRoute
}

export type PathMatch =
  /** The whole path. */
  | { readonly kind: 'exact'; readonly path: string }
  /** By elements between slashes. */
  | { readonly kind: 'prefix'; readonly path: string }
  /** At the start of the path. `caseless` as nginx matches. */
  | { readonly kind: 'regex'; readonly path: string; readonly caseless: boolean }
  /** What nothing else of the host matches. */
  | { readonly kind: 'fallback' }

export interface RouteRule {
  /**
   * Small letters; empty for every host; `*.` in front stands for exactly one label, `**.` for one or more.
   */
  readonly host: string
  readonly path: PathMatch
  /** RFC 3339; of equal rules the oldest wins, then the first `order`. */
  readonly created: string
  /** `namespace/name` and whatever else makes the order total. */
  readonly order: string
  readonly route: Route
  /** Not a route of its own: joins the rule with the same host and path. */
  readonly canary?: Canary
}
