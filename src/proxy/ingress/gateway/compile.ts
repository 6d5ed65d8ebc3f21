/** Gateways and their routes to what the proxy listens on and serves. Pure. */

import type { BackendKey } from '../policy/backend-key.ts'
import type { BackendRef } from '../routes/model.ts'
import type { RouteRule } from '../routes/rule.ts'
import type { TlsListener } from '../tls/server-tls.ts'
import type { Attachment } from './attach.ts'
import { ownerOf, ruleHost } from './hostnames.ts'
import type { ListenerState } from './listeners.ts'
import type { GatewayWorld } from './model.ts'
import { keyOf, type Resolution, resolveGateways } from './resolve.ts'
import type { CompiledRoute } from './rules.ts'

/** What is served on one port, of one address or of all that the nodes have. */
export interface PortListener {
  /** One that is a Gateway's own; undefined: wherever the proxy listens. */
  readonly address: string | undefined
  readonly port: number
  readonly tls: boolean
  /** `host` as in rules; `secret` is `namespace/name`. Of one host several may be listed, the first is preferred. */
  readonly certificates: readonly { readonly host: string; readonly secret: string }[]
  /** Whose hosts are whose, for connections over TLS. */
  readonly owners: readonly TlsListener[]
  /** Sorted by `order`, then host. */
  readonly rules: readonly RouteRule[]
  /** As hosts of rules: a request for such a host is for its own rules only, never for those of a wider host. */
  readonly sealed: readonly string[]
}

export interface CompiledGateway {
  /** Sorted by address, then port. */
  readonly listeners: readonly PortListener[]
  /** Everything that the rules refer to, sorted by key. */
  readonly backends: readonly BackendRef[]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const sortedHosts = (states: readonly ListenerState[]): readonly string[] =>
  [...new Set(states.map(({ hostname }) => hostname))].filter(Boolean).map(ruleHost).sort()

type Attached = Attachment & { readonly compiled: CompiledRoute }

/** Those of the nodes' addresses that the listener's Gateway names. */
const namedAt = ({ place }: ListenerState): readonly string[] | undefined =>
  place.kind === 'shared' ? place.only : undefined

/** A Gateway that names some of the nodes' addresses is served at no others. */
const onlyAt = (state: ListenerState, rule: RouteRule): RouteRule => {
  const addresses = namedAt(state)
  if (!addresses) return rule
  const { conditions = { headers: [], query: [] } } = rule.route
  return { ...rule, route: { ...rule.route, conditions: { ...conditions, addresses } } }
}

/** A host that belongs to a more specific listener of the port is not served through a wider one. */
const rulesOf = (port: number, accepted: readonly ListenerState[], attached: readonly Attached[]) => {
  const hostnames = new Set(accepted.map(({ hostname }) => hostname))
  const rules = new Map<string, RouteRule>()
  for (const { state, hostnames: shared, compiled } of attached)
    for (const host of shared.filter((each) => ownerOf(hostnames, each) === state.hostname))
      for (const rule of compiled.rulesAt(ruleHost(host), port))
        rules.set(`${rule.order} ${rule.host} ${namedAt(state) ?? ''}`, onlyAt(state, rule))
  return [...rules].sort(([a], [b]) => compare(a, b)).map(([, rule]) => rule)
}

const ownerOfHost = ({ gateway, listener, hostname, clients }: ListenerState): TlsListener => ({
  host: ruleHost(hostname),
  name: `${keyOf(gateway)} ${listener.name}`,
  ...(clients ? { clients } : {}),
})

const portListener = (
  address: string | undefined,
  port: number,
  accepted: readonly ListenerState[],
  attached: readonly Attached[],
): PortListener => ({
  ...{ address, port },
  tls: accepted.some(({ tls }) => tls),
  certificates: accepted.flatMap(({ hostname, certificates }) =>
    certificates.map((secret) => ({ host: ruleHost(hostname), secret })),
  ),
  rules: rulesOf(port, accepted, attached),
  sealed: sortedHosts(accepted),
  owners: accepted.filter(({ tls }) => tls).map(ownerOfHost),
})

/** Whether an address is one of this node's, where Gateways name some. */
type IsLocal = (address: string) => boolean

/** The addresses of its own at which a listener is served; undefined: wherever the proxy listens. */
const doorsOf = ({ place }: ListenerState, isLocal: IsLocal): readonly (string | undefined)[] => {
  if (place.kind === 'own') return place.addresses
  return place.only === undefined || place.only.some(isLocal) ? [undefined] : []
}

interface Door {
  readonly address: string | undefined
  readonly port: number
  readonly states: ListenerState[]
}

/** Accepted listeners by where they are served. Sorted. */
const byDoor = (accepted: readonly ListenerState[], isLocal: IsLocal): readonly Door[] => {
  const doors = new Map<string, Door>()
  for (const state of accepted)
    for (const address of doorsOf(state, isLocal)) {
      const { port } = state.listener
      const id = `${address ?? ''} ${String(port).padStart(5, '0')}`
      const door = doors.get(id) ?? { address, port, states: [] }
      doors.set(id, door)
      door.states.push(state)
    }
  return [...doors].sort(([a], [b]) => compare(a, b)).map(([, door]) => door)
}

/** The part of a resolution that a node serves. */
export const routingOf = ({ gateways, routes }: Resolution, isLocal: IsLocal): CompiledGateway => {
  const accepted = gateways.flatMap(({ listeners }) => listeners.filter(({ refused }) => !refused))
  const attached = routes.flatMap(({ parents, compiled }) =>
    parents.flatMap(({ attachments }) => attachments.map((each) => ({ ...each, compiled }))),
  )
  const served = attached.filter(({ state }) => state.served)
  const byState = Map.groupBy(served, ({ state }) => state)
  const backends = new Map<BackendKey, BackendRef>()
  for (const compiled of new Set(served.map((each) => each.compiled)))
    for (const { key, service, port } of compiled.backends) backends.set(key, { key, service, port })
  return {
    listeners: byDoor(accepted, isLocal)
      .filter(({ states }) => states.some((state) => state.served))
      .map(({ address, port, states }) =>
        portListener(
          address,
          port,
          states,
          states.flatMap((state) => byState.get(state) ?? []),
        ),
      ),
    backends: [...backends.values()].sort((a, b) => compare(a.key, b.key)),
  }
}

/** What the proxy serves in this world. */
export const compileGateways = (world: GatewayWorld, isLocal: IsLocal = () => true): CompiledGateway =>
  routingOf(resolveGateways(world), isLocal)
