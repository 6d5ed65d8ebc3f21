/** Which endpoints of a service port get traffic: those that are ready, and what to do when none is. */
import type { EndpointView } from './endpoints.ts'
import type { ServicePortView } from './model.ts'

export interface Choice {
  /** For traffic under policy Cluster. */
  readonly cluster: readonly EndpointView[]
  /** For traffic under policy Local. */
  readonly local: readonly EndpointView[]
}

/** Ready ones; when there are none, those that still serve while they go away (KEP-1669). */
const usable = (endpoints: readonly EndpointView[]): readonly EndpointView[] => {
  const ready = endpoints.filter((endpoint) => endpoint.ready)
  return ready.length > 0 ? ready : endpoints.filter(({ serving, terminating }) => serving && terminating)
}

/**
 * Decided for each policy by itself: a node whose only endpoint goes away goes on using it for Local traffic although
 * others are ready elsewhere. Whenever `local` has an endpoint, `cluster` has one.
 */
export const chooseEndpoints = (endpoints: readonly EndpointView[]): Choice => ({
  cluster: usable(endpoints),
  local: usable(endpoints.filter(({ local }) => local)),
})

/** Whether anything but its cluster address leads to the port. */
export const isExternal = (view: ServicePortView): boolean =>
  view.nodePort !== undefined || view.externalIPs.length > 0 || view.loadBalancerIPs.length > 0
