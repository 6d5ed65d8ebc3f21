/** The filters of a rule as a route policy. */
import type {
  HttpCors,
  HttpPathModifier,
  HttpRequestMirror,
  HttpRequestRedirect,
  HttpRouteFilter,
} from '../../../api/types/index.ts'
import type { Cors, Mirror, PathRewrite, Redirect, Rewrite, RoutePolicy } from '../routes/policy.ts'
import type { PathMatch } from '../routes/rule.ts'
import { rulePath } from '../routes/rule-path.ts'
import { type ResolvedBackend, resolveBackend } from './backends.ts'
import { fieldChanges, modifierProblem } from './fields.ts'
import { isHostname } from './hostnames.ts'
import type { GatewayWorld, Problem } from './model.ts'

/** Where a policy is for: redirects and prefix rewrites depend on it. */
export interface Place {
  readonly path: PathMatch
  /** The listener's. */
  readonly port: number
}

export interface CompiledFilters {
  readonly policyAt: (place: Place) => Partial<RoutePolicy>
  readonly redirects: boolean
  /** Of mirrors. */
  readonly backends: readonly ResolvedBackend[]
  readonly unresolved: readonly Problem[]
  readonly unsupported: readonly Problem[]
}

const withoutSlash = (path: string): string => path.replace(/\/$/, '')

/** A prefix can be replaced only where one has matched; validation refuses anything else. */
const pathRewrite = (modifier: HttpPathModifier | undefined, path: PathMatch): PathRewrite | undefined => {
  if (modifier?.type === 'ReplaceFullPath') return { kind: 'full', path: modifier.replaceFullPath || '/' }
  if (modifier === undefined || path.kind !== 'prefix') return undefined
  const replacement = withoutSlash(modifier.replacePrefixMatch ?? '')
  const found = rulePath(path.path)
  return { kind: 'prefix', prefix: withoutSlash('path' in found ? found.path : path.path), replacement }
}

const wellKnownPorts = { http: 80, https: 443 } as const

/** Without a port of its own a redirect goes to that of its scheme, without a scheme to the listener's. */
const redirectAt = (filter: HttpRequestRedirect, { path, port }: Place): Redirect => {
  const { scheme, hostname, statusCode = 302 } = filter
  const rewritten = pathRewrite(filter.path, path)
  return {
    ...{ kind: 'parts', status: statusCode, port: filter.port ?? (scheme ? wellKnownPorts[scheme] : port) },
    ...(scheme ? { scheme } : {}),
    ...(hostname ? { host: hostname } : {}),
    ...(rewritten ? { path: rewritten } : {}),
  }
}

const rewriteAt = ({ hostname, path }: NonNullable<HttpRouteFilter['urlRewrite']>, place: Place): Rewrite => {
  const rewritten = pathRewrite(path, place.path)
  return { ...(hostname ? { host: hostname } : {}), ...(rewritten ? { path: rewritten } : {}) }
}

const corsOf = (filter: HttpCors): Cors => ({
  origins: filter.allowOrigins ?? [],
  methods: filter.allowMethods ?? [],
  headers: filter.allowHeaders ?? [],
  expose: filter.exposeHeaders ?? [],
  credentials: filter.allowCredentials ?? false,
  maxAgeSeconds: filter.maxAge ?? 5,
  namesWhatIsAsked: true,
})

const mirrorTo = ({ percent, fraction }: HttpRequestMirror, { key }: ResolvedBackend): Mirror => ({
  to: { backend: key },
  body: true,
  numerator: fraction?.numerator ?? percent ?? 100,
  denominator: fraction ? (fraction.denominator ?? 100) : 100,
})

const known = [
  ...['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'RequestRedirect', 'URLRewrite', 'CORS'],
]

const hostnameProblem = (hostname: string | undefined): string | undefined =>
  !hostname || isHostname(hostname) ? undefined : `${JSON.stringify(hostname).slice(0, 300)} is no hostname`

const redirectStatuses: readonly unknown[] = [301, 302, 303, 307, 308]

/** Servers of another make may let anything through. */
const redirectProblem = ({ scheme = 'http', statusCode = 302, port = 80 }: HttpRequestRedirect): string | undefined => {
  if (scheme !== 'http' && scheme !== 'https') return `no redirect to the scheme ${JSON.stringify(scheme)}`
  if (!redirectStatuses.includes(statusCode)) return `no redirect with the status ${JSON.stringify(statusCode)}`
  return Number.isInteger(port) && port > 0 && port < 65_536
    ? undefined
    : `no redirect to the port ${JSON.stringify(port)}`
}

const strange = (filters: readonly HttpRouteFilter[]): readonly Problem[] => [
  ...filters
    .filter(({ requestMirror }) => requestMirror && !requestMirror.backendRef)
    .map(() => ({ reason: 'UnsupportedValue', message: 'a mirror without a backendRef' })),
  ...filters
    .filter(({ type }) => !known.includes(type))
    .map(({ type }) => ({ reason: 'UnsupportedValue', message: `filter ${type} is not supported` })),
  ...filters
    .flatMap(({ requestRedirect, urlRewrite, requestHeaderModifier = {}, responseHeaderModifier = {} }) => [
      requestRedirect && redirectProblem(requestRedirect),
      hostnameProblem(requestRedirect?.hostname ?? urlRewrite?.hostname),
      modifierProblem(requestHeaderModifier),
      modifierProblem(responseHeaderModifier),
    ])
    .flatMap((message) => (message === undefined ? [] : [{ reason: 'UnsupportedValue', message }])),
]

/** Reads the filters of a rule of a route of `namespace`. A mirror that leads nowhere is left out. */
export const compileFilters = (
  world: GatewayWorld,
  namespace: string,
  filters: readonly HttpRouteFilter[],
): CompiledFilters => {
  const mirrors = filters.flatMap(({ requestMirror }) => (requestMirror?.backendRef ? requestMirror : []))
  const resolved = mirrors.map((mirror) => ({ mirror, to: resolveBackend(world, namespace, mirror.backendRef) }))
  const redirect = filters.find(({ requestRedirect }) => requestRedirect)?.requestRedirect
  const rewrite = filters.find(({ urlRewrite }) => urlRewrite)?.urlRewrite
  const cors = filters.find((filter) => filter.cors)?.cors
  const always: Partial<RoutePolicy> = {
    requestFields: fieldChanges(filters.flatMap(({ requestHeaderModifier }) => requestHeaderModifier ?? [])),
    responseFields: fieldChanges(filters.flatMap(({ responseHeaderModifier }) => responseHeaderModifier ?? [])),
    mirrors: resolved.flatMap(({ mirror, to }) => ('backend' in to ? [mirrorTo(mirror, to.backend)] : [])),
    ...(cors ? { cors: corsOf(cors) } : {}),
  }
  return {
    policyAt: (place) => ({
      ...always,
      ...(redirect ? { redirect: redirectAt(redirect, place) } : {}),
      ...(rewrite ? { rewrite: rewriteAt(rewrite, place) } : {}),
    }),
    redirects: redirect !== undefined,
    backends: resolved.flatMap(({ to }) => ('backend' in to ? [to.backend] : [])),
    unresolved: resolved.flatMap(({ to }) => ('problem' in to ? [to.problem] : [])),
    unsupported: strange(filters),
  }
}
