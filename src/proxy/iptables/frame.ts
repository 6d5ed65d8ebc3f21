/** The chains and jumps that are there whatever Services there are. */

import { rangeMatch } from '../../host/netfilter/address-words.ts'
import type { Jump } from '../../host/netfilter/owned.ts'
import type { PerTable as TablesOf } from '../../host/netfilter/restores.ts'
import { always, type ChainName, comment, type Rule, rule } from '../../host/netfilter/rule.ts'
import type { Chain, TableName } from '../../host/netfilter/tables.ts'
import type { IpAddress } from '../../ip/address.ts'
import { contains } from '../../ip/cidr.ts'
import { askForMasquerade, masqueradeBit, type RuleContext, unmark } from './context.ts'
import { fixedChains } from './names.ts'

/** The tables this room writes to. */
export const proxyTables = ['filter', 'nat'] as const satisfies readonly TableName[]
export type ProxyTable = (typeof proxyTables)[number]

const local = rule`-m addrtype --dst-type LOCAL`

/** When a packet may be meant for a node port: the conditions, any of which will do. */
export const nodePortConditions = (context: RuleContext): readonly Rule[] => {
  if (context.nodePortRanges) return context.nodePortRanges.map((range) => rule`${rangeMatch('-d', range)} ${local}`)
  if (context.family === 'IPv6') return [rule`! -d ::1/128 ${local}`]
  return [context.localhostNodePorts ? local : rule`! -d 127.0.0.0/8 ${local}`]
}

/** Whether connections to cluster addresses must come back through the node, wherever they come from. */
const marksForeign = ({ podRanges, masqueradeAll }: RuleContext): boolean => podRanges.length > 0 || masqueradeAll

/** Marks connections to cluster addresses from elsewhere: one rule for a range instead of one for each Service. */
export const foreignHead = (context: RuleContext): readonly Rule[] =>
  marksForeign(context)
    ? context.serviceRanges.map((range) => rule`${rangeMatch('-d', range)} -j ${fixedChains.foreign}`)
    : []

/** Whether the chain of a cluster address has to ask by itself: no range holds it. */
export const needsForeignRule = (address: IpAddress, context: RuleContext): boolean =>
  marksForeign(context) && !context.serviceRanges.some((range) => contains(range, address))

/** Marks what is not from a pod of this node. */
const foreignChain = (context: RuleContext): Chain => ({
  name: fixedChains.foreign,
  rules: [
    ...(context.masqueradeAll ? [] : context.podRanges.map((range) => rule`${rangeMatch('-s', range)} -j RETURN`)),
    askForMasquerade(context),
  ],
})

const postroutingChain = (context: RuleContext): Chain => {
  const unmarked = rule`-m mark ! --mark ${masqueradeBit(context)}`
  return {
    name: fixedChains.postrouting,
    rules: [
      rule`${unmarked} -m conntrack --ctstate DNAT -j ${fixedChains.hairpin}`,
      rule`${unmarked} -j RETURN`,
      unmark(context),
      rule`-j MASQUERADE --random-fully`,
    ],
  }
}

/** A packet that no connection knows would be sent on without translation back, and its receiver would reset it. */
const guardChain = ({ dropInvalid }: RuleContext): Chain => ({
  name: fixedChains.guard,
  rules: dropInvalid ? [rule`-m conntrack --ctstate INVALID -j DROP`] : [],
})

const acceptChain = (context: RuleContext): Chain => ({
  name: fixedChains.accept,
  rules: [
    rule`-m mark --mark ${masqueradeBit(context)} -j ACCEPT`,
    rule`-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  ],
})

/** route_localnet would let neighbours reach services that listen on loopback only (CVE-2020-8558). */
const localnetChain: Chain = {
  name: fixedChains.localnet,
  rules: [rule`! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`],
}

const hasLocalnet = ({ family, localhostNodePorts }: RuleContext): boolean => family === 'IPv4' && localhostNodePorts

/** Something for each of the tables. */
export type PerTable<T> = TablesOf<ProxyTable, T>

export interface FrameChains {
  /** Chains that lead nowhere. */
  readonly low: PerTable<readonly Chain[]>
  /** Chains that lead to the roots of dispatch trees. */
  readonly high: PerTable<readonly Chain[]>
}

/** The chains between the jumps and the trees, and beside them. */
export const frameChains = (context: RuleContext): FrameChains => ({
  low: {
    nat: [foreignChain(context)],
    filter: [guardChain(context), acceptChain(context), ...(hasLocalnet(context) ? [localnetChain] : [])],
  },
  high: { nat: [postroutingChain(context)], filter: [] },
})

const jump = (table: ProxyTable, from: Jump['from'], to: ChainName, why: string, condition = always): Jump => ({
  table,
  from,
  rule: rule`${condition} ${comment(`podway ${why}`)} -j ${to}`,
  at: 'first',
})

const onlyNew = rule`-m conntrack --ctstate NEW`

/**
 * The ways into our chains. What refuses stands first; what accepts stands last, so that it overrules nobody's refusal
 * but a policy.
 */
export const frameJumps = (context: RuleContext): readonly Jump[] => [
  jump('nat', 'PREROUTING', fixedChains.services, 'services'),
  jump('nat', 'OUTPUT', fixedChains.services, 'services'),
  jump('nat', 'POSTROUTING', fixedChains.postrouting, 'masquerade'),
  jump('filter', 'INPUT', fixedChains.refuse, 'services without endpoints', onlyNew),
  jump('filter', 'FORWARD', fixedChains.refuse, 'services without endpoints', onlyNew),
  jump('filter', 'OUTPUT', fixedChains.refuse, 'services without endpoints', onlyNew),
  jump('filter', 'FORWARD', fixedChains.guard, 'guard'),
  { ...jump('filter', 'FORWARD', fixedChains.accept, 'services'), at: 'last' },
  ...(hasLocalnet(context) ? [jump('filter', 'INPUT', fixedChains.localnet, 'localnet')] : []),
]
