/** References to Services, and the shares of requests that they get. */
import type { GatewayBackendReference, HttpBackendRef } from '../../../api/types/index.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { BackendProtocol } from '../policy/policy.ts'
import type { BackendRef } from '../routes/model.ts'
import type { Target } from '../routes/rule.ts'
import { fieldChanges } from './fields.ts'
import { isPermitted } from './grants.ts'
import { type GatewayWorld, gatewayGroup, type Problem } from './model.ts'
import { filterProblems, type Place, sendingAt } from './rewriting.ts'

export interface ResolvedBackend extends BackendRef {
  readonly name: string
  readonly protocol: BackendProtocol
}

/** A backend, or why there is none. */
export type Resolved = { readonly backend: ResolvedBackend } | { readonly problem: Problem }

const protocols: Readonly<Record<string, BackendProtocol>> = {
  'kubernetes.io/h2c': 'h2c',
  'kubernetes.io/wss': 'https',
  https: 'https',
}

const failed = (reason: string, message: string): Resolved => ({ problem: { reason, message } })

/** Looks a Service port up for a route of `namespace`. */
export const resolveBackend = (world: GatewayWorld, namespace: string, ref: GatewayBackendReference): Resolved => {
  const { group = '', kind = 'Service', name, port } = ref
  if ((group !== '' && group !== 'core') || kind !== 'Service')
    return failed('InvalidKind', `backends of kind ${[kind, group].filter(Boolean).join('.')} are not supported`)
  const home = ref.namespace ?? namespace
  const key = `${home}/${name}`
  const from = { group: gatewayGroup, kind: 'HTTPRoute', namespace }
  if (!isPermitted(world.grants, from, { group: '', kind, namespace: home, name }))
    return failed('RefNotPermitted', `no ReferenceGrant in ${home} allows a reference to Service ${key}`)
  const service = world.service(key)
  if (!service) return failed('BackendNotFound', `Service ${key} does not exist`)
  const found = service.spec.ports?.find((each) => each.port === port && (each.protocol ?? 'TCP') === 'TCP')
  if (port === undefined || !found) return failed('BackendNotFound', `Service ${key} has no TCP port ${port ?? ''}`)
  const protocol = protocols[found.appProtocol ?? ''] ?? 'http'
  return { backend: { key: `${key}:${port}` as BackendKey, service: key, port, name, protocol } }
}

export interface Shares {
  readonly targetsAt: (place: Place) => readonly Target[]
  /** Those of the targets, each once. */
  readonly backends: readonly ResolvedBackend[]
  readonly unresolved: readonly Problem[]
  readonly unsupported: readonly Problem[]
}

const known: readonly string[] = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite']

const strangeFilters = ({ filters = [] }: HttpBackendRef): readonly Problem[] => [
  ...filters
    .filter(({ type }) => !known.includes(type))
    .map(({ type }) => ({ reason: 'UnsupportedValue', message: `filter ${type} of a backendRef is not supported` })),
  ...filterProblems(filters),
]

const targetAt = (ref: HttpBackendRef, backend: BackendKey | undefined, place: Place): Target => {
  const { weight = 1, filters = [] } = ref
  const request = filters.flatMap(({ requestHeaderModifier }) => requestHeaderModifier ?? [])
  const response = filters.flatMap(({ responseHeaderModifier }) => responseHeaderModifier ?? [])
  return {
    ...{ backend, status: 500, weight },
    ...(request.length > 0 ? { requestFields: fieldChanges(request) } : {}),
    ...(response.length > 0 ? { responseFields: fieldChanges(response) } : {}),
    ...sendingAt(filters, place),
  }
}

/** Answers everything itself, without a backend. */
export const failing = (status: number): readonly Target[] => [{ backend: undefined, status, weight: 1 }]

/** The targets of a rule. Where nothing has any weight the answer is 500, as it is for the share of what is invalid. */
export const compileBackends = (world: GatewayWorld, namespace: string, refs: readonly HttpBackendRef[]): Shares => {
  const found = refs.map((ref) => ({
    ref,
    resolved: resolveBackend(world, namespace, ref),
    unsupported: strangeFilters(ref),
  }))
  const chosen = found
    .filter(({ ref }) => ref.weight !== 0)
    .map(({ ref, resolved, unsupported }) => {
      const backend = 'backend' in resolved && unsupported.length === 0 ? resolved.backend : undefined
      const own = unsupported.length === 0 ? ref : { ...ref, filters: [] }
      return { backend, targetAt: (place: Place) => targetAt(own, backend?.key, place) }
    })
  const backends = new Map(chosen.flatMap(({ backend }) => (backend ? [[backend.key, backend]] : [])))
  return {
    targetsAt: (place) => (chosen.length === 0 ? failing(500) : chosen.map(({ targetAt }) => targetAt(place))),
    backends: [...backends.values()],
    unresolved: found.flatMap(({ resolved }) => ('problem' in resolved ? [resolved.problem] : [])),
    unsupported: found.flatMap(({ unsupported }) => unsupported),
  }
}
