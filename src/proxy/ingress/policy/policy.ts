/**
 * How a route is served beyond which backend it has: one typed value, whether it was written as annotations of an
 * Ingress or as filters of an HTTPRoute. Plain data: it is cloned into the threads that serve.
 */
import type { BackendKey } from './backend-key.ts'
import type { Template } from './template.ts'

/** Milliseconds. */
export interface RouteTimeouts {
  /** For a backend to accept a connection. */
  readonly connect?: number
  /** Between two writes to a backend. */
  readonly send?: number
  /** Between two reads from a backend; of an upgraded connection, from either side. */
  readonly read?: number
  /** From the head of the request to the end of the answer; then 504. */
  readonly request?: number
  /** For each attempt, from its start to the head of the answer; then 504. */
  readonly attempt?: number
}

/** Fields as they are written; `remove` has small letters. */
export interface FieldChanges {
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly add: readonly (readonly [name: string, value: string])[]
  readonly remove: readonly string[]
}

export type PathRewrite =
  /** The whole path; the query stays. */
  | { readonly kind: 'full'; readonly path: string }
  /** What the route's own prefix matched: `prefix` as a routing path, without a slash at the end. */
  | { readonly kind: 'prefix'; readonly prefix: string; readonly replacement: string }
  /** `$1` and the like in the replacement are groups of the pattern, which begins at the path's start. */
  | { readonly kind: 'regex'; readonly pattern: string; readonly replacement: string }

export interface Rewrite {
  readonly host?: string
  readonly path?: PathRewrite
}

/** Where else a client should ask. */
export type Redirect =
  | { readonly kind: 'url'; readonly status: number; readonly url: Template }
  | {
      readonly kind: 'parts'
      readonly status: number
      readonly scheme?: 'http' | 'https'
      readonly host?: string
      readonly port?: number
      readonly path?: PathRewrite
    }

export interface Cors {
  /** `*`, or origins such as `https://*.example.com:8443`; the star stands for one label or more. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly expose: readonly string[]
  readonly credentials: boolean
  readonly maxAgeSeconds: number
  /** With credentials a star means whatever is asked, named: the Gateway API says so. Otherwise a browser refuses it. */
  readonly namesWhatIsAsked?: boolean
}

export interface RateLimit {
  readonly perSecond?: number
  readonly perMinute?: number
  /** So many times the rate may come at once. */
  readonly burst: number
  /** At the same time from one address. */
  readonly connections?: number
  /** CIDRs that are not limited. */
  readonly exempt: readonly string[]
}

/** Verified against lines of htpasswd. */
export interface BasicAuth {
  readonly realm: string
  /** Name to hash: `$apr1$`, `$2y$` (bcrypt), `{SHA}`, or `{PLAIN}`. */
  readonly users: Readonly<Record<string, string>>
}

/** Another server decides: 2xx lets pass, 401 and 403 are passed on, anything else is 500. */
export interface ExternalAuth {
  readonly url: Template
  /** Missing: GET. */
  readonly method?: string
  /** Fields of its answer, small letters, that the backend gets. */
  readonly responseHeaders: readonly string[]
  /** Where 401 sends people. */
  readonly signIn?: Template
  /** The query field that tells the sign-in page where to come back to. */
  readonly signInRedirectParam: string
  /** What the auth server is told of where the request went, instead of its own URL. */
  readonly requestRedirect?: Template
}

export interface StickyCookie {
  readonly name: string
  /** Persistent: a client keeps its endpoint even when others would be better. */
  readonly mode: 'balanced' | 'persistent'
  readonly path: string
  readonly domain?: string
  readonly maxAgeSeconds?: number
  readonly expiresSeconds?: number
  readonly sameSite?: 'Strict' | 'Lax' | 'None'
  /** Undefined: when the request came over TLS. */
  readonly secure?: boolean
  readonly changeOnFailure: boolean
}

export type Balancing =
  | { readonly kind: 'round-robin' | 'least-connections' }
  | { readonly kind: 'hash'; readonly by: Template }
  | { readonly kind: 'cookie'; readonly cookie: StickyCookie }

export type BackendProtocol = 'http' | 'https' | 'h2c' | 'h2'

/** How TLS to a backend is made. Everything in PEM. */
export interface BackendTls {
  readonly verify: boolean
  readonly ca?: string
  /** Checked, and sent as SNI where `sni`. */
  readonly name?: string
  readonly sni: boolean
  readonly certificate?: string
  readonly key?: string
}

export interface Retries {
  /** At most, the first one included; 0: each endpoint once. */
  readonly tries: number
  /** Milliseconds for all of them; 0: no limit. */
  readonly within: number
  /** What is worth another try beside a connection that fails. */
  readonly statuses: readonly number[]
  readonly timeout: boolean
  /** Also of methods that are not idempotent. */
  readonly nonIdempotent: boolean
  /** Milliseconds between two tries at least. */
  readonly backoff: number
}

export interface Mirror {
  readonly to: { readonly backend: BackendKey } | { readonly url: Template }
  readonly host?: string
  readonly body: boolean
  /** Of `denominator` requests. */
  readonly numerator: number
  readonly denominator: number
}

/** Answers of a backend with one of these statuses are replaced by what another backend says. */
export interface ErrorPages {
  readonly statuses: readonly number[]
  /** Also when there is no endpoint to ask. */
  readonly whenEmpty: boolean
  readonly backend: BackendKey
}

/** What clients must show. Of all routes of a host. */
export interface ClientCertificates {
  /** PEM. */
  readonly ca: string
  readonly verify: 'required' | 'optional' | 'optional-any'
  readonly depth: number
  readonly errorPage?: string
  /** The backend gets it as `ssl-client-cert`. */
  readonly pass: boolean
  /** A pattern for the common name. */
  readonly commonName?: string
}

export interface RoutePolicy {
  readonly timeouts: RouteTimeouts
  /** 0: any size. */
  readonly maxBodyBytes: number
  readonly protocol: BackendProtocol
  readonly balancing: Balancing
  readonly retries: Retries
  readonly requestFields: FieldChanges
  readonly responseFields: FieldChanges
  readonly backendTls?: BackendTls
  readonly rewrite?: Rewrite
  readonly redirect?: Redirect
  /** `/` alone is sent here with 302. */
  readonly appRoot?: string
  /** Plain HTTP is sent to HTTPS with 308: when the host has a certificate, or in any case. */
  readonly sslRedirect: 'never' | 'with-certificate' | 'always'
  /** Strict-Transport-Security of answers over TLS; missing: the proxy's own default. */
  readonly hsts?: { readonly maxAge: number; readonly includeSubDomains: boolean; readonly preload: boolean } | 'off'
  /** Of paths in redirects. */
  readonly preserveTrailingSlash: boolean
  readonly cors?: Cors
  readonly rateLimit?: RateLimit
  /** CIDRs; empty: everybody. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  readonly basicAuth?: BasicAuth
  readonly externalAuth?: ExternalAuth
  /** Whether one of addresses, password and external auth is enough. */
  readonly satisfy: 'all' | 'any'
  readonly mirrors: readonly Mirror[]
  readonly errorPages?: ErrorPages
  /** Replaced in Location and Refresh of answers. */
  readonly redirectFrom?: { readonly from: string; readonly to: string }
  readonly cookieDomain?: { readonly from: string; readonly to: string }
  readonly cookiePath?: { readonly from: string; readonly to: string }
  /** Sent to the backend as X-Forwarded-Prefix. */
  readonly forwardedPrefix?: string
  /** Instead of the client's. */
  readonly upstreamHost?: string
  readonly accessLog: boolean
  /** An endpoint that has just become ready gets its full share only after so long. */
  readonly slowStartMs?: number
  /** Something that decides who may ask is broken: every request is answered with this. */
  readonly blocked?: { readonly status: number; readonly why: string }
}

export const noChanges: FieldChanges = { set: [], add: [], remove: [] }

export const defaultRetries: Retries = {
  tries: 3,
  within: 0,
  statuses: [],
  timeout: true,
  nonIdempotent: false,
  backoff: 0,
}

/** Nothing but forwarding. */
export const plainPolicy: RoutePolicy = {
  timeouts: {},
  maxBodyBytes: 0,
  protocol: 'http',
  balancing: { kind: 'round-robin' },
  retries: defaultRetries,
  requestFields: noChanges,
  responseFields: noChanges,
  sslRedirect: 'never',
  preserveTrailingSlash: false,
  allow: [],
  deny: [],
  satisfy: 'all',
  mirrors: [],
  accessLog: true,
}

/** How a request is told apart from others of the same path. Header names in small letters. */
export interface Canary {
  readonly header?: { readonly name: string; readonly value?: string; readonly pattern?: string }
  readonly cookie?: string
  /** Of `total` requests. */
  readonly weight: number
  readonly total: number
  /** Whether a sticky cookie keeps clients at the canary once they were there; missing: yes. */
  readonly sticky?: boolean
}
