/**
 * Network policies as chains (networking.k8s.io/v1), kept so that a change costs what changed. A new connection is led by
 * its pod's address to the pod's group, the policies that apply to it. What they allow comes back to the rules of the other
 * direction; all else is dropped. A pod that policies apply to is in a group in both directions.
 */

import type { StringMap } from '../../api/types/index.ts'
import { hostWord, rangeMatch } from '../../host/netfilter/address-words.ts'
import type { ChainChange } from '../../host/netfilter/kernel-chains.ts'
import type { Jump } from '../../host/netfilter/owned.ts'
import { type ChainName, count, type Rule, rule } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { emptyTree, type Item, insert, remove, type Tree } from '../../host/netfilter/tree.ts'
import { type TreeLayout, treeChains, treeChange } from '../../host/netfilter/tree-chains.ts'
import { type IpFamily, parseAddress } from '../../ip/address.ts'
import { cidrsIn } from '../../ip/cidr.ts'
import { compileGroup, type Group, type GroupChains, isNamedPort } from './group-chains.ts'
import type { Direction, Policy } from './model.ts'
import { policyChain, policyChains } from './names.ts'
import { addressLabels, createPeerSets, type SetView } from './peer-sets.ts'
import type { NamedPort, PolicyPod } from './pod.ts'
import { forgetAllowed, ownSide, sideMatch } from './words.ts'

export type PolicyTable = 'mangle'
export const policyTables = ['mangle'] as const

export interface PolicyContext {
  readonly family: IpFamily
  readonly nodeName: string
  /** This node's pods, of either family. */
  readonly podCIDRs: readonly string[]
}

export interface PolicyChains {
  setPod(key: string, pod: PolicyPod | undefined): void
  setNamespace(name: string, labels: StringMap | undefined): void
  setPolicy(key: string, policy: Policy | undefined): void
  /** What the calls since the last one change. */
  takeChange(): ChainChange<PolicyTable>
  /** Every chain there shall be, each after those it leads to. */
  all(): { readonly mangle: readonly Chain[] }
  groups(): readonly Group[]
  /** Pods of this node that may be allowed less than at the last call, as far as `takeChange` has told of it. */
  takeNarrowed(): ReadonlySet<string>
}

const directions = ['egress', 'ingress'] as const satisfies readonly Direction[]

/** Router and neighbour solicitations, and advertisements: without them a pod finds nobody, whatever it may reach (RFC 4861). */
const neighbourDiscovery: Readonly<Record<IpFamily, readonly Rule[]>> = {
  IPv4: [],
  IPv6: [133, 135, 136].map((type) => rule`-p ipv6-icmp -m icmp6 --icmpv6-type ${count(type)} -j RETURN`),
}

/** The chains that are there whatever the policies are. */
const frame = ({ family, podCIDRs }: PolicyContext): readonly Chain[] => {
  const ranges = cidrsIn(podCIDRs, family)
  const from = ranges.map((range) => rule`${rangeMatch('-s', range)} -j ${policyChains.egress}`)
  const to = ranges.map((range) => rule`${rangeMatch('-d', range)} -j ${policyChains.ingress}`)
  return [
    { name: policyChains.forward, rules: [...from, ...to, forgetAllowed] },
    { name: policyChains.input, rules: [...neighbourDiscovery[family], ...from, forgetAllowed] },
  ]
}

/**
 * In table mangle: what the filter table of others accepts early must not slip past a policy. Established connections are
 * none of their business; and what the node itself sends to its pods (probes, Ingress) is always allowed.
 */
export const policyJumps: readonly Jump[] = (
  [
    ['FORWARD', policyChains.forward],
    ['INPUT', policyChains.input],
  ] as const
).map(([from, chain]) => ({
  table: 'mangle',
  from,
  rule: rule`-m conntrack ! --ctstate RELATED,ESTABLISHED -m comment --comment "podway network policies" -j ${chain}`,
  at: 'last',
}))

interface Dispatch {
  readonly layout: TreeLayout
  tree: Tree
  told: Tree
}

/** A group, the pods that it is for, and its chains as they were made last. */
interface KeptGroup {
  readonly group: Group
  readonly ports: readonly NamedPort[]
  readonly pods: Set<string>
  policies: readonly Policy[]
  made: GroupChains | undefined
}

const noItems: readonly Item[] = []

/** Whether a set lacks somebody who was in it. */
const hasLost = (before: SetView, now: SetView): boolean => {
  if (before === now) return false
  const members = new Set<string>(now.members.map(({ match }) => match))
  return before.members.some(({ match }) => !members.has(match))
}

export const createPolicyChains = (context: PolicyContext): PolicyChains => {
  const { family, nodeName } = context
  const sets = createPeerSets(family)
  const pods = new Map<string, PolicyPod>()
  const policies = new Map<string, Policy>()
  const policiesIn = new Map<string, Set<string>>()
  /** Sorted, by namespace. */
  const sorted = new Map<string, readonly Policy[]>()
  /** This node's pods, by namespace. */
  const ownIn = new Map<string, Set<string>>()
  /** Pods of which something has changed. */
  const changed = new Set<string>()
  const groups = new Map<string, KeptGroup>()
  const groupOf: Readonly<Record<Direction, Map<string, KeptGroup>>> = { ingress: new Map(), egress: new Map() }
  /** Where the addresses of a pod of this node lead. */
  const placed: Readonly<Record<Direction, Map<string, readonly Item[]>>> = { ingress: new Map(), egress: new Map() }
  const fixed = frame(context)
  const dispatchOf = (direction: Direction): Dispatch => {
    const root = policyChains[direction]
    const labels = addressLabels(family, direction, root, ownSide[direction])
    return { layout: { root, labels, head: [], tail: [] }, tree: emptyTree, told: emptyTree }
  }
  const dispatch: Readonly<Record<Direction, Dispatch>> = {
    ingress: dispatchOf('ingress'),
    egress: dispatchOf('egress'),
  }
  let narrowed = new Set<string>()
  /** Chains of groups as the kernel was told last, by name. */
  let told: ReadonlyMap<ChainName, Chain> = new Map()

  /** The policies of a namespace, sorted; kept until one of them changes. */
  const policiesOf = (namespace: string): readonly Policy[] => {
    const known = sorted.get(namespace)
    if (known) return known
    const found = [...(policiesIn.get(namespace) ?? [])].sort().flatMap((key) => policies.get(key) ?? [])
    sorted.set(namespace, found)
    return found
  }

  const applying = (direction: Direction, pod: PolicyPod): readonly Policy[] =>
    policiesOf(pod.namespace).filter((policy) => policy[direction] !== undefined && policy.selects(pod.labels))

  /** The numbers of the ports that policies name, in this pod: pods that differ in them are of different groups. */
  const namedPorts = (found: readonly Policy[], pod: PolicyPod): readonly NamedPort[] => {
    const names = found.flatMap(({ ingress = [] }) => ingress.flatMap(({ ports = [] }) => ports.filter(isNamedPort)))
    return names.length === 0
      ? []
      : pod.ports.filter((port) => names.some(({ name, protocol }) => name === port.name && protocol === port.protocol))
  }

  const isOurs = (pod: PolicyPod | undefined): pod is PolicyPod => pod?.node === nodeName && pod.addresses.length > 0

  /** The group of a pod, made when it is the first of it; undefined when no policy applies in either direction. */
  const findGroup = (direction: Direction, pod: PolicyPod): KeptGroup | undefined => {
    const found = applying(direction, pod)
    if (found.length === 0 && directions.every((each) => applying(each, pod).length === 0)) return undefined
    const keys = found.map(({ key }) => key)
    const ports = direction === 'ingress' ? namedPorts(found, pod) : []
    const chain = policyChain('G', direction, ...keys, JSON.stringify(ports))
    const group = { chain, direction, policies: keys }
    const kept: KeptGroup = groups.get(chain) ?? { group, ports, pods: new Set(), policies: found, made: undefined }
    groups.set(chain, kept)
    return kept
  }

  const join = (direction: Direction, key: string, group: KeptGroup | undefined): void => {
    const before = groupOf[direction].get(key)
    if (before && before !== group) {
      before.pods.delete(key)
      if (before.pods.size === 0) groups.delete(before.group.chain)
    }
    if (group) {
      group.pods.add(key)
      groups.set(group.group.chain, group)
      groupOf[direction].set(key, group)
    } else groupOf[direction].delete(key)
  }

  const itemsOf = (direction: Direction, key: string, pod: PolicyPod, { group }: KeptGroup): readonly Item[] =>
    pod.addresses.flatMap((address) => {
      const parsed = parseAddress(address, family)
      if (parsed === undefined) return []
      const own = sideMatch(ownSide[direction], hostWord(parsed))
      return [{ key: parsed.digits, id: key, rules: [rule`${own} -g ${group.chain}`] }]
    })

  const place = (direction: Direction, key: string): void => {
    const pod = pods.get(key)
    const group = isOurs(pod) ? findGroup(direction, pod) : undefined
    const after = group && isOurs(pod) ? itemsOf(direction, key, pod, group) : noItems
    join(direction, key, group)
    const before = placed[direction].get(key) ?? noItems
    if (JSON.stringify(before) === JSON.stringify(after)) return
    if (after.length > 0) narrowed.add(key)
    const root = dispatch[direction]
    for (const item of before) root.tree = remove(root.tree, item)
    for (const item of after) root.tree = insert(root.tree, item)
    if (after.length > 0) placed[direction].set(key, after)
    else placed[direction].delete(key)
  }

  /** Brings what has changed since the last time to its place: once, however often it has changed. */
  const placeChanged = (): void => {
    for (const key of changed) for (const direction of directions) place(direction, key)
    changed.clear()
  }

  /** The pods of this node that a policy speaks of. */
  const markSelected = ({ namespace, selects }: Policy): void => {
    for (const key of ownIn.get(namespace) ?? []) if (selects(pods.get(key)?.labels)) changed.add(key)
  }

  /** The group's chains, made anew when a policy of it or a set that it was made from has changed. */
  const make = (kept: KeptGroup): GroupChains => {
    const now = kept.group.policies.flatMap((key) => policies.get(key) ?? [])
    const { made } = kept
    const isSamePolicies = now.every((policy, at) => policy === kept.policies[at])
    if (made && isSamePolicies && made.sets.every(([spec, view]) => sets.view(spec) === view)) return made
    // One more peer takes nothing from anybody.
    const mayForbid = !isSamePolicies || made?.sets.some(([spec, view]) => hasLost(view, sets.view(spec)))
    if (mayForbid) for (const key of kept.pods) narrowed.add(key)
    kept.policies = now
    const { group, ports } = kept
    kept.made = compileGroup({ family, group, policies: now, ports, view: sets.view })
    return kept.made
  }

  const makeAll = () => {
    placeChanged()
    const chains = new Map<ChainName, Chain>()
    const used = new Set<string>()
    const inKernel = new Set<string>()
    for (const kept of groups.values()) {
      const made = make(kept)
      for (const chain of made.chains) if (!chains.has(chain.name)) chains.set(chain.name, chain)
      for (const [, { chain }] of made.sets) used.add(chain)
      for (const chain of made.inKernel) inKernel.add(chain)
    }
    return { chains, used, inKernel }
  }

  return {
    setPod: (key, pod) => {
      const before = pods.get(key)
      if (before) ownIn.get(before.namespace)?.delete(key)
      if (pod) pods.set(key, pod)
      else pods.delete(key)
      if (isOurs(pod)) ownIn.set(pod.namespace, (ownIn.get(pod.namespace) ?? new Set()).add(key))
      sets.setPod(key, pod)
      if (isOurs(before) || isOurs(pod)) changed.add(key)
    },
    setNamespace: sets.setNamespace,
    setPolicy: (key, policy) => {
      const before = policies.get(key)
      const namespace = policy?.namespace ?? before?.namespace ?? ''
      const keys = policiesIn.get(namespace) ?? new Set()
      if (policy) {
        policies.set(key, policy)
        policiesIn.set(namespace, keys.add(key))
      } else {
        policies.delete(key)
        keys.delete(key)
      }
      sorted.delete(namespace)
      for (const each of [before, policy]) if (each) markSelected(each)
    },
    takeChange: () => {
      const { chains, used, inKernel } = makeAll()
      const change = sets.takeChange(used, inKernel)
      const written = [...change.written, ...[...chains.values()].filter((chain) => told.get(chain.name) !== chain)]
      const gone: ChainName[] = []
      for (const direction of directions) {
        const one = dispatch[direction]
        const moved = treeChange(one.told, one.tree, one.layout)
        written.push(...moved.written)
        gone.push(...moved.gone)
        one.told = one.tree
      }
      gone.push(...[...told.keys()].filter((name) => !chains.has(name)), ...change.gone)
      told = chains
      return { written: { mangle: written }, gone: { mangle: gone } }
    },
    all: () => {
      const { chains, inKernel } = makeAll()
      return {
        mangle: [
          ...sets.chainsOf(inKernel),
          ...chains.values(),
          ...directions.flatMap((direction) => treeChains(dispatch[direction].tree, dispatch[direction].layout)),
          ...fixed,
        ],
      }
    },
    takeNarrowed: () => {
      const taken = narrowed
      narrowed = new Set()
      return taken
    },
    groups: () => {
      placeChanged()
      return [...groups.values()].map(({ group }) => group)
    },
  }
}
