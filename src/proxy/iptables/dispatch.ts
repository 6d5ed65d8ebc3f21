/** Which trees there are, where they live, and how their parts are called. */

import { prefixWord } from '../../host/netfilter/address-words.ts'
import { type ChainName, ports as portWord, protocolWord, type Rule, rule, toPorts } from '../../host/netfilter/rule.ts'
import { emptyTree, type Item, insert, remove, type Tree } from '../../host/netfilter/tree.ts'
import type { Labels, TreeLayout } from '../../host/netfilter/tree-chains.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { ProtocolName } from './endpoints.ts'
import type { ProxyTable } from './frame.ts'
import { type ChainFamily, fixedChains, hashedChain, spelledChain } from './names.ts'

/**
 * What each tree finds: Services and refusals by address or node port, and pods that may reach themselves. Each comes
 * after the one its root leads to.
 */
export const treeNames = ['nodePorts', 'services', 'hairpin', 'refuseNodePorts', 'refuse'] as const
export type TreeName = (typeof treeNames)[number]

/** An item and the tree it belongs to. */
export interface Entry {
  readonly tree: TreeName
  readonly item: Item
}

export type Trees = Readonly<Record<TreeName, Tree>>

export const noTrees: Trees = {
  nodePorts: emptyTree,
  services: emptyTree,
  hairpin: emptyTree,
  refuseNodePorts: emptyTree,
  refuse: emptyTree,
}

/** The trees after some entries went and others came. */
export const moveEntries = (trees: Trees, gone: readonly Entry[], come: readonly Entry[]): Trees => {
  const next = { ...trees }
  for (const { tree, item } of gone) next[tree] = remove(next[tree], item)
  for (const { tree, item } of come) next[tree] = insert(next[tree], item)
  return next
}

const portDigits = 4

/** The key of a node port: a letter for the protocol, then the port in hexadecimal. */
export const portKey = (protocol: ProtocolName, port: number): string =>
  `${protocol[0]}${port.toString(16).padStart(portDigits, '0')}`

const protocolsByLetter: Readonly<Record<string, ProtocolName>> = { t: 'tcp', u: 'udp', s: 'sctp' }

interface PortRange {
  readonly protocol: ProtocolName
  /** Missing: all ports. */
  readonly range?: readonly [first: number, last: number]
}

/** `tcp` and 30208 to 30463 for all keys that start with `t76`. */
const portRange = (prefix: string): PortRange => {
  const protocol = protocolsByLetter[prefix[0] ?? '']
  if (protocol === undefined) throw new Error(`the tree of ports has no part "${prefix}"`)
  const digits = prefix.slice(1)
  const first = Number.parseInt(digits.padEnd(portDigits, '0'), 16)
  const last = Number.parseInt(digits.padEnd(portDigits, 'f'), 16)
  return digits === '' ? { protocol } : { protocol, range: [first, last] }
}

const addressLabels = (family: IpFamily, chainFamily: ChainFamily): Labels => ({
  chain: (prefix) =>
    family === 'IPv4' ? spelledChain(chainFamily, prefixWord(prefix, family)) : hashedChain(chainFamily, prefix),
  match: (prefix) => rule`-d ${prefixWord(prefix, family)}`,
})

const portLabels: Labels = {
  chain: (prefix) => {
    const { protocol, range } = portRange(prefix)
    return spelledChain('PORT', range === undefined ? protocol : `${protocol}-${portWord(...range)}`)
  },
  match: (prefix) => {
    const { protocol, range } = portRange(prefix)
    return range === undefined ? rule`-p ${protocolWord(protocol)}` : toPorts(protocol, ...range)
  },
}

/** Where a tree lives, and in which table. */
export interface ServiceTreeLayout extends TreeLayout {
  readonly table: ProxyTable
}

export type Layouts = Readonly<Record<TreeName, ServiceTreeLayout>>

/**
 * The layout of all trees. `toNodePorts` are the conditions under which the node port trees are looked at, `first` what
 * every new connection meets before it is led to its Service.
 */
export const layoutTrees = (family: IpFamily, toNodePorts: readonly Rule[], first: readonly Rule[]): Layouts => {
  const byAddress = addressLabels(family, 'IP')
  const tail = (chain: ChainName) => toNodePorts.map((condition) => rule`${condition} -j ${chain}`)
  return {
    services: {
      ...{ table: 'nat', root: fixedChains.services, labels: byAddress },
      ...{ head: first, tail: tail(fixedChains.nodePorts) },
    },
    nodePorts: { table: 'nat', root: fixedChains.nodePorts, labels: portLabels, head: [], tail: [] },
    hairpin: { table: 'nat', root: fixedChains.hairpin, labels: addressLabels(family, 'HP'), head: [], tail: [] },
    refuse: {
      ...{ table: 'filter', root: fixedChains.refuse, labels: byAddress },
      ...{ head: [], tail: tail(fixedChains.refuseNodePorts) },
    },
    refuseNodePorts: { table: 'filter', root: fixedChains.refuseNodePorts, labels: portLabels, head: [], tail: [] },
  }
}
