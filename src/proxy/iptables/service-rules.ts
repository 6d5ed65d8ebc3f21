/** The chains of one service port and the entries that lead to them. Pure: a function of the view and the context. */

import { hostWord, rangeMatch } from '../../host/netfilter/address-words.ts'
import { type ChainName, comment, ports, protocolWord, type Rule, rule, toPorts } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { contains } from '../../ip/cidr.ts'
import type { Portal } from '../relays.ts'
import { askForMasquerade, type RuleContext } from './context.ts'
import { type Entry, portKey } from './dispatch.ts'
import { addressMatch, admission, type Door, doorsOf, refusal, type Shut } from './doors.ts'
import { affinityChains, createSet, type EndpointSet, setChains } from './endpoint-chains.ts'
import type { EndpointView } from './endpoints.ts'
import { needsForeignRule } from './frame.ts'
import type { ServicePortView } from './model.ts'
import { fixedChains, hashedChain } from './names.ts'
import { chooseEndpoints, isExternal } from './policy.ts'

/** All that one service port puts into the kernel. The chains are of table nat, each after those it leads to. */
export interface PortRules {
  readonly chains: readonly Chain[]
  readonly entries: readonly Entry[]
}

/** The endpoint sets of a service port, and which of them serves whom. */
interface Sets {
  readonly cluster: EndpointSet
  readonly local: EndpointSet
  /** For connections to the cluster address. */
  readonly internal: EndpointSet
  /** For connections from outside the cluster. */
  readonly external: EndpointSet
}

const setsOf = (view: ServicePortView): Sets => {
  const choice = chooseEndpoints(view.endpoints)
  const cluster = createSet(view, 'SVC', choice.cluster)
  const local = createSet(view, 'SVL', choice.local)
  return {
    cluster,
    local,
    internal: view.internalPolicy === 'Local' ? local : cluster,
    external: view.externalPolicy === 'Local' ? local : cluster,
  }
}

const isEmpty = ({ endpoints }: EndpointSet): boolean => endpoints.length === 0

/** The sets that some traffic can reach; pods and the node reach all endpoints of a port that has a way in. */
const reachableSets = (view: ServicePortView, { cluster, internal, external }: Sets): readonly EndpointSet[] =>
  [...new Set(isExternal(view) ? [cluster, internal, external] : [internal])].filter((set) => !isEmpty(set))

/** Connections to the cluster address that come from elsewhere than this node's pods must come back through the node. */
const foreignRules = (view: ServicePortView, context: RuleContext): readonly Rule[] =>
  needsForeignRule(view.clusterIP, context)
    ? [rule`${addressMatch(view, view.clusterIP)} -j ${fixedChains.foreign}`]
    : []

const externalChainName = ({ key }: ServicePortView): ChainName => hashedChain('EXT', key)

/**
 * The chain for connections from outside the cluster. Under policy Local, pods and the node itself are not outside: they
 * reach any endpoint, as if a load balancer had sent them back in.
 */
const externalChain = (view: ServicePortView, { cluster, local }: Sets, context: RuleContext): Chain => {
  const name = externalChainName(view)
  const toCluster = rule`-j ${cluster.chain}`
  if (view.externalPolicy === 'Cluster') return { name, rules: [askForMasquerade(context), toCluster] }
  const fromNode = rule`-m addrtype --src-type LOCAL`
  const rules = [
    ...context.podRanges.map((range) => rule`${rangeMatch('-s', range)} ${toCluster}`),
    rule`${fromNode} ${askForMasquerade(context)}`,
    rule`${fromNode} ${toCluster}`,
    ...(isEmpty(local) ? [] : [rule`-j ${local.chain}`]),
  ]
  return { name, rules }
}

/** Lets pods of this node reach themselves: an answer to its own address would never come back through the node. */
const hairpin = (view: ServicePortView, { address, local }: EndpointView, context: RuleContext): readonly Entry[] => {
  if (!local && !context.podRanges.some((range) => contains(range, address))) return []
  const host = hostWord(address)
  const rules = [rule`-s ${host} -d ${host} -j MASQUERADE --random-fully`]
  return [{ tree: 'hairpin', item: { key: address.digits, id: view.key, rules } }]
}

const doorEntries = (view: ServicePortView, door: Door, sets: Sets, context: RuleContext): readonly Entry[] => {
  const isServed = !isEmpty(sets.cluster)
  const used = door.kind === 'cluster' ? sets.internal : sets.external
  const shut: Shut | undefined = !isEmpty(used) ? undefined : isServed ? 'no local endpoints' : 'no endpoints'
  const refused = refusal(view, door, shut, context.family)
  const entries = refused ? [refused] : []
  if (door.kind === 'cluster' ? isEmpty(used) : !isServed) return entries
  const chain = door.kind === 'cluster' ? used.chain : externalChainName(view)
  return [...entries, admission(view, door, chain)]
}

/** The endpoint sets of a relayed service port that some traffic can reach. */
export const portalsOf = (view: ServicePortView): readonly Portal[] => {
  const { protocol, balancing, affinitySeconds } = view
  if (!view.relayed || protocol === 'sctp') return []
  return reachableSets(view, setsOf(view)).map((set) => ({
    ...{ id: set.chain, protocol, balancing, affinitySeconds },
    endpoints: set.endpoints.map(({ address, port }) => ({ address: address.text, port })),
  }))
}

/** To the relay on this node, for connections from anywhere: it answers for the endpoints. */
const relayChain = (view: ServicePortView, set: EndpointSet, port: number): Chain => ({
  name: set.chain,
  rules: [rule`-p ${protocolWord(view.protocol)} -j REDIRECT --to-ports ${ports(port)}`],
})

/** Keeps others from the relay's own port: they shall come by the Service. */
const relayGuard = (view: ServicePortView, port: number): Entry => ({
  tree: 'refuseNodePorts',
  item: {
    key: portKey(view.protocol, port),
    id: `${view.key} relay`,
    rules: [
      rule`${toPorts(view.protocol, port)} -m conntrack ! --ctstate DNAT ${comment(`${view.key} is relayed here`)} -j DROP`,
    ],
  },
})

/** Compiles one service port. `relays`: the ports of relays by portal; what is missing there the kernel translates. */
export const compilePort = (
  view: ServicePortView,
  context: RuleContext,
  relays: ReadonlyMap<string, number> = new Map(),
): PortRules => {
  const sets = setsOf(view)
  const reachable = reachableSets(view, sets)
  const relayOf = (set: EndpointSet): number | undefined => (relays.size === 0 ? undefined : relays.get(set.chain))
  const translated = reachable.filter((set) => relayOf(set) === undefined)
  const endpoints = [...new Set(translated.flatMap((set) => set.endpoints))]
  const first = (set: EndpointSet) => (set === sets.internal ? foreignRules(view, context) : [])
  const chains = [
    ...affinityChains(view, endpoints, context.family),
    ...reachable.flatMap((set) => {
      const port = relayOf(set)
      return port === undefined ? setChains(view, set, first(set), context.family) : [relayChain(view, set, port)]
    }),
    ...(isExternal(view) && !isEmpty(sets.cluster) ? [externalChain(view, sets, context)] : []),
  ]
  const entries = [
    ...doorsOf(view).flatMap((door) => doorEntries(view, door, sets, context)),
    ...endpoints.flatMap((endpoint) => hairpin(view, endpoint, context)),
    ...reachable.flatMap((set) => {
      const port = relayOf(set)
      return port === undefined ? [] : [relayGuard(view, port)]
    }),
  ]
  return { chains, entries }
}
