/** Ingresses to the table that serves them, without anything around. */
import type { Ingress } from '../../src/api/types/index.ts'
import type { BackendKey } from '../../src/proxy/ingress/policy/backend-key.ts'
import { emptyTable, type RouteTable, setHost } from '../../src/proxy/ingress/routes/match.ts'
import { createRouting, type RouteProblem, type Routing } from '../../src/proxy/ingress/routes/routing.ts'
import { createFedInformer } from './fed-informer.ts'
import { byService, ingressClass } from './ingress-objects.ts'

export interface Compiled {
  readonly table: RouteTable
  readonly backends: ReadonlyMap<BackendKey, unknown>
  readonly problems: readonly RouteProblem[]
}

/** All of them are ours to serve. */
export const routingOf = (ingresses: readonly Ingress[]): Routing => {
  const routing = createRouting({
    ingresses: createFedInformer(ingresses),
    classes: createFedInformer([ingressClass('podway', undefined, true)]),
    services: createFedInformer([]),
    slices: createFedInformer([], { service: byService }),
  })
  routing.readIngresses()
  routing.flush()
  return routing
}

export const compiledTable = (ingresses: readonly Ingress[], entry = 'http'): Compiled => {
  const routing = routingOf(ingresses)
  const { tables, fallback, backends } = routing.state()
  const table = emptyTable()
  for (const { hosts } of tables.filter((each) => each.entry === entry))
    for (const [host, paths] of hosts) setHost(table, host, paths)
  table.fallback = fallback?.route
  return { table, backends: new Map(backends), problems: routing.problems() }
}
