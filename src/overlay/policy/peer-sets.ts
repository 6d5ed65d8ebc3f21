/**
 * The addresses of peers: for each way to name pods a tree of those it names, shared by all policies that name them so.
 * A change of one pod touches one leaf of the trees that it is in.
 */
import type { StringMap } from '../../api/types/index.ts'
import { formatPrefix, parseAddress } from '../../host/netfilter/address.ts'
import type { IpFamily } from '../../host/netfilter/netfilter.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { emptyTree, type Item, insert, remove, type Tree } from '../../host/netfilter/tree.ts'
import { type TreeLayout, treeChains, treeChange } from '../../host/netfilter/tree-chains.ts'
import type { Direction, PodsPeer } from './model.ts'
import { policyChain } from './names.ts'
import type { NamedPort, PolicyPod } from './pod.ts'
import { allow, hostBits, otherSide, portMatch } from './words.ts'

/** Pods of a peer, seen from one direction; with a port, only those that have it, and only there. */
export interface SetSpec {
  readonly direction: Direction
  readonly peer: PodsPeer
  readonly port: Pick<NamedPort, 'name' | 'protocol'> | undefined
}

interface PeerSet {
  readonly spec: SetSpec
  readonly layout: TreeLayout
  readonly members: Map<string, readonly Item[]>
  tree: Tree
  /** As the kernel was told last; undefined: never. */
  told: Tree | undefined
}

/** What changed of all sets: chains to write, each after those it leads to, and chains to take away. */
export interface SetChange {
  readonly written: readonly Chain[]
  readonly gone: readonly string[]
}

export interface PeerSets {
  /** The chain of a set, which exists from now on until nobody `keep`s it. */
  chainOf(spec: SetSpec): string
  /** A pod as it is now; undefined when it is gone. */
  setPod(key: string, pod: PolicyPod | undefined): void
  /** The labels of a namespace; undefined when it is gone. */
  setNamespace(name: string, labels: StringMap | undefined): void
  /** Forgets all sets but those of these chains. */
  keep(chains: ReadonlySet<string>): void
  takeChange(): SetChange
  /** All chains there shall be. */
  all(): readonly Chain[]
}

export const noItems: readonly Item[] = []

/** The tree of a pods' addresses: how its parts are called, and matched. */
export const addressLayout = (family: IpFamily, direction: Direction, root: string, side: '-s' | '-d'): TreeLayout => ({
  root,
  head: [],
  tail: [],
  labels: {
    chain: (prefix) => policyChain('T', direction, root, prefix),
    match: (prefix) => `${side} ${formatPrefix(prefix, family)}`,
  },
})

export const createPeerSets = (family: IpFamily): PeerSets => {
  const sets = new Map<string, PeerSet>()
  const pods = new Map<string, PolicyPod>()
  const namespaces = new Map<string, StringMap>()
  const keysIn = new Map<string, Set<string>>()
  const dirty = new Set<PeerSet>()
  const gone: string[] = []

  const isNamed = ({ peer }: SetSpec, pod: PolicyPod): boolean =>
    (peer.namespace === undefined
      ? peer.inNamespace(namespaces.get(pod.namespace))
      : peer.namespace === pod.namespace) && peer.matches(pod.labels)

  const portsOf = ({ port }: SetSpec, pod: PolicyPod): readonly string[] => {
    if (port === undefined) return ['']
    return pod.ports
      .filter(({ name, protocol }) => name === port.name && protocol === port.protocol)
      .map(({ protocol, port: number }) => portMatch({ protocol, from: number, to: number }))
  }

  const itemsOf = (spec: SetSpec, key: string, pod: PolicyPod | undefined): readonly Item[] => {
    if (!pod || pod.addresses.length === 0 || !isNamed(spec, pod)) return noItems
    const ports = portsOf(spec, pod)
    return pod.addresses.flatMap((address) => {
      const digits = parseAddress(address, family)
      if (digits === undefined || ports.length === 0) return []
      const match = `${otherSide[spec.direction]} ${address}/${hostBits[family]}`
      return [{ key: digits, id: key, rules: ports.map((port) => `${match} ${port}${allow}`) }]
    })
  }

  const refresh = (set: PeerSet, key: string): void => {
    const before = set.members.get(key) ?? noItems
    const after = itemsOf(set.spec, key, pods.get(key))
    if (JSON.stringify(before) === JSON.stringify(after)) return
    for (const item of before) set.tree = remove(set.tree, item)
    for (const item of after) set.tree = insert(set.tree, item)
    if (after.length > 0) set.members.set(key, after)
    else set.members.delete(key)
    dirty.add(set)
  }

  return {
    chainOf: (spec) => {
      const { direction, peer, port } = spec
      const root = policyChain('S', direction, peer.id, port ? `${port.protocol} ${port.name}` : '')
      if (sets.has(root)) return root
      const layout = addressLayout(family, direction, root, otherSide[direction])
      const set: PeerSet = { spec, layout, members: new Map(), tree: emptyTree, told: undefined }
      sets.set(root, set)
      dirty.add(set)
      const keys = peer.namespace === undefined ? pods.keys() : (keysIn.get(peer.namespace) ?? [])
      for (const key of keys) refresh(set, key)
      return root
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
    keep: (chains) => {
      for (const [root, set] of sets) {
        if (chains.has(root)) continue
        if (set.told) gone.push(...treeChains(set.told, set.layout).map(({ name }) => name))
        dirty.delete(set)
        sets.delete(root)
      }
    },
    takeChange: () => {
      const written: Chain[] = []
      const left = gone.splice(0)
      for (const set of dirty) {
        const change = set.told ? treeChange(set.told, set.tree, set.layout) : undefined
        written.push(...(change?.written ?? treeChains(set.tree, set.layout)))
        left.push(...(change?.gone ?? []))
        set.told = set.tree
      }
      dirty.clear()
      return { written, gone: left }
    },
    all: () => [...sets.values()].flatMap(({ tree, layout }) => treeChains(tree, layout)),
  }
}
