/**
 * Network policies as chains (networking.k8s.io/v1), kept so that a change costs what changed. A new connection is led by
 * its pod's address to the pod's group: the policies that apply to it, one after another. What one of them allows comes
 * back to the rules of the other direction; what none allows is dropped.
 */
import type { StringMap } from '../../api/types/index.ts'
import { parseAddress, parseCidr, rangeMatch } from '../../host/netfilter/address.ts'
import type { ChainChange } from '../../host/netfilter/kernel-chains.ts'
import type { IpFamily } from '../../host/netfilter/netfilter.ts'
import type { Jump } from '../../host/netfilter/owned.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { emptyTree, type Item, insert, remove, type Tree } from '../../host/netfilter/tree.ts'
import { type TreeLayout, treeChains, treeChange } from '../../host/netfilter/tree-chains.ts'
import type { BlockPeer, Direction, Policy, PolicyPeer, PolicyPort, PolicyRule } from './model.ts'
import { policyChain, policyChains } from './names.ts'
import { addressLayout, createPeerSets, noItems } from './peer-sets.ts'
import type { NamedPort, PolicyPod } from './pod.ts'
import { allow, blockMatch, forgetAllowed, hostBits, isAllowed, ownSide, portMatch } from './words.ts'

export type PolicyTable = 'mangle'
export const policyTables = ['mangle'] as const

export interface PolicyContext {
  readonly family: IpFamily
  readonly nodeName: string
  /** This node's pods, of either family. */
  readonly podCIDRs: readonly string[]
}

/** The policies that apply to some pods in one direction, and the chain where they are asked. */
export interface Group {
  readonly chain: string
  readonly direction: Direction
  /** Sorted. */
  readonly policies: readonly string[]
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
}

const directions = ['egress', 'ingress'] as const satisfies readonly Direction[]

const established = '-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN'

/** Comments are at most 255 bytes long. */
const commentOf = (text: string): string => `-m comment --comment "${text.slice(0, 200)}"`

/** The chains that are there whatever the policies are. Established connections are none of their business. */
const frame = ({ family, podCIDRs }: PolicyContext): readonly Chain[] => {
  const ranges = podCIDRs.map((cidr) => parseCidr(cidr, family)).filter((range) => range !== undefined)
  const from = ranges.map((range) => `${rangeMatch('-s', range)}-j ${policyChains.egress}`)
  const to = ranges.map((range) => `${rangeMatch('-d', range)}-j ${policyChains.ingress}`)
  return [
    { name: policyChains.forward, rules: [established, ...from, ...to, forgetAllowed] },
    { name: policyChains.input, rules: [established, ...from, forgetAllowed] },
  ]
}

/**
 * In table mangle: what the filter table of others accepts early must not slip past a policy. What the node itself sends
 * to its pods (probes, Ingress) is always allowed.
 */
export const policyJumps: readonly Jump[] = (
  [
    ['FORWARD', policyChains.forward],
    ['INPUT', policyChains.input],
  ] as const
).map(([from, chain]) => ({
  table: 'mangle',
  from,
  rule: `-m comment --comment "podway network policies" -j ${chain}`,
  at: 'last',
}))

const isNamed = (port: PolicyPort): port is Extract<PolicyPort, { readonly name: string }> => 'name' in port

/** The numbers of a named port in the pod that a policy protects. */
const resolve = (port: PolicyPort, ports: readonly NamedPort[]): readonly PolicyPort[] =>
  isNamed(port)
    ? ports
        .filter(({ name, protocol }) => name === port.name && protocol === port.protocol)
        .map(({ protocol, port: number }) => ({ protocol, from: number, to: number }))
    : [port]

const anyPod = {
  kind: 'pods',
  id: 'every pod',
  namespace: undefined,
  inNamespace: () => true,
  matches: () => true,
} as const satisfies PolicyPeer

interface Dispatch {
  readonly layout: TreeLayout
  tree: Tree
  told: Tree
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
  const fixed = frame(context)
  /** Where the addresses of a pod of this node lead. */
  const placed: Record<Direction, Map<string, readonly Item[]>> = { ingress: new Map(), egress: new Map() }
  const groupOf: Record<Direction, Map<string, Group>> = { ingress: new Map(), egress: new Map() }
  const dispatch: Readonly<Record<Direction, Dispatch>> = {
    ingress: {
      ...{ layout: addressLayout(family, 'ingress', policyChains.ingress, ownSide.ingress) },
      ...{ tree: emptyTree, told: emptyTree },
    },
    egress: {
      ...{ layout: addressLayout(family, 'egress', policyChains.egress, ownSide.egress) },
      ...{ tree: emptyTree, told: emptyTree },
    },
  }
  /** Chains of policies and groups as the kernel was told last. */
  let told: ReadonlyMap<string, Chain> = new Map()
  let isDirty = true

  /** The block's chain, when it takes one: what is excepted comes back without a mark. */
  const blockChain = (direction: Direction, { cidr, except }: BlockPeer): Chain => ({
    name: policyChain('B', direction, cidr.text, ...except.map(({ text }) => text)),
    rules: [
      ...except.map((part) => `${blockMatch(direction, part)}-j RETURN`),
      `${blockMatch(direction, cidr)}${allow}`,
    ],
  })

  /** What a peer's rule does with what it is about: `match` and target; undefined when it is of the other family. */
  const peerRule = (
    direction: Direction,
    peer: PolicyPeer,
    port: PolicyPort | undefined,
    into: Map<string, Chain>,
  ): string | undefined => {
    if (peer.kind === 'pods') {
      const name = port && isNamed(port) ? port : undefined
      const chain = sets.chainOf({ direction, peer, port: name })
      return `${portMatch(port && isNamed(port) ? undefined : port)}-j ${chain}`
    }
    // A block is about addresses, and addresses have no named ports.
    if (peer.family !== family || (port && isNamed(port))) return undefined
    if (peer.except.length === 0) return `${blockMatch(direction, peer.cidr)}${portMatch(port)}${allow}`
    const chain = blockChain(direction, peer)
    into.set(chain.name, chain)
    return `${portMatch(port)}-j ${chain.name}`
  }

  const rulesOf = (
    direction: Direction,
    { ports, peers }: PolicyRule,
    ownPorts: readonly NamedPort[],
    into: Map<string, Chain>,
  ): readonly string[] => {
    const all: readonly (PolicyPort | undefined)[] =
      ports === undefined
        ? [undefined]
        : direction === 'ingress'
          ? ports.flatMap((port) => resolve(port, ownPorts))
          : ports
    return all.flatMap((port) => {
      if (peers) return peers.flatMap((peer) => peerRule(direction, peer, port, into) ?? [])
      // A named port is of a pod, even when everybody is meant.
      if (port && isNamed(port)) return [peerRule(direction, anyPod, port, into) ?? '']
      return [`${portMatch(port)}${allow}`]
    })
  }

  /** The numbers of all ports that the policy names, for this pod: pods that differ in them need chains of their own. */
  const resolution = (rules: readonly PolicyRule[], pod: PolicyPod): readonly NamedPort[] => {
    const names = rules.flatMap(({ ports = [] }) => ports.filter(isNamed))
    return names.length === 0
      ? []
      : pod.ports.filter((port) => names.some(({ name, protocol }) => name === port.name && protocol === port.protocol))
  }

  /** The chain of what a policy allows to a pod, written to `into`; undefined when that is nothing. */
  const policyChainFor = (
    direction: Direction,
    policy: Policy,
    pod: PolicyPod,
    into: Map<string, Chain>,
  ): string | undefined => {
    const rules = policy[direction] ?? []
    const ports = direction === 'ingress' ? resolution(rules, pod) : []
    const name = policyChain('P', direction, policy.key, JSON.stringify(ports))
    if (into.has(name)) return name
    const lines = rules.flatMap((rule) => rulesOf(direction, rule, ports, into))
    if (lines.length === 0) return undefined
    into.set(name, { name, rules: [...new Set(lines)] })
    return name
  }

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

  const isOurs = (pod: PolicyPod | undefined): pod is PolicyPod => pod?.node === nodeName && pod.addresses.length > 0

  const groupFor = (direction: Direction, pod: PolicyPod): Group | undefined => {
    const found = applying(direction, pod)
    if (found.length === 0) return undefined
    const keys = found.map(({ key }) => key)
    const ports = direction === 'ingress' ? found.flatMap((policy) => resolution(policy.ingress ?? [], pod)) : []
    return { chain: policyChain('G', direction, ...keys, JSON.stringify(ports)), direction, policies: keys }
  }

  const place = (direction: Direction, key: string): void => {
    const pod = pods.get(key)
    const group = isOurs(pod) ? groupFor(direction, pod) : undefined
    const after =
      !group || !isOurs(pod)
        ? noItems
        : pod.addresses.flatMap((address) => {
            const digits = parseAddress(address, family)
            const rule = `${ownSide[direction]} ${address}/${hostBits[family]} -g ${group.chain}`
            return digits === undefined ? [] : [{ key: digits, id: key, rules: [rule] }]
          })
    if (group && after.length > 0) groupOf[direction].set(key, group)
    else groupOf[direction].delete(key)
    const before = placed[direction].get(key) ?? noItems
    if (JSON.stringify(before) === JSON.stringify(after)) return
    const root = dispatch[direction]
    for (const item of before) root.tree = remove(root.tree, item)
    for (const item of after) root.tree = insert(root.tree, item)
    if (after.length > 0) placed[direction].set(key, after)
    else placed[direction].delete(key)
    isDirty = true
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

  const groupRules = (
    chains: readonly (readonly [policy: string, chain: string])[],
    group: Group,
  ): readonly string[] => [
    forgetAllowed,
    ...chains.flatMap(([policy, chain]) => [`-j ${chain}`, `${isAllowed} ${commentOf(policy)} -j RETURN`]),
    `${commentOf(`not allowed by ${group.policies.join(' ')}`)} -j DROP`,
  ]

  /** Chains of all policies and groups that lead somewhere now, and of blocks: few, and made anew each time. */
  const upperChains = (): ReadonlyMap<string, Chain> => {
    const lower = new Map<string, Chain>()
    const groups = new Map<string, Chain>()
    for (const direction of directions)
      for (const [key, group] of groupOf[direction]) {
        const pod = pods.get(key)
        if (!pod || groups.has(group.chain)) continue
        const chains = group.policies.flatMap((name) => {
          const policy = policies.get(name)
          const chain = policy && policyChainFor(direction, policy, pod, lower)
          return chain === undefined ? [] : [[name, chain] as const]
        })
        groups.set(group.chain, { name: group.chain, rules: groupRules(chains, group) })
      }
    return new Map([...lower, ...groups])
  }

  /** Sets that no policy of now leads to are forgotten. */
  const upper = (): ReadonlyMap<string, Chain> => {
    const chains = upperChains()
    const used = [...chains.values()].flatMap(({ rules }) =>
      rules.flatMap((rule) => / -j (PODWAY-NPS-\S+)$/.exec(` ${rule}`)?.[1] ?? []),
    )
    sets.keep(new Set(used))
    return chains
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
      isDirty = true
    },
    takeChange: () => {
      placeChanged()
      const before = told
      if (isDirty) told = upper()
      isDirty = false
      const change = sets.takeChange()
      const written = [...change.written]
      const gone: string[] = []
      for (const chain of told.values()) if (before !== told) written.push(chain)
      for (const direction of directions) {
        const one = dispatch[direction]
        const moved = treeChange(one.told, one.tree, one.layout)
        written.push(...moved.written)
        gone.push(...moved.gone)
        one.told = one.tree
      }
      gone.push(...[...before.keys()].filter((name) => !told.has(name)), ...change.gone)
      return { written: { mangle: written }, gone: { mangle: gone } }
    },
    all: () => {
      placeChanged()
      const chains = upper()
      return {
        mangle: [
          ...sets.all(),
          ...chains.values(),
          ...directions.flatMap((direction) => treeChains(dispatch[direction].tree, dispatch[direction].layout)),
          ...fixed,
        ],
      }
    },
    groups: () => {
      placeChanged()
      const all = [...groupOf.ingress.values(), ...groupOf.egress.values()]
      return [...new Map(all.map((group) => [group.chain, group])).values()]
    },
  }
}
