/** Keeps the route table and the endpoints behind it up to date with the local copies of the API's objects. */
import type { Informer } from '../../../api/informer.ts'
import type { EndpointSlice, Ingress, IngressClass, Service } from '../../../api/types/index.ts'
import { type CompiledRoutes, compileRoutes, type RouteProblem } from './compile.ts'
import { type BackendEndpoints, type Endpoint, resolveEndpoints, sameEndpoints } from './endpoints.ts'
import { emptyTable, type RouteTable } from './match.ts'
import { type BackendKey, type BackendRef, classView, ingressView, isServed } from './model.ts'

export interface RoutingSources {
  readonly ingresses: Informer<Ingress>
  readonly classes: Informer<IngressClass>
  readonly services: Informer<Service>
  /** With an index `service` by the `namespace/name` of the Service. */
  readonly slices: Informer<EndpointSlice>
}

export interface RoutingState {
  readonly table: RouteTable
  readonly backends: BackendEndpoints
  readonly problems: readonly RouteProblem[]
}

export interface Routing {
  /** Compiles everything anew. */
  rebuild(): RoutingState
  /** Looks at the endpoints of these Services again; returns the backends that differ from before. */
  refresh(services: Iterable<string>): BackendEndpoints
  /** The outcome of all that was done so far. */
  state(): RoutingState
}

export const createRouting = ({ ingresses, classes, services, slices }: RoutingSources): Routing => {
  let compiled: CompiledRoutes = { table: emptyTable, backends: new Map(), problems: [] }
  let byService: ReadonlyMap<string, readonly BackendRef[]> = new Map()
  let endpoints = new Map<BackendKey, readonly Endpoint[]>()

  const resolve = (ref: BackendRef): readonly Endpoint[] =>
    resolveEndpoints(ref, services.get(ref.service), slices.by('service', ref.service))

  const state = (): RoutingState => ({
    table: compiled.table,
    backends: [...endpoints],
    problems: compiled.problems,
  })

  const rebuild = (): RoutingState => {
    const known = new Map([...classes.entries()].map(([name, each]) => [name, classView(each)]))
    const views = [...ingresses.values()].map(ingressView)
    compiled = compileRoutes(views.filter((view) => isServed(view, known)))
    const refs = [...compiled.backends.values()]
    byService = Map.groupBy(refs, (ref) => ref.service)
    endpoints = new Map(refs.map((ref) => [ref.key, resolve(ref)]))
    return state()
  }

  const refresh = (changed: Iterable<string>): BackendEndpoints => {
    const updates: [BackendKey, readonly Endpoint[]][] = []
    for (const ref of [...changed].flatMap((service) => byService.get(service) ?? [])) {
      const now = resolve(ref)
      if (sameEndpoints(now, endpoints.get(ref.key) ?? [])) continue
      endpoints.set(ref.key, now)
      updates.push([ref.key, now])
    }
    return updates
  }

  return { rebuild, refresh, state }
}
