/**
 * The addresses of peers: for each way to name pods those that it names, shared by all policies that name them so, and kept
 * when a pod or a namespace changes. Sets with many addresses have chains of their own.
 */

import type { StringMap } from '../../api/types/index.ts'
import { hostWord, prefixWord, type Side } from '../../host/netfilter/address-words.ts'
import { always, type ChainName, type Rule, rule } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { emptyTree, type Item, insert, remove, type Tree } from '../../host/netfilter/tree.ts'
import { type TreeLayout, treeChains, treeChange } from '../../host/netfilter/tree-chains.ts'
import { type IpFamily, parseAddress } from '../../ip/address.ts'
import type { Direction, PodsPeer } from './model.ts'
import { policyChain } from './names.ts'
import type { NamedPort, PolicyPod } from './pod.ts'
import { allow, otherSide, portMatch, sideMatch } from './words.ts'

/** Pods of a peer, seen from one direction; with a port, only those that have it, and only there. */
export interface SetSpec {
  readonly direction: Direction
  readonly peer: PodsPeer
  readonly port: Pick<NamedPort, 'name' | 'protocol'> | undefined
}

/** An address of a set, as digits and as the match of a rule (`-s 10.1.0.2/32 -p tcp -m tcp --dport 80`). */
export interface Member {
  readonly digits: string
  readonly match: Rule
}

/** A set as it is now; another object when it has changed. */
export interface SetView {
  /** Its chain, which marks what is in the set; written only for sets that are asked for with `inKernel`. */
  readonly chain: ChainName
  readonly members: readonly Member[]
}

interface PeerSet {
  readonly spec: SetSpec
  readonly layout: TreeLayout
  readonly members: Map<string, readonly Member[]>
  view: SetView | undefined
  tree: Tree
  /** As the kernel was told last; undefined: it has no chain there. */
  told: Tree | undefined
}

/** What changed of all sets: chains to write, each after those it leads to, and chains to take away. */
export interface SetChange {
  readonly written: readonly Chain[]
  readonly gone: readonly ChainName[]
}

export interface PeerSets {
  /** The set, which is kept up to date from now on until nobody `keep`s it. */
  view(spec: SetSpec): SetView
  /** A pod as it is now; undefined when it is gone. */
  setPod(key: string, pod: PolicyPod | undefined): void
  /** The labels of a namespace; undefined when it is gone. */
  setNamespace(name: string, labels: StringMap | undefined): void
  /** What changed since the last call, when these sets are used, and those of `inKernel` by their chains. Others are forgotten. */
  takeChange(used: ReadonlySet<string>, inKernel: ReadonlySet<string>): SetChange
  /** All chains of these sets. */
  chainsOf(inKernel: ReadonlySet<string>): readonly Chain[]
}

/** The tree of addresses: how its parts are called, and matched. */
export const addressLabels = (
  family: IpFamily,
  direction: Direction,
  root: ChainName,
  side: Side,
): TreeLayout['labels'] => ({
  chain: (prefix) => policyChain('T', direction, root, prefix),
  match: (prefix) => sideMatch(side, prefixWord(prefix, family)),
})

const noMembers: readonly Member[] = []

const itemOf = (key: string, { digits, match }: Member): Item => ({
  key: digits,
  id: `${key} ${match}`,
  rules: [rule`${match} ${allow}`],
})

export const createPeerSets = (family: IpFamily): PeerSets => {
  const sets = new Map<string, PeerSet>()
  const pods = new Map<string, PolicyPod>()
  const namespaces = new Map<string, StringMap>()
  const keysIn = new Map<string, Set<string>>()

  const isNamed = ({ peer }: SetSpec, pod: PolicyPod): boolean =>
    (peer.namespace === undefined
      ? peer.inNamespace(namespaces.get(pod.namespace))
      : peer.namespace === pod.namespace) && peer.matches(pod.labels)

  const portsOf = ({ port }: SetSpec, pod: PolicyPod): readonly Rule[] => {
    if (port === undefined) return [always]
    return pod.ports
      .filter(({ name, protocol }) => name === port.name && protocol === port.protocol)
      .map(({ protocol, port: number }) => portMatch({ protocol, from: number, to: number }))
  }

  const membersOf = (spec: SetSpec, pod: PolicyPod | undefined): readonly Member[] => {
    if (!pod || pod.addresses.length === 0 || !isNamed(spec, pod)) return noMembers
    const ports = portsOf(spec, pod)
    return pod.addresses.flatMap((address) => {
      const parsed = parseAddress(address, family)
      if (parsed === undefined) return []
      const match = sideMatch(otherSide[spec.direction], hostWord(parsed))
      return ports.map((port) => ({ digits: parsed.digits, match: rule`${match} ${port}` }))
    })
  }

  const isSame = (a: readonly Member[], b: readonly Member[]): boolean =>
    a.length === b.length && a.every(({ match }, at) => match === b[at]?.match)

  const refresh = (set: PeerSet, key: string): void => {
    const before = set.members.get(key) ?? noMembers
    const after = membersOf(set.spec, pods.get(key))
    if (isSame(before, after)) return
    for (const member of before) set.tree = remove(set.tree, itemOf(key, member))
    for (const member of after) set.tree = insert(set.tree, itemOf(key, member))
    if (after.length > 0) set.members.set(key, after)
    else set.members.delete(key)
    set.view = undefined
  }

  const chainOf = ({ direction, peer, port }: SetSpec): ChainName =>
    policyChain('S', direction, peer.id, port ? `${port.protocol} ${port.name}` : '')

  const find = (spec: SetSpec): PeerSet => {
    const root = chainOf(spec)
    const known = sets.get(root)
    if (known) return known
    const labels = addressLabels(family, spec.direction, root, otherSide[spec.direction])
    const layout = { root, labels, head: [], tail: [] }
    const set: PeerSet = { spec, layout, members: new Map(), view: undefined, tree: emptyTree, told: undefined }
    sets.set(root, set)
    const keys = spec.peer.namespace === undefined ? pods.keys() : (keysIn.get(spec.peer.namespace) ?? [])
    for (const key of keys) refresh(set, key)
    return set
  }

  return {
    view: (spec) => {
      const set = find(spec)
      set.view ??= { chain: set.layout.root, members: [...set.members.values()].flat() }
      return set.view
    },
    setPod: (key, pod) => {
      const namespace = pod?.namespace ?? pods.get(key)?.namespace ?? ''
      if (pod) {
        pods.set(key, pod)
        keysIn.set(namespace, (keysIn.get(namespace) ?? new Set()).add(key))
      } else {
        pods.delete(key)
        keysIn.get(namespace)?.delete(key)
      }
      for (const set of sets.values()) refresh(set, key)
    },
    setNamespace: (name, labels) => {
      if (labels) namespaces.set(name, labels)
      else namespaces.delete(name)
      for (const set of sets.values())
        if (set.spec.peer.namespace === undefined) for (const key of keysIn.get(name) ?? []) refresh(set, key)
    },
    takeChange: (used, inKernel) => {
      const written: Chain[] = []
      const gone: ChainName[] = []
      for (const [root, set] of sets) {
        const { told, tree, layout } = set
        if (!used.has(root)) sets.delete(root)
        if (inKernel.has(root)) {
          const change = told ? treeChange(told, tree, layout) : { written: treeChains(tree, layout), gone: [] }
          written.push(...change.written)
          gone.push(...change.gone)
          set.told = tree
        } else if (told) {
          gone.push(...treeChains(told, layout).map(({ name }) => name))
          set.told = undefined
        }
      }
      return { written, gone }
    },
    chainsOf: (inKernel) =>
      [...sets].flatMap(([root, { tree, layout }]) => (inKernel.has(root) ? treeChains(tree, layout) : [])),
  }
}
