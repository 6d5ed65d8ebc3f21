/** Who belongs to whom: classes of ours, their Gateways, the listeners of those and the routes attached to them. */
import type { Gateway, GatewayClass, HTTPRoute, KubeObject } from '../../../api/types/index.ts'
import { attach, gatewayOf, type Parent } from './attach.ts'
import { type ListenerState, listenerStates } from './listeners.ts'
import { type GatewayWorld, gatewayController, type Problem } from './model.ts'
import type { Place } from './places.ts'
import { type CompiledRoute, compileRoute, unreadableRoute } from './rules.ts'

export interface GatewayState {
  readonly gateway: Gateway
  readonly place: Place
  readonly listeners: readonly ListenerState[]
  /** Why none of its listeners is served. */
  readonly refused: Problem | undefined
}

export interface RouteState {
  readonly route: HTTPRoute
  readonly parents: readonly Parent[]
  readonly compiled: CompiledRoute
}

export interface Resolution {
  readonly classes: readonly { readonly object: GatewayClass; readonly refused: Problem | undefined }[]
  /** The oldest first. */
  readonly gateways: readonly GatewayState[]
  /** Those with a parent among `gateways`, the oldest first. */
  readonly routes: readonly RouteState[]
}

/** `namespace/name`. */
export const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`

/** The oldest first, then by `namespace/name`. */
const byAge = (a: KubeObject, b: KubeObject): number => {
  const [from, to] = [a, b].map((each) => `${each.metadata.creationTimestamp ?? ''} ${keyOf(each)}`) as [string, string]
  return from < to ? -1 : from > to ? 1 : 0
}

const classRefusal = ({ spec }: GatewayClass): Problem | undefined =>
  spec?.parametersRef ? { reason: 'InvalidParameters', message: 'this controller takes no parameters' } : undefined

const gatewayRefusal = ({ spec }: Gateway): Problem | undefined => {
  if (spec?.infrastructure?.parametersRef)
    return { reason: 'InvalidParameters', message: 'this controller takes no parameters' }
  const strange = (spec?.addresses ?? []).find(({ type = 'IPAddress' }) => type !== 'IPAddress')
  return strange && { reason: 'UnsupportedAddress', message: `addresses of type ${strange.type} are not supported` }
}

const classesOf = (all: readonly GatewayClass[]): Resolution['classes'] =>
  all
    .filter(({ spec }) => spec?.controllerName === gatewayController)
    .map((object) => ({ object, refused: classRefusal(object) }))

/** The Gateways of classes that are ours, the oldest first. */
export const ownGateways = ({ classes, gateways }: Pick<GatewayWorld, 'classes' | 'gateways'>): readonly Gateway[] => {
  const usable = new Set(
    classesOf(classes)
      .filter(({ refused }) => !refused)
      .map(({ object }) => object.metadata.name),
  )
  return gateways.filter(({ spec }) => usable.has(spec?.gatewayClassName ?? '')).sort(byAge)
}

/** Answers every question that routing and statuses share. Pure. */
export const resolveGateways = (world: GatewayWorld): Resolution => {
  const classes = classesOf(world.classes)
  const ours = ownGateways(world)
  const refusals = new Map(ours.map((gateway) => [gateway, gatewayRefusal(gateway)]))
  const states = Map.groupBy(
    listenerStates(
      world,
      ours.filter((gateway) => !refusals.get(gateway)),
    ),
    (state) => keyOf(state.gateway),
  )
  const gateways = ours.map((gateway) => ({
    gateway,
    place: world.place(gateway),
    listeners: states.get(keyOf(gateway)) ?? [],
    refused: refusals.get(gateway),
  }))
  const known = new Map(gateways.map((state) => [keyOf(state.gateway), state.listeners]))

  const parentsOf = (route: HTTPRoute): readonly Parent[] =>
    (route.spec?.parentRefs ?? []).flatMap((ref) => {
      const listeners = known.get(gatewayOf(route.metadata.namespace ?? '', ref) ?? '')
      return listeners ? [attach(world, route, ref, listeners)] : []
    })

  /** One that cannot be read is not served; all others are. */
  const compileAlone = (route: HTTPRoute): CompiledRoute => {
    try {
      return compileRoute(world, route)
    } catch (error) {
      return unreadableRoute(error)
    }
  }
  const routes = [...world.routes].sort(byAge).flatMap((route) => {
    const parents = parentsOf(route)
    return parents.length === 0 ? [] : [{ route, parents, compiled: compileAlone(route) }]
  })
  return { classes, gateways, routes }
}
