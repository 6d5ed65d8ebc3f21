/** NetworkPolicies as this room uses them: read once, checked, with selectors that can be asked. Pure. */

import { type LabelMatcher, matchLabelSelector } from '../../api/selectors.ts'
import type {
  IPBlock,
  LabelSelector,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Protocol,
} from '../../api/types/index.ts'
import type { IpFamily } from '../../ip/address.ts'
import { type Cidr, parseMaskedCidr } from '../../ip/cidr.ts'

export type Direction = 'ingress' | 'egress'

/** From 0 to 65535 is the whole protocol. */
export type PolicyPort =
  | { readonly protocol: Protocol; readonly from: number; readonly to: number }
  | { readonly protocol: Protocol; readonly name: string }

/** Pods that it names, wherever they are. `id` is the same for peers that name the same pods for the same reason. */
export interface PodsPeer {
  readonly kind: 'pods'
  readonly id: string
  /** Undefined: in every namespace that `inNamespace` accepts. */
  readonly namespace: string | undefined
  readonly inNamespace: LabelMatcher
  readonly matches: LabelMatcher
}

export interface BlockPeer {
  readonly kind: 'block'
  readonly family: IpFamily
  readonly cidr: Cidr
  readonly except: readonly Cidr[]
}

export type PolicyPeer = PodsPeer | BlockPeer

export interface PolicyRule {
  /** Undefined: all ports of all protocols. */
  readonly ports: readonly PolicyPort[] | undefined
  /** Undefined: everybody. */
  readonly peers: readonly PolicyPeer[] | undefined
}

export interface Policy {
  /** `namespace/name`. */
  readonly key: string
  readonly namespace: string
  readonly selects: LabelMatcher
  /** What it allows in a direction; undefined: it says nothing about that one. */
  readonly ingress: readonly PolicyRule[] | undefined
  readonly egress: readonly PolicyRule[] | undefined
  /** What could not be read, and allows nothing. */
  readonly problems: readonly string[]
}

/** A selector as text that is the same for selectors that say the same in the same order. */
const idOf = (selector: LabelSelector | undefined): string =>
  selector === undefined
    ? ''
    : JSON.stringify([
        Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
        (selector.matchExpressions ?? []).map(({ key, operator, values }) => [key, operator, values ?? []]),
      ])

const everything: LabelMatcher = () => true

const podsPeer = (own: string, { podSelector, namespaceSelector }: NetworkPolicyPeer): PodsPeer => ({
  kind: 'pods',
  id: `${namespaceSelector ? '' : own} ${idOf(namespaceSelector)} ${idOf(podSelector)}`,
  namespace: namespaceSelector ? undefined : own,
  inNamespace: namespaceSelector ? matchLabelSelector(namespaceSelector) : everything,
  matches: podSelector ? matchLabelSelector(podSelector) : everything,
})

const blockPeer = ({ cidr: text, except = [] }: IPBlock): BlockPeer | string => {
  const cidr = parseMaskedCidr(text)
  const parts = except.map((each) => parseMaskedCidr(each, cidr?.family))
  if (!cidr || parts.includes(undefined)) return `the block ${[text, ...except].join(' except ')} cannot be read`
  return { kind: 'block', family: cidr.family, cidr, except: parts.filter((part) => part !== undefined) }
}

const protocols: ReadonlySet<string> = new Set<Protocol>(['TCP', 'UDP', 'SCTP'])

/** Ports that make no sense allow nothing: the rest of the rule stands. */
const toPort = ({ protocol = 'TCP', port, endPort }: NetworkPolicyPort): PolicyPort | string => {
  if (!protocols.has(protocol)) return `unknown protocol ${JSON.stringify(protocol)}`
  if (port === undefined) return { protocol, from: 0, to: 65_535 }
  if (typeof port === 'string') return { protocol, name: port }
  const to = endPort ?? port
  const isRange = Number.isInteger(port) && Number.isInteger(to) && port >= 1 && to >= port && to <= 65_535
  return isRange ? { protocol, from: port, to } : `there are no ports ${port} to ${to}`
}

/** A kind of peer that we do not know has none of the fields that we do: it is nobody. */
const toPeer = (own: string, peer: NetworkPolicyPeer): PolicyPeer | string => {
  if (peer.ipBlock) return blockPeer(peer.ipBlock)
  return peer.podSelector || peer.namespaceSelector ? podsPeer(own, peer) : 'a peer names neither pods nor a block'
}

interface RawRule {
  readonly ports?: readonly NetworkPolicyPort[]
  readonly peers: readonly NetworkPolicyPeer[] | undefined
}

const toRule = (own: string, { ports = [], peers = [] }: RawRule, problems: string[]): PolicyRule => {
  const readPorts = ports.map(toPort)
  const readPeers = peers.map((peer) => toPeer(own, peer))
  problems.push(...[...readPorts, ...readPeers].filter((each) => typeof each === 'string'))
  return {
    ports: ports.length === 0 ? undefined : readPorts.filter((port) => typeof port !== 'string'),
    peers: peers.length === 0 ? undefined : readPeers.filter((peer) => typeof peer !== 'string'),
  }
}

const readWhole = ({ metadata, spec }: NetworkPolicy): Policy => {
  const { name, namespace = '' } = metadata
  const { podSelector = {}, policyTypes = [], ingress = [], egress = [] } = spec ?? {}
  const types = policyTypes.length > 0 ? policyTypes : egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
  const problems: string[] = []
  const rules = (list: readonly RawRule[]) => list.map((rule) => toRule(namespace, rule, problems))
  return {
    key: `${namespace}/${name}`,
    namespace,
    selects: matchLabelSelector(podSelector),
    ingress: types.includes('Ingress')
      ? rules(ingress.map(({ ports, from }) => ({ ...(ports ? { ports } : {}), peers: from })))
      : undefined,
    egress: types.includes('Egress')
      ? rules(egress.map(({ ports, to }) => ({ ...(ports ? { ports } : {}), peers: to })))
      : undefined,
    problems,
  }
}

/** A policy of which nothing is known but where it is: it forbids all pods of its namespace everything. */
const closed = (key: string, namespace: string, problem: string): Policy => ({
  ...{ key, namespace, selects: everything, ingress: [], egress: [] },
  problems: [`${problem}: all pods of namespace ${namespace} are isolated`],
})

/** The policy of an object; what it leaves out is filled in as the API server would. One that cannot be read forbids. */
export const readPolicy = (object: NetworkPolicy): Policy => {
  try {
    return readWhole(object)
  } catch (error) {
    const { name, namespace = '' } = object.metadata
    return closed(`${namespace}/${name}`, namespace, `cannot be read (${String(error)})`)
  }
}
