/** Gateways and their routes to what the proxy listens on and serves. Pure. */
import type { BackendKey, BackendRef } from '../routes/model.ts'
import type { RouteRule } from '../routes/rule.ts'
import type { TlsListener } from '../tls/server-tls.ts'
import type { Attachment } from './attach.ts'
import { ownerOf, ruleHost } from './hostnames.ts'
import type { ListenerState } from './listeners.ts'
import type { GatewayWorld } from './model.ts'
import { keyOf, type Resolution, resolveGateways } from './resolve.ts'
import type { CompiledRoute } from './rules.ts'

/** What is served on one port. */
export interface PortListener {
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
  /** Sorted by port. */
  readonly listeners: readonly PortListener[]
  /** Everything that the rules refer to, sorted by key. */
  readonly backends: readonly BackendRef[]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const sortedHosts = (states: readonly ListenerState[]): readonly string[] =>
  [...new Set(states.map(({ hostname }) => hostname))].filter(Boolean).map(ruleHost).sort()

type Attached = Attachment & { readonly compiled: CompiledRoute }

/** A host that belongs to a more specific listener of the port is not served through a wider one. */
const rulesOf = (port: number, accepted: readonly ListenerState[], attached: readonly Attached[]) => {
  const hostnames = new Set(accepted.map(({ hostname }) => hostname))
  const rules = new Map<string, RouteRule>()
  for (const { state, hostnames: shared, compiled } of attached)
    for (const host of shared.filter((each) => ownerOf(hostnames, each) === state.hostname))
      for (const rule of compiled.rulesAt(ruleHost(host), port)) rules.set(`${rule.order} ${rule.host}`, rule)
  return [...rules].sort(([a], [b]) => compare(a, b)).map(([, rule]) => rule)
}

const ownerOfHost = ({ gateway, listener, hostname, clients }: ListenerState): TlsListener => ({
  host: ruleHost(hostname),
  name: `${keyOf(gateway)} ${listener.name}`,
  ...(clients ? { clients } : {}),
})

const portListener = (
  port: number,
  accepted: readonly ListenerState[],
  attached: readonly Attached[],
): PortListener => ({
  port,
  tls: accepted.some(({ tls }) => tls),
  certificates: accepted.flatMap(({ hostname, certificates }) =>
    certificates.map((secret) => ({ host: ruleHost(hostname), secret })),
  ),
  rules: rulesOf(
    port,
    accepted,
    attached.filter(({ state }) => state.served && state.listener.port === port),
  ),
  sealed: sortedHosts(accepted),
  owners: accepted.filter(({ tls }) => tls).map(ownerOfHost),
})

/** The part of a resolution that is served. */
export const routingOf = ({ gateways, routes }: Resolution): CompiledGateway => {
  const accepted = gateways.flatMap(({ listeners }) => listeners.filter(({ refused }) => !refused))
  const byPort = Map.groupBy(accepted, ({ listener }) => listener.port)
  const attached = routes.flatMap(({ parents, compiled }) =>
    parents.flatMap(({ attachments }) => attachments.map((each) => ({ ...each, compiled }))),
  )
  const served = new Set(attached.filter(({ state }) => state.served).map(({ compiled }) => compiled))
  const backends = new Map<BackendKey, BackendRef>()
  for (const { backends: refs } of served)
    for (const { key, service, port } of refs) backends.set(key, { key, service, port })
  return {
    listeners: [...byPort]
      .sort(([a], [b]) => a - b)
      .filter(([, states]) => states.some(({ served }) => served))
      .map(([port, states]) => portListener(port, states, attached)),
    backends: [...backends.values()].sort((a, b) => compare(a.key, b.key)),
  }
}

/** What the proxy serves in this world. */
export const compileGateways = (world: GatewayWorld): CompiledGateway => routingOf(resolveGateways(world))
