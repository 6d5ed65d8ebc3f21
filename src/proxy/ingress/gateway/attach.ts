/** Which listeners a route is attached to, and for which hosts. */
import { matchLabelSelector } from '../../../api/selectors.ts'
import type { HTTPRoute, ParentReference } from '../../../api/types/index.ts'
import { intersection } from './hostnames.ts'
import type { ListenerState } from './listeners.ts'
import { type GatewayWorld, gatewayGroup, type Problem } from './model.ts'

export interface Attachment {
  readonly state: ListenerState
  /** What route and listener have in common. */
  readonly hostnames: readonly string[]
}

/** Of one parentRef. */
export interface Parent {
  readonly ref: ParentReference
  readonly attachments: readonly Attachment[]
  /** Why there are none. */
  readonly refused: Problem | undefined
}

/** `namespace/name` of the Gateway that a parentRef means; undefined when it means something else. */
export const gatewayOf = (namespace: string, ref: ParentReference): string | undefined => {
  const { group = gatewayGroup, kind = 'Gateway', name } = ref
  return group === gatewayGroup && kind === 'Gateway' ? `${ref.namespace ?? namespace}/${name}` : undefined
}

const allowsNamespace = (world: GatewayWorld, { gateway, listener }: ListenerState, namespace: string): boolean => {
  const { from = 'Same', selector } = listener.allowedRoutes?.namespaces ?? {}
  switch (from) {
    case 'All':
      return true
    case 'Same':
      return gateway.metadata.namespace === namespace
    case 'Selector':
      return matchLabelSelector(selector)(world.namespaceLabels(namespace))
    case 'None':
      return false
  }
}

const isMeant = ({ listener }: ListenerState, { sectionName, port }: ParentReference): boolean =>
  (sectionName === undefined || sectionName === listener.name) && (port === undefined || port === listener.port)

const sharedHostnames = ({ hostname }: ListenerState, route: HTTPRoute): readonly string[] => {
  const wanted = route.spec?.hostnames?.length ? route.spec.hostnames : ['']
  return [...new Set(wanted.flatMap((each) => intersection(hostname, each.toLowerCase()) ?? []))]
}

const refusals = {
  NoMatchingParent: 'the Gateway has no listener with this name and port',
  NotAllowedByListeners: 'no listener allows routes of this kind and namespace',
  NoReadyListeners: 'the listeners themselves are not accepted',
  NoMatchingListenerHostname: 'no listener shares a hostname with the route',
} as const

/** Attaches a route to the listeners that a parentRef means, `states` being those of its Gateway. */
export const attach = (
  world: GatewayWorld,
  route: HTTPRoute,
  ref: ParentReference,
  states: readonly ListenerState[],
): Parent => {
  const refuse = (reason: keyof typeof refusals): Parent => ({
    ...{ ref, attachments: [] },
    refused: { reason, message: refusals[reason] },
  })
  const meant = states.filter((state) => isMeant(state, ref))
  if (meant.length === 0) return refuse('NoMatchingParent')
  const namespace = route.metadata.namespace ?? ''
  const allowing = meant.filter((state) => state.kinds.length > 0 && allowsNamespace(world, state, namespace))
  if (allowing.length === 0) return refuse('NotAllowedByListeners')
  const accepted = allowing.filter(({ refused }) => refused === undefined)
  if (accepted.length === 0) return refuse('NoReadyListeners')
  const attachments = accepted
    .map((state) => ({ state, hostnames: sharedHostnames(state, route) }))
    .filter(({ hostnames }) => hostnames.length > 0)
  return attachments.length === 0 ? refuse('NoMatchingListenerHostname') : { ref, attachments, refused: undefined }
}
