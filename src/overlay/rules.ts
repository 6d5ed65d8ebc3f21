/** The overlay's rules: masquerade on the way out, acceptance on the way through, forwarding of host ports. Pure. */
import { hostWord, rangeWord } from '../host/netfilter/address-words.ts'
import type { Jump } from '../host/netfilter/owned.ts'
import { type Argument, argument, type ChainName, chainName, mark, type Rule, rule } from '../host/netfilter/rule.ts'
import type { Chain, TableEdit } from '../host/netfilter/tables.ts'
import type { IpFamily } from '../ip/address.ts'
import { cidrsIn } from '../ip/cidr.ts'
import { podBridge } from './bridge.ts'
import { type HostPort, hostPortRule, loopback } from './host-ports.ts'

export const masqueradeChain = chainName('PODWAY-MASQ')
export const forwardChain = chainName('PODWAY-FORWARD')
export const hostPortChain = chainName('PODWAY-HOSTPORT')
export const clampChain = chainName('PODWAY-MSS')
/** Keeps pods from the node's loopback addresses, which host ports there make routable (`route_localnet`). IPv4 only. */
export const loopbackChain = chainName('PODWAY-LOOPBACK')

const chains: ReadonlySet<string> = new Set<string>([
  ...[masqueradeChain, forwardChain, hostPortChain, clampChain, loopbackChain],
])

/** True for the chains of this room. */
export const isOverlayChain = (name: string): boolean => chains.has(name)

export interface RulesInput {
  readonly family: IpFamily
  /** All pods of the cluster, of either family. */
  readonly clusterCIDRs: readonly string[]
  /** Those of this node, of either family. */
  readonly podCIDRs: readonly string[]
  /** Of this family. */
  readonly hostPorts: readonly HostPort[]
}

/** The service proxy's mark: it masquerades such packets itself. */
const serviceMark = mark(0x4000)

const multicast: Readonly<Record<IpFamily, Argument>> = { IPv4: argument('224.0.0.0/4'), IPv6: argument('ff00::/8') }

/**
 * Pods among each other are seen as they are, and so is whoever comes to a pod of this node. Pods that go outside are this
 * node, and so is a pod that reaches itself by a host port, and whoever from elsewhere (a container of the host, a client that
 * took this node for a router) goes on to a pod of another node: the answer has to come back this way.
 */
const masquerade = (
  family: IpFamily,
  cidrs: readonly Argument[],
  own: readonly Argument[],
  withPorts: readonly Argument[],
): Chain => ({
  name: masqueradeChain,
  rules: [
    rule`-m mark --mark ${serviceMark} -j RETURN`,
    // A program that came by a host port at loopback: no answer finds its way there.
    ...own.map((cidr) => rule`-s ${loopback[family]} -d ${cidr} -j MASQUERADE --random-fully`),
    ...withPorts.map((pod) => rule`-s ${pod} -d ${pod} -j MASQUERADE --random-fully`),
    ...cidrs.flatMap((from) => cidrs.map((to) => rule`-s ${from} -d ${to} -j RETURN`)),
    ...own.map((cidr) => rule`-d ${cidr} -j RETURN`),
    rule`-d ${multicast[family]} -j RETURN`,
    ...cidrs.map((cidr) => rule`-s ${cidr} -j MASQUERADE --random-fully`),
    ...cidrs.map((cidr) => rule`-d ${cidr} -j MASQUERADE --random-fully`),
  ],
})

/** TCP learns from its first packets what fits through the tunnel, whoever sends, even where ICMP is dropped. */
const clamp: Chain = {
  name: clampChain,
  rules: [rule`-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`],
}

const guard: Chain = {
  name: loopbackChain,
  rules: [rule`-s ${loopback.IPv4} -j DROP`, rule`-d ${loopback.IPv4} -j DROP`],
}

const forward = (cidrs: readonly Argument[]): Chain => ({
  name: forwardChain,
  rules: cidrs.flatMap((cidr) => [rule`-s ${cidr} -j ACCEPT`, rule`-d ${cidr} -j ACCEPT`]),
})

/** Stable, so that the same ports make the same chain. */
const inOrder = (ports: readonly HostPort[]): readonly HostPort[] => {
  const placeOf = ({ podIP, hostIP, protocol }: HostPort) => `${podIP.text} ${hostIP?.text ?? ''} ${protocol}`
  return ports.toSorted((a, b) => a.hostPort - b.hostPort || (placeOf(a) < placeOf(b) ? -1 : 1))
}

export const compileRules = ({ family, clusterCIDRs, podCIDRs, hostPorts }: RulesInput): readonly TableEdit[] => {
  const wordsOf = (texts: readonly string[]) => cidrsIn(texts, family).map(rangeWord)
  const cidrs = wordsOf(clusterCIDRs)
  const ports = inOrder(hostPorts)
  const hostPort = { name: hostPortChain, rules: ports.map((port) => hostPortRule(port)) }
  const withPorts = [...new Set(ports.map(({ podIP }) => hostWord(podIP)))]
  return [
    { table: 'nat', chains: [masquerade(family, cidrs, wordsOf(podCIDRs), withPorts), hostPort] },
    { table: 'mangle', chains: [clamp, ...(family === 'IPv4' ? [guard] : [])] },
    { table: 'filter', chains: [forward(cidrs)] },
  ]
}

const toHostPorts = rule`-m addrtype --dst-type LOCAL -m comment --comment "podway host ports" -j ${hostPortChain}`

/** Loopback is for the node's own programs. Of IPv6, whose ::1 no answer from elsewhere reaches, for those with another source. */
const hostPortJumps = (family: IpFamily): readonly Jump[] => [
  { table: 'nat', from: 'PREROUTING', rule: rule`! -d ${loopback[family]} ${toHostPorts}`, at: 'last' },
  {
    ...{ table: 'nat', from: 'OUTPUT', at: 'last' },
    rule: family === 'IPv4' ? toHostPorts : rule`! -s ${loopback.IPv6} ${toHostPorts}`,
  },
]

const jump = (table: Jump['table'], from: Jump['from'], condition: Rule, to: ChainName): Jump => ({
  ...{ table, from, at: 'last' },
  rule: rule`${condition} -j ${to}`,
})

/** Acceptance stands last: whoever forbids something before keeps the last word. Throws a RuleError for no device's name. */
export const overlayJumps = (family: IpFamily, tunnel: string | undefined): readonly Jump[] => {
  const ours = rule`-m comment --comment "podway pod network"`
  return [
    ...(family === 'IPv4'
      ? [
          {
            ...jump('mangle', 'PREROUTING', rule`-i ${argument(podBridge)} ${ours}`, loopbackChain),
            at: 'first',
          } as const,
        ]
      : []),
    ...(tunnel === undefined ? [] : [jump('mangle', 'FORWARD', rule`-o ${argument(tunnel)} ${ours}`, clampChain)]),
    jump('nat', 'POSTROUTING', rule`-m comment --comment "podway masquerade"`, masqueradeChain),
    ...hostPortJumps(family),
    jump('filter', 'FORWARD', ours, forwardChain),
  ]
}
