/** What becomes of the listeners of Gateways: which are served, which are refused, and why. */
import type { Gateway, GatewayListener, GatewayObjectReference, RouteGroupKind } from '../../../api/types/index.ts'
import { type FrontendClients, frontendOf } from './frontend.ts'
import { type GatewayWorld, gatewayGroup, type Problem } from './model.ts'
import { meet, type Place } from './places.ts'
import { referred } from './references.ts'

export interface ListenerState {
  readonly gateway: Gateway
  readonly place: Place
  readonly listener: GatewayListener
  /** Small letters, empty for every host. */
  readonly hostname: string
  readonly tls: boolean
  /** The kinds of routes that may be attached. */
  readonly kinds: readonly RouteGroupKind[]
  /** Secrets (`namespace/name`) with a certificate to serve. */
  readonly certificates: readonly string[]
  /** What clients must show. */
  readonly clients: FrontendClients | undefined
  /** Why it is not accepted. */
  readonly refused: Problem | undefined
  readonly conflict: Problem | undefined
  readonly unresolved: Problem | undefined
  /** Accepted, with everything it needs. */
  readonly served: boolean
}

const httpRoute: RouteGroupKind = { group: gatewayGroup, kind: 'HTTPRoute' }
const protocols = ['HTTP', 'HTTPS']

const isSupported = ({ protocol }: GatewayListener): boolean => protocols.includes(protocol)

const hostnameOf = ({ hostname }: GatewayListener): string => (hostname ?? '').toLowerCase()

const isHttpRoute = ({ group = gatewayGroup, kind }: RouteGroupKind): boolean =>
  group === httpRoute.group && kind === httpRoute.kind

/** Two listeners of a Gateway that cannot be told apart: neither of them is served. */
const conflictOf = (listener: GatewayListener, all: readonly GatewayListener[]): Problem | undefined => {
  const others = all.filter((each) => each !== listener && isSupported(each) && each.port === listener.port)
  const names = (some: readonly GatewayListener[]) => some.map(({ name }) => name).join(', ')
  const speaking = others.filter(({ protocol }) => protocol !== listener.protocol)
  if (speaking.length > 0)
    return { reason: 'ProtocolConflict', message: `port ${listener.port} has another protocol in ${names(speaking)}` }
  const same = others.filter((each) => hostnameOf(each) === hostnameOf(listener))
  return same.length > 0
    ? { reason: 'HostnameConflict', message: `port ${listener.port} has the same hostname in ${names(same)}` }
    : undefined
}

const certificateOf = (
  world: GatewayWorld,
  namespace: string,
  ref: GatewayObjectReference,
): { readonly secret: string } | { readonly problem: Problem } => {
  const found = referred(world, namespace, ref, { kind: 'Secret', reason: 'InvalidCertificateRef' })
  if ('problem' in found) return found
  const state = world.secret(found.key)
  if (state === 'ok') return { secret: found.key }
  const what = state === 'missing' ? 'does not exist' : 'holds no certificate with its key'
  return { problem: { reason: 'InvalidCertificateRef', message: `Secret ${found.key} ${what}` } }
}

const certificatesOf = (world: GatewayWorld, namespace: string, { protocol, tls }: GatewayListener) => {
  if (protocol !== 'HTTPS') return { certificates: [], problem: undefined }
  const refs = tls?.certificateRefs ?? []
  const none = { reason: 'InvalidCertificateRef', message: 'the listener names no certificate' }
  if (refs.length === 0) return { certificates: [], problem: none }
  const found = refs.map((ref) => certificateOf(world, namespace, ref))
  return {
    certificates: found.flatMap((each) => ('secret' in each ? [each.secret] : [])),
    problem: found.flatMap((each) => ('problem' in each ? [each.problem] : []))[0],
  }
}

const kindsOf = (listener: GatewayListener) => {
  if (!isSupported(listener)) return { kinds: [], problem: undefined }
  const wanted = listener.allowedRoutes?.kinds ?? []
  const strange = wanted.filter((kind) => !isHttpRoute(kind)).map(({ kind }) => kind)
  return {
    kinds: wanted.length === 0 || wanted.some(isHttpRoute) ? [httpRoute] : [],
    problem:
      strange.length === 0
        ? undefined
        : { reason: 'InvalidRouteKinds', message: `routes of kind ${strange.join(', ')} cannot be attached` },
  }
}

const invalid = (message: string): Problem => ({ reason: 'Invalid', message })

/** An accepted listener has its port, and its hostname there, for itself wherever its Gateway is served. */
interface Claim {
  readonly place: Place
  readonly protocol: string
  readonly hostname: string
  /** Whose it is, for messages. */
  readonly holder: string
}

/** By port. */
type Claims = Map<number, Claim[]>

const advice = 'give them different ports or hostnames, or the cluster a pool of addresses (--load-balancer-cidr)'

/** An older Gateway has what this listener wants. */
const claimedBy = (listener: GatewayListener, place: Place, claims: Claims): Problem | undefined => {
  const { port, protocol } = listener
  const others = (claims.get(port) ?? []).filter((claim) => meet(claim.place, place))
  const speaking = others.find((claim) => claim.protocol !== protocol)
  if (speaking) {
    const message = `port ${port} is ${speaking.protocol} in ${speaking.holder}, which is older: ${advice}`
    return { reason: 'ProtocolConflict', message }
  }
  const same = others.find(({ hostname }) => hostname === hostnameOf(listener))
  return (
    same && {
      reason: 'HostnameConflict',
      message: `${same.holder}, which is older, has the same hostname on port ${port}: ${advice}`,
    }
  )
}

/** Settings that may guard something, and mean nothing here. */
const strangeTls = ({ tls }: GatewayListener): Problem | undefined => {
  if (tls?.frontendValidation !== undefined)
    return { reason: 'UnsupportedValue', message: 'tls.frontendValidation is not known: use spec.tls.frontend' }
  const [option] = Object.keys(tls?.options ?? {})
  return option === undefined
    ? undefined
    : { reason: 'UnsupportedValue', message: `the TLS option ${JSON.stringify(option).slice(0, 200)} is not known` }
}

const refusalOf = (listener: GatewayListener, conflict: Problem | undefined): Problem | undefined => {
  const { protocol, tls } = listener
  if (!isSupported(listener)) return { reason: 'UnsupportedProtocol', message: `protocol ${protocol} is not supported` }
  if (conflict) return invalid(conflict.message)
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough') return invalid('HTTPS listeners terminate TLS')
  return strangeTls(listener)
}

const stateOf = (
  world: GatewayWorld,
  gateway: Gateway,
  place: Place,
  listener: GatewayListener,
  claims: Claims,
): ListenerState => {
  const all = gateway.spec?.listeners ?? []
  const conflict = isSupported(listener) ? (conflictOf(listener, all) ?? claimedBy(listener, place, claims)) : undefined
  const frontend = frontendOf(world, gateway, listener)
  const refused = frontend.refused ?? refusalOf(listener, conflict)
  const { kinds, problem: strangeKinds } = kindsOf(listener)
  const { certificates, problem } = certificatesOf(world, gateway.metadata.namespace ?? '', listener)
  const tls = listener.protocol === 'HTTPS'
  return {
    ...{ gateway, place, listener, hostname: hostnameOf(listener), tls, kinds, certificates, refused, conflict },
    clients: frontend.clients,
    unresolved: strangeKinds ?? problem ?? frontend.unresolved,
    served: refused === undefined && kinds.length > 0 && (!tls || certificates.length > 0),
  }
}

/** The listeners of our Gateways, the oldest Gateway first. */
export const listenerStates = (world: GatewayWorld, gateways: readonly Gateway[]): readonly ListenerState[] => {
  const claims: Claims = new Map()
  return gateways.flatMap((gateway) => {
    const place = world.place(gateway)
    const states = (gateway.spec?.listeners ?? []).map((each) => stateOf(world, gateway, place, each, claims))
    const { namespace = '', name } = gateway.metadata
    for (const { listener, hostname, refused } of states) {
      const { port, protocol } = listener
      if (refused) continue
      const holder = `listener ${listener.name} of Gateway ${namespace}/${name}`
      claims.set(port, [...(claims.get(port) ?? []), { place, protocol, hostname, holder }])
    }
    return states
  })
}
