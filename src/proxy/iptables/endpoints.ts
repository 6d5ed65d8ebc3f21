/** The endpoints of a service port, gathered from the EndpointSlices of its Service. */

import type { EndpointSlice, Protocol, ServicePort } from '../../api/types/index.ts'
import { isPort, type RuleProtocol } from '../../host/netfilter/rule.ts'
import { type IpAddress, type IpFamily, parseAddress } from '../../ip/address.ts'
import type { ReservedPorts } from './reserved.ts'

/** One place to send a connection to. */
export interface EndpointView {
  readonly address: IpAddress
  readonly port: number
  /** On this node. */
  readonly local: boolean
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  /** Whether it is meant for this node, and for this node's zone. */
  readonly forNode: Hint
  readonly forZone: Hint
}

/** `none`: nobody said for whom the endpoint is. */
export type Hint = 'none' | 'here' | 'elsewhere'

/** What the model must know of the node. */
export interface ModelContext {
  readonly family: IpFamily
  readonly nodeName: string
  /** The zone that the node is labelled with. */
  readonly zone: string | undefined
  /** Of the family; undefined when unknown. */
  readonly nodeAddress: string | undefined
  /** Whether Services that do not say otherwise are relayed by a process. */
  readonly relayed: boolean
  /** Only Services labelled for the proxy of this name; undefined: only those labelled for none. */
  readonly proxyName: string | undefined
  /** What nodes serve themselves. */
  readonly reserved: ReservedPorts
}

/** Takes down what was left out because it made no sense. */
export type Tell = (problem: string) => void

export type ProtocolName = RuleProtocol

const protocols: ReadonlyMap<Protocol, ProtocolName> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
])

/** Undefined for a protocol that Kubernetes does not have. */
export const protocolOf = (port: { readonly protocol?: Protocol }): ProtocolName | undefined =>
  protocols.get(port.protocol ?? 'TCP')

const otherFamily = (family: IpFamily): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4')

/** `text` read for this family; undefined when it belongs to the other one, or to none: only that is told. */
export const readFor = <T>(
  text: string,
  family: IpFamily,
  parse: (text: string, family: IpFamily) => T | undefined,
  tell: Tell,
): T | undefined => {
  const found = parse(text, family)
  if (found === undefined && parse(text, otherFamily(family)) === undefined) tell(`"${text}" makes no sense`)
  return found
}

/** The addresses of this family among `texts`, canonical, each once, in their order. */
export const addressesOf = (texts: readonly string[], family: IpFamily, tell: Tell): readonly IpAddress[] => {
  const found = texts.map((text) => readFor(text, family, parseAddress, tell))
  const addresses = found.filter((address) => address !== undefined)
  return addresses.length < 2 ? addresses : [...new Map(addresses.map((address) => [address.text, address])).values()]
}

/** While an endpoint moves between two slices both may name it: it is there if either says so. */
const merge = (a: EndpointView, b: EndpointView): EndpointView => ({
  ...a,
  local: a.local || b.local,
  ready: a.ready || b.ready,
  serving: a.serving || b.serving,
  terminating: a.terminating && b.terminating,
})

const hintOf = (names: readonly { readonly name: string }[] = [], ours: string | undefined): Hint => {
  if (names.length === 0) return 'none'
  return names.some(({ name }) => name === ours) ? 'here' : 'elsewhere'
}

const viewsOf = (slice: EndpointSlice, port: ServicePort, context: ModelContext, tell: Tell): EndpointView[] => {
  const wanted = (slice.ports ?? []).find(
    (one) => (one.name ?? '') === (port.name ?? '') && protocolOf(one) === protocolOf(port),
  )
  const number = wanted?.port
  if (!isPort(number)) return []
  return (slice.endpoints ?? []).flatMap(({ addresses, conditions = {}, nodeName, hints = {} }) => {
    const { ready = true, serving = true, terminating = false } = conditions
    const local = nodeName === context.nodeName
    const [address] = addressesOf(addresses.slice(0, 1), context.family, tell)
    if (address === undefined) return []
    const forNode = hintOf(hints.forNodes, context.nodeName)
    const forZone = hintOf(hints.forZones, context.zone)
    return [{ address, port: number, local, ready, serving, terminating, forNode, forZone }]
  })
}

/** All endpoints of one port of a Service, in any condition, sorted, each address and port once. */
export const endpointsOf = (
  port: ServicePort,
  slices: readonly EndpointSlice[],
  context: ModelContext,
  tell: Tell,
): readonly EndpointView[] => {
  const found = new Map<string, EndpointView>()
  for (const slice of slices) {
    if (slice.addressType !== context.family) continue
    for (const view of viewsOf(slice, port, context, tell)) {
      const id = `${view.address.text} ${view.port}`
      const known = found.get(id)
      found.set(id, known ? merge(known, view) : view)
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view)
}
