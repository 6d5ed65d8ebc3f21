/** Trees as chains: a packet that enters the root meets a few rules at each level instead of one for every Service. */
import type { IpFamily } from '../../host/netfilter/netfilter.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { formatPrefix } from './address.ts'
import type { ProtocolName } from './endpoints.ts'
import type { ProxyTable } from './frame.ts'
import { type ChainFamily, fixedChains, hashedChain, spelledChain } from './names.ts'
import { type Branch, emptyTree, type Item, insert, remove, type Tree } from './tree.ts'

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

/** `tcp` and `30208:30463` for all keys that start with `t76`. */
const portRange = (prefix: string): { readonly protocol: string; readonly ports: string | undefined } => {
  const digits = prefix.slice(1)
  const first = Number.parseInt(digits.padEnd(portDigits, '0'), 16)
  const last = Number.parseInt(digits.padEnd(portDigits, 'f'), 16)
  const ports = digits === '' ? undefined : first === last ? `${first}` : `${first}:${last}`
  return { protocol: protocolsByLetter[prefix[0] ?? ''] ?? '', ports }
}

/** How one kind of prefix is named and matched. */
interface Labels {
  chain(prefix: string): string
  match(prefix: string): string
}

const addressLabels = (family: IpFamily, chainFamily: ChainFamily): Labels => ({
  chain: (prefix) =>
    family === 'IPv4' ? spelledChain(chainFamily, formatPrefix(prefix, family)) : hashedChain(chainFamily, prefix),
  match: (prefix) => `-d ${formatPrefix(prefix, family)}`,
})

const portLabels: Labels = {
  chain: (prefix) => {
    const { protocol, ports } = portRange(prefix)
    return spelledChain('PORT', ports === undefined ? protocol : `${protocol}-${ports}`)
  },
  match: (prefix) => {
    const { protocol, ports } = portRange(prefix)
    return ports === undefined ? `-p ${protocol}` : `-p ${protocol} -m ${protocol} --dport ${ports}`
  },
}

/** Where a tree lives in the kernel. */
export interface TreeLayout {
  readonly table: ProxyTable
  readonly root: string
  readonly labels: Labels
  /** Rules of the root chain before and after those of the tree. */
  readonly head: readonly string[]
  readonly tail: readonly string[]
}

export type Layouts = Readonly<Record<TreeName, TreeLayout>>

/**
 * The layout of all trees. `toNodePorts` are the conditions under which the node port trees are looked at, `first` what
 * every new connection meets before it is led to its Service.
 */
export const layoutTrees = (family: IpFamily, toNodePorts: readonly string[], first: readonly string[]): Layouts => {
  const byAddress = addressLabels(family, 'IP')
  const tail = (chain: string) => toNodePorts.map((condition) => `${condition} -j ${chain}`)
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

const chainName = ({ prefix }: Tree, { root, labels }: TreeLayout): string =>
  prefix === '' ? root : labels.chain(prefix)

const branchRules = ({ children }: Branch, layout: TreeLayout): readonly string[] =>
  children.map((child) => `${layout.labels.match(child.prefix)} -j ${chainName(child, layout)}`)

/** The chain of one node of the tree. Items with the same rule (a pod in two Services) share it. */
const chainOf = (tree: Tree, layout: TreeLayout): Chain => {
  const own = tree.kind === 'leaf' ? tree.items.flatMap(({ rules }) => rules) : branchRules(tree, layout)
  const { head, tail } = tree.prefix === '' ? layout : { head: [], tail: [] }
  return { name: chainName(tree, layout), rules: [...new Set([...head, ...own, ...tail])] }
}

/** All chains of a tree, each after those it leads to; the root is last. */
export const treeChains = (tree: Tree, layout: TreeLayout): readonly Chain[] => [
  ...(tree.kind === 'branch' ? tree.children.flatMap((child) => treeChains(child, layout)) : []),
  chainOf(tree, layout),
]

/** The nodes of `tree` that are not nodes of `other`, each after those below it. */
const nodesOnlyIn = (tree: Tree, other: Tree | undefined): readonly Tree[] => {
  if (tree === other) return []
  if (tree.kind === 'leaf') return [tree]
  const others = other?.kind === 'branch' ? other.children : []
  const below = tree.children.flatMap((child) =>
    nodesOnlyIn(
      child,
      others.find(({ prefix }) => prefix === child.prefix),
    ),
  )
  return [...below, tree]
}

export interface TreeChange {
  /** New or rewritten chains, each after those it leads to. */
  readonly written: readonly Chain[]
  readonly gone: readonly string[]
}

/** What to do to the chains of `before` to get those of `after`; costs what changed, not what is there. */
export const treeChange = (before: Tree, after: Tree, layout: TreeLayout): TreeChange => {
  const written = nodesOnlyIn(after, before).map((tree) => chainOf(tree, layout))
  const names = new Set(written.map(({ name }) => name))
  const gone = nodesOnlyIn(before, after).map((tree) => chainName(tree, layout))
  return { written, gone: gone.filter((name) => !names.has(name)) }
}
