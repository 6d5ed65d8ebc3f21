/** The filters of a rule as a route policy. */
import type { HttpCors, HttpRequestMirror, HttpRouteFilter } from '../../../api/types/index.ts'
import type { Cors, Mirror, RoutePolicy } from '../policy/policy.ts'
import { type ResolvedBackend, resolveBackend } from './backends.ts'
import { fieldChanges } from './fields.ts'
import type { GatewayWorld, Problem } from './model.ts'
import { filterProblems, type Place, sendingAt } from './rewriting.ts'

export interface CompiledFilters {
  readonly policyAt: (place: Place) => Partial<RoutePolicy>
  readonly redirects: boolean
  /** Of mirrors. */
  readonly backends: readonly ResolvedBackend[]
  readonly unresolved: readonly Problem[]
  readonly unsupported: readonly Problem[]
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

const strange = (filters: readonly HttpRouteFilter[]): readonly Problem[] => [
  ...filters
    .filter(({ requestMirror }) => requestMirror && !requestMirror.backendRef)
    .map(() => ({ reason: 'UnsupportedValue', message: 'a mirror without a backendRef' })),
  ...filters
    .filter(({ type }) => !known.includes(type))
    .map(({ type }) => ({ reason: 'UnsupportedValue', message: `filter ${type} is not supported` })),
  ...filterProblems(filters),
]

/** Reads the filters of a rule of a route of `namespace`. A mirror that leads nowhere is left out. */
export const compileFilters = (
  world: GatewayWorld,
  namespace: string,
  filters: readonly HttpRouteFilter[],
): CompiledFilters => {
  const mirrors = filters.flatMap(({ requestMirror }) => (requestMirror?.backendRef ? requestMirror : []))
  const resolved = mirrors.map((mirror) => ({ mirror, to: resolveBackend(world, namespace, mirror.backendRef) }))
  const cors = filters.find((filter) => filter.cors)?.cors
  const always: Partial<RoutePolicy> = {
    requestFields: fieldChanges(filters.flatMap(({ requestHeaderModifier }) => requestHeaderModifier ?? [])),
    responseFields: fieldChanges(filters.flatMap(({ responseHeaderModifier }) => responseHeaderModifier ?? [])),
    mirrors: resolved.flatMap(({ mirror, to }) => ('backend' in to ? [mirrorTo(mirror, to.backend)] : [])),
    ...(cors ? { cors: corsOf(cors) } : {}),
  }
  return {
    policyAt: (place) => ({ ...always, ...sendingAt(filters, place) }),
    redirects: filters.some(({ requestRedirect }) => requestRedirect),
    backends: resolved.flatMap(({ to }) => ('backend' in to ? [to.backend] : [])),
    unresolved: resolved.flatMap(({ to }) => ('problem' in to ? [to.problem] : [])),
    unsupported: strange(filters),
  }
}
