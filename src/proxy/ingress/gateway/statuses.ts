/** What the statuses of classes, Gateways and routes should say. Pure. */
import type {
  Condition,
  Gateway,
  GatewayAddress,
  GatewayClass,
  GatewayListenerStatus,
  GatewayStatus,
  HTTPRoute,
  RouteParentStatus,
} from '../../../api/types/index.ts'
import type { Parent } from './attach.ts'
import { settle, together, unless, type WantedCondition } from './conditions.ts'
import { supportedFeatures } from './features.ts'
import { hasInsecureFallback } from './frontend.ts'
import { covers } from './hostnames.ts'
import type { ListenerState } from './listeners.ts'
import { gatewayController, type Problem } from './model.ts'
import { type GatewayState, keyOf, type Resolution, type RouteState } from './resolve.ts'

/** What statuses say beyond the objects themselves. */
export interface Surroundings {
  /** Of the nodes that serve. */
  readonly addresses: readonly string[]
  /** RFC 3339, for conditions that change now. */
  readonly now: string
}

export interface Wanted<T extends { readonly status?: unknown }> {
  readonly object: T
  readonly status: NonNullable<T['status']>
}

export interface GatewayStatuses {
  readonly classes: readonly Wanted<GatewayClass>[]
  readonly gateways: readonly Wanted<Gateway>[]
  /** Also those that were attached once, and no longer are. */
  readonly routes: readonly Wanted<HTTPRoute>[]
}

/** No more fit into a status. */
const mostAddresses = 16
const mostParents = 32

const managedOfListener = ['Accepted', 'Programmed', 'ResolvedRefs', 'Conflicted', 'OverlappingTLSConfig']
const managedOfGateway = ['Accepted', 'Programmed', 'InsecureFrontendValidationMode']
const managedOfRoute = ['Accepted', 'ResolvedRefs', 'PartiallyInvalid']

const generationOf = ({ metadata }: { readonly metadata: { readonly generation?: number } }): number =>
  metadata.generation ?? 0

const overlapOf = (state: ListenerState, all: readonly ListenerState[]): WantedCondition | undefined => {
  const others = all.filter(
    (each) =>
      each !== state &&
      each.tls &&
      each.listener.port === state.listener.port &&
      (covers(each.hostname, state.hostname) || covers(state.hostname, each.hostname)),
  )
  if (!state.tls || others.length === 0) return undefined
  const message = `shares hostnames with ${others.map(({ listener }) => listener.name).join(', ')}`
  return { type: 'OverlappingTLSConfig', holds: true, reason: 'OverlappingHostnames', message }
}

const notServed = (state: ListenerState): Problem | undefined => {
  if (state.served) return undefined
  return { reason: 'Invalid', message: (state.refused ?? state.unresolved)?.message ?? 'it has nothing to serve' }
}

const listenerConditions = (state: ListenerState, all: readonly ListenerState[]): readonly WantedCondition[] => [
  unless(state.refused, 'Accepted'),
  unless(notServed(state), 'Programmed'),
  unless(state.unresolved, 'ResolvedRefs'),
  state.conflict
    ? { type: 'Conflicted', holds: true, ...state.conflict }
    : { type: 'Conflicted', holds: false, reason: 'NoConflicts', message: '' },
  ...[overlapOf(state, all) ?? []].flat(),
]

const addressesOf = ({ place }: GatewayState, nodes: readonly string[]): readonly string[] => {
  if (place.kind === 'own') return place.addresses
  return place.only === undefined ? nodes : place.only.filter((address) => nodes.includes(address))
}

/** What of the addresses cannot be had. Those that can are served. */
const addressProblem = ({ place }: GatewayState, nodes: readonly string[]): Problem | undefined => {
  if (place.problem || place.kind === 'own') return place.problem
  const lost = (place.only ?? []).filter((address) => !nodes.includes(address))
  if (lost.length > 0)
    return { reason: 'AddressNotUsable', message: `no node that is ready has the address ${lost.join(', ')}` }
  return nodes.length > 0 ? undefined : { reason: 'AddressNotAssigned', message: 'no node is ready' }
}

const refusalOf = ({ refused, listeners }: GatewayState): Problem | undefined => {
  if (refused) return refused
  if (listeners.some((state) => !state.refused)) return undefined
  return { reason: 'ListenersNotValid', message: 'none of the listeners is accepted' }
}

const notProgrammed = (state: GatewayState, nodes: readonly string[]): Problem | undefined => {
  const refused = refusalOf(state)
  if (refused) return { reason: 'Invalid', message: refused.message }
  if (!state.listeners.some(({ served }) => served))
    return { reason: 'Invalid', message: 'none of the listeners is served' }
  return addressProblem(state, nodes)
}

const insecure: WantedCondition = {
  ...{ type: 'InsecureFrontendValidationMode', holds: true, reason: 'ConfigurationChanged' },
  message: 'clients come in whose certificate is missing or not good',
}

const gatewayConditions = (state: GatewayState, nodes: readonly string[]): readonly WantedCondition[] => {
  const wrong = state.listeners.filter(({ refused }) => refused).map(({ listener }) => listener.name)
  const accepted = unless(refusalOf(state), 'Accepted', wrong.length > 0 ? 'ListenersNotValid' : 'Accepted')
  const message = accepted.holds && wrong.length > 0 ? `not accepted: listeners ${wrong.join(', ')}` : accepted.message
  return [
    { ...accepted, message },
    unless(notProgrammed(state, nodes), 'Programmed'),
    ...(hasInsecureFallback(state.gateway) ? [insecure] : []),
  ]
}

type AttachedRoutes = ReadonlyMap<ListenerState, number>

const gatewayStatus = (state: GatewayState, attached: AttachedRoutes, { addresses, now }: Surroundings) => {
  const { gateway, listeners } = state
  const moment = { generation: generationOf(gateway), now }
  const before = new Map(gateway.status?.listeners?.map((each) => [each.name, each.conditions]))
  const usable = addressesOf(state, addresses).slice(0, mostAddresses)
  return {
    addresses: usable.map((value): GatewayAddress => ({ type: 'IPAddress', value })),
    conditions: settle(gatewayConditions(state, addresses), gateway.status?.conditions, managedOfGateway, moment),
    listeners: listeners.map((each): GatewayListenerStatus => {
      const { name } = each.listener
      return {
        ...{ name, supportedKinds: each.kinds, attachedRoutes: attached.get(each) ?? 0 },
        conditions: settle(listenerConditions(each, listeners), before.get(name), managedOfListener, moment),
      }
    }),
  } satisfies GatewayStatus
}

/** A route is partially invalid when only some of its rules are beyond this proxy; those answer with 500. */
const routeConditions = ({ refused }: Parent, { compiled }: RouteState): readonly WantedCondition[] => {
  const unsupported = together(compiled.unsupported)
  const isLost = compiled.usable === 0
  return [
    unless(refused ?? (isLost ? unsupported : undefined), 'Accepted'),
    unless(together(compiled.unresolved), 'ResolvedRefs'),
    ...(unsupported && !isLost ? [{ type: 'PartiallyInvalid', holds: true, ...unsupported }] : []),
  ]
}

const refText = (ref: object): string => JSON.stringify(Object.entries(ref).sort(([a], [b]) => (a < b ? -1 : 1)))

const foreignParents = ({ status }: HTTPRoute): readonly RouteParentStatus[] =>
  (status?.parents ?? []).filter(({ controllerName }) => controllerName !== gatewayController)

const conditionsBefore = ({ status }: HTTPRoute, ref: object): readonly Condition[] | undefined =>
  status?.parents.find(
    ({ controllerName, parentRef }) => controllerName === gatewayController && refText(parentRef) === refText(ref),
  )?.conditions

const routeStatus = (state: RouteState, now: string): { readonly parents: readonly RouteParentStatus[] } => {
  const { route, parents } = state
  const moment = { generation: generationOf(route), now }
  const own = parents.map((parent) => ({
    parentRef: parent.ref,
    controllerName: gatewayController,
    conditions: settle(routeConditions(parent, state), conditionsBefore(route, parent.ref), managedOfRoute, moment),
  }))
  const foreign = foreignParents(route)
  return { parents: [...own.slice(0, mostParents - foreign.length), ...foreign] }
}

const countAttached = (routes: readonly RouteState[]): AttachedRoutes => {
  const counts = new Map<ListenerState, number>()
  for (const { parents, compiled } of routes) {
    if (compiled.usable === 0) continue
    const states = new Set(parents.flatMap(({ attachments }) => attachments.map(({ state }) => state)))
    for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return counts
}

const classStatus = ({ object, refused }: Resolution['classes'][number], now: string) => ({
  conditions: settle([unless(refused, 'Accepted')], object.status?.conditions, ['Accepted'], {
    generation: generationOf(object),
    now,
  }),
  supportedFeatures,
})

/** The statuses of everything that is ours, in full. `all` are the routes there are, ours or not. */
export const statusesOf = (
  { classes, gateways, routes }: Resolution,
  all: readonly HTTPRoute[],
  surroundings: Surroundings,
): GatewayStatuses => {
  const { now } = surroundings
  const attached = countAttached(routes)
  const ours = new Set(routes.map(({ route }) => keyOf(route)))
  const left = all.filter(
    (route) =>
      !ours.has(keyOf(route)) && route.status?.parents.some((each) => each.controllerName === gatewayController),
  )
  return {
    classes: classes.map((each) => ({ object: each.object, status: classStatus(each, now) })),
    gateways: gateways.map((state) => ({
      object: state.gateway,
      status: gatewayStatus(state, attached, surroundings),
    })),
    routes: [
      ...routes.map((state) => ({ object: state.route, status: routeStatus(state, now) })),
      ...left.map((route) => ({ object: route, status: { parents: foreignParents(route) } })),
    ],
  }
}
