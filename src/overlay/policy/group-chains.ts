/**
 * The chains of a group: all that some policies allow in one direction. First come rules about everybody, about blocks of
 * addresses and about large sets of pods; then a tree of all single addresses that are allowed anything, so that a packet meets
 * few rules however many policies there are. What is allowed returns, with the policy's name on the rule that says so; what
 * comes to an end is dropped. The group of pods that only policies of the other direction apply to has no policies, and
 * allows all connections. Pure, but for asking for sets.
 */

import { type ChainName, comment, type Rule, rule, tcpNotSyn } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import { type Item, treeOf } from '../../host/netfilter/tree.ts'
import { treeChains } from '../../host/netfilter/tree-chains.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { BlockPeer, Direction, Policy, PolicyPeer, PolicyPort, PolicyRule } from './model.ts'
import { policyChain } from './names.ts'
import { addressLabels, type SetSpec, type SetView } from './peer-sets.ts'
import type { NamedPort } from './pod.ts'
import { allow, blockMatch, forgetAllowed, isAllowed, otherSide, policyComment, portMatch } from './words.ts'

/** The policies that apply to some pods in one direction, and the chain where they are asked. */
export interface Group {
  readonly chain: ChainName
  readonly direction: Direction
  /** Sorted. */
  readonly policies: readonly string[]
}

export interface GroupChains {
  /** Each after those it leads to; the group's own is last. */
  readonly chains: readonly Chain[]
  /** The sets it was made from, as they were. */
  readonly sets: readonly (readonly [SetSpec, SetView])[]
  /** Those that it leads to by their chains. */
  readonly inKernel: readonly string[]
}

export interface GroupInput {
  readonly family: IpFamily
  readonly group: Group
  readonly policies: readonly Policy[]
  /** Those of the pods that the group is for, as far as a policy names them. */
  readonly ports: readonly NamedPort[]
  readonly view: (spec: SetSpec) => SetView
}

/** Sets with more addresses are looked up by chains of their own, shared by all groups. */
const mostInline = 32

export const isNamedPort = (port: PolicyPort): port is Extract<PolicyPort, { readonly name: string }> => 'name' in port

/** The numbers of a named port in the pod that a policy protects. */
const resolve = (port: PolicyPort, ports: readonly NamedPort[]): readonly PolicyPort[] =>
  isNamedPort(port)
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

/** One thing that a policy allows: to a peer (everybody when undefined) at a port (all when undefined). */
interface Allowance {
  readonly policy: string
  readonly peer: PolicyPeer | undefined
  readonly port: PolicyPort | undefined
}

const allowancesOf = (
  direction: Direction,
  policy: string,
  { ports, peers }: PolicyRule,
  ownPorts: readonly NamedPort[],
): readonly Allowance[] => {
  const resolved = direction === 'ingress' ? ports?.flatMap((port) => resolve(port, ownPorts)) : ports
  const atPorts: readonly (PolicyPort | undefined)[] = resolved ?? [undefined]
  return atPorts.flatMap((port) => {
    // A named port is of a pod, even when everybody is meant.
    const everybody: PolicyPeer | undefined = port && isNamedPort(port) ? anyPod : undefined
    return (peers ?? [everybody]).map((peer) => ({ policy, peer, port }))
  })
}

/** A block's chain, when it takes one: what is excepted comes back without a mark. */
const blockChain = (direction: Direction, { cidr, except }: BlockPeer): Chain => ({
  name: policyChain('B', direction, cidr.text, ...except.map(({ text }) => text)),
  rules: [
    ...except.map((part) => rule`${blockMatch(direction, part)} -j RETURN`),
    rule`${blockMatch(direction, cidr)} ${allow}`,
  ],
})

/**
 * A connection that the kernel has forgotten (we make it forget those that a policy forbids) is not taken up again by a
 * packet in its middle, which might be an answer, and look like a new connection the other way.
 */
const noTakingUp = rule`${tcpNotSyn} -m conntrack --ctstate NEW ${comment('no start of a connection')} -j DROP`

export const compileGroup = ({ family, group, policies, ports, view }: GroupInput): GroupChains => {
  const { direction, chain: root } = group
  const first: Rule[] = []
  /** Rules that mark what they allow, by policy: one more looks at the mark of all of them. */
  const marked = new Map<string, Set<Rule>>()
  const items: Item[] = []
  const blocks = new Map<string, Chain>()
  const sets: (readonly [SetSpec, SetView])[] = []
  const inKernel: string[] = []

  const mark = (policy: string, marking: Rule): void =>
    void marked.set(policy, (marked.get(policy) ?? new Set()).add(marking))

  const allowBlock = (peer: BlockPeer, match: Rule, policy: string): void => {
    if (peer.family !== family) return
    if (peer.except.length === 0)
      return void first.push(rule`${blockMatch(direction, peer.cidr)} ${match} ${policyComment(policy)} -j RETURN`)
    const chain = blockChain(direction, peer)
    blocks.set(chain.name, chain)
    mark(policy, rule`${match} -j ${chain.name}`)
  }

  const allowSet = (spec: SetSpec, match: Rule, policy: string): void => {
    const set = view(spec)
    sets.push([spec, set])
    if (set.members.length > mostInline) {
      inKernel.push(set.chain)
      mark(policy, rule`${match} -j ${set.chain}`)
      return
    }
    for (const member of set.members) {
      const returning = rule`${member.match} ${match} ${policyComment(policy)} -j RETURN`
      items.push({ key: member.digits, id: returning, rules: [returning] })
    }
  }

  for (const policy of policies)
    for (const allowed of policy[direction] ?? [])
      for (const { peer, port } of allowancesOf(direction, policy.key, allowed, ports)) {
        const named = port && isNamedPort(port) ? port : undefined
        const match = portMatch(port && isNamedPort(port) ? undefined : port)
        if (peer === undefined) first.push(rule`${match} ${policyComment(policy.key)} -j RETURN`)
        else if (peer.kind === 'pods') allowSet({ direction, peer, port: named }, match, policy.key)
        // A block is about addresses, and addresses have no named ports.
        else if (!named) allowBlock(peer, match, policy.key)
      }

  const atEnd = policies.length === 0 ? [] : [rule`${comment(root)} -j DROP`]
  const layout = {
    ...{ root, labels: addressLabels(family, direction, root, otherSide[direction]), ends: atEnd, tail: atEnd },
    head: [
      noTakingUp,
      ...new Set(first),
      ...(marked.size > 0 ? [forgetAllowed] : []),
      ...[...marked].flatMap(([policy, rules]) => [...rules, rule`${isAllowed} ${policyComment(policy)} -j RETURN`]),
    ],
  }
  return { chains: [...blocks.values(), ...treeChains(treeOf(items), layout)], sets, inKernel }
}
