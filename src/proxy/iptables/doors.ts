/** The addresses and ports under which clients know a service port, and who may come in by each. */

import { hostWord, rangeMatch } from '../../host/netfilter/address-words.ts'
import { type ChainName, comment, type Rule, rule, toPorts } from '../../host/netfilter/rule.ts'
import type { IpAddress, IpFamily } from '../../ip/address.ts'
import { type Cidr, hostRange } from '../../ip/cidr.ts'
import { type Entry, portKey } from './dispatch.ts'
import type { ServicePortView } from './model.ts'

export interface Door {
  readonly kind: 'cluster' | 'external' | 'loadBalancer' | 'nodePort'
  /** Where the dispatch trees file it. */
  readonly key: string
  readonly match: Rule
  /** Undefined for everybody. */
  readonly sources: readonly Cidr[] | undefined
}

/** The conditions of a packet to the service port at one of its addresses. */
export const addressMatch = (view: ServicePortView, address: IpAddress): Rule =>
  rule`-d ${hostWord(address)} ${toPorts(view.protocol, view.port)}`

/** Who may come in by a load balancer's address. */
const sourcesOf = ({ sourceRanges, admitsNode }: ServicePortView, address: IpAddress): readonly Cidr[] | undefined => {
  const own = admitsNode ? hostRange(address) : undefined
  return own && sourceRanges ? [...sourceRanges, own] : sourceRanges
}

/** All ways to the service port. */
export const doorsOf = (view: ServicePortView): readonly Door[] => {
  const at = (kind: Door['kind'], address: IpAddress, sources?: readonly Cidr[]): Door => {
    return { kind, key: address.digits, match: addressMatch(view, address), sources }
  }
  const doors = [
    at('cluster', view.clusterIP),
    ...view.externalIPs.map((address) => at('external', address)),
    ...view.loadBalancerIPs.map((address) => at('loadBalancer', address, sourcesOf(view, address))),
  ]
  const { nodePort, protocol } = view
  if (nodePort === undefined) return doors
  const match = toPorts(protocol, nodePort)
  return [...doors, { kind: 'nodePort', key: portKey(protocol, nodePort), match, sources: undefined }]
}

/** One rule for everybody, or one for each range of sources. */
const through = ({ match, sources }: Door, end: Rule): readonly Rule[] =>
  sources === undefined
    ? [rule`${match} ${end}`]
    : sources.map((range) => rule`${rangeMatch('-s', range)} ${match} ${end}`)

/** Lets connections by this door go to `chain`. */
export const admission = (view: ServicePortView, door: Door, chain: ChainName): Entry => ({
  tree: door.kind === 'nodePort' ? 'nodePorts' : 'services',
  item: {
    key: door.key,
    id: `${view.key} ${door.kind}`,
    rules: through(door, rule`${comment(view.key)} -j ${chain}`),
  },
})

/** The answer of a closed port. ICMP would not do for TCP: the kernel sends only so many a second. */
const reject = ({ protocol }: ServicePortView, family: IpFamily): Rule => {
  if (protocol === 'tcp') return rule`-j REJECT --reject-with tcp-reset`
  return family === 'IPv4'
    ? rule`-j REJECT --reject-with icmp-port-unreachable`
    : rule`-j REJECT --reject-with icmp6-port-unreachable`
}

/** Why a door is shut: nobody serves anywhere, or only other nodes do, and the traffic policy forbids those. */
export type Shut = 'no endpoints' | 'no local endpoints'

/**
 * Turns connections away that found no endpoint: refused when there is none at all, dropped when other nodes have some
 * (a load balancer shall try those), and dropped when the source is none of the door's. Undefined when nobody is.
 */
export const refusal = (
  view: ServicePortView,
  door: Door,
  shut: Shut | undefined,
  family: IpFamily,
): Entry | undefined => {
  const end = shut === 'no endpoints' ? reject(view, family) : rule`-j DROP`
  const rules = [
    ...(shut === undefined ? [] : through(door, rule`${comment(`${view.key} has ${shut}`)} ${end}`)),
    ...(door.sources === undefined
      ? []
      : [rule`${door.match} ${comment(`${view.key} is not for this source`)} -j DROP`]),
  ]
  if (rules.length === 0) return undefined
  const tree = door.kind === 'nodePort' ? 'refuseNodePorts' : 'refuse'
  return { tree, item: { key: door.key, id: `${view.key} ${door.kind}`, rules } }
}
