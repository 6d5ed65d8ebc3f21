/** Which endpoints of a service port get traffic: those that are ready, and what to do when none is. */
import type { EndpointView } from './endpoints.ts'
import type { ServicePortView } from './model.ts'

export interface Choice {
  /** For traffic under policy Cluster. */
  readonly cluster: readonly EndpointView[]
  /** For traffic under policy Local. */
  readonly local: readonly EndpointView[]
}

/**
 * Those meant for this node, else those meant for its zone. A hint counts only when all have one and some are for us:
 * anything else may be a moment of change, and all of them serve.
 */
const near = (ready: readonly EndpointView[]): readonly EndpointView[] => {
  for (const hint of ['forNode', 'forZone'] as const) {
    const ours = ready.filter((endpoint) => endpoint[hint] === 'here')
    if (ours.length > 0 && ready.every((endpoint) => endpoint[hint] !== 'none')) return ours
  }
  return ready
}

/** Ready ones; when there are none, those that still serve while they go away (KEP-1669). */
const usable = (endpoints: readonly EndpointView[], choose = near): readonly EndpointView[] => {
  const ready = endpoints.filter((endpoint) => endpoint.ready)
  return ready.length > 0 ? choose(ready) : endpoints.filter(({ serving, terminating }) => serving && terminating)
}

/**
 * Policy Local has no use for hints. Decided for each policy by itself: a node whose only endpoint goes away goes on using it for Local traffic although
 * others are ready elsewhere. Whenever `local` has an endpoint, `cluster` has one.
 */
export const chooseEndpoints = (endpoints: readonly EndpointView[]): Choice => ({
  cluster: usable(endpoints),
  local: usable(
    endpoints.filter(({ local }) => local),
    (ready) => ready,
  ),
})

/** Connections to the cluster address, and those by any other way. */
export type PolicySide = 'internal' | 'external'

/** Where policy Local turns connections away that others of the cluster could serve. */
export const sidesWithoutLocal = (view: ServicePortView): readonly PolicySide[] => {
  const { cluster, local } = chooseEndpoints(view.endpoints)
  if (cluster.length === 0 || local.length > 0) return []
  return [
    ...(view.internalPolicy === 'Local' ? (['internal'] as const) : []),
    ...(view.externalPolicy === 'Local' && isExternal(view) ? (['external'] as const) : []),
  ]
}

/** Whether anything but its cluster address leads to the port. */
export const isExternal = (view: ServicePortView): boolean =>
  view.nodePort !== undefined || view.externalIPs.length > 0 || view.loadBalancerIPs.length > 0
