/** The overlay's rules: masquerade on the way out, acceptance on the way through, forwarding of host ports. Pure. */
import type { Jump } from '../host/netfilter/owned.ts'
import type { Chain, TableEdit } from '../host/netfilter/tables.ts'
import { type Family, hostCidr, parseCidr } from '../ipam/cidr.ts'

export const masqueradeChain = 'PODWAY-MASQ'
export const forwardChain = 'PODWAY-FORWARD'
export const hostPortChain = 'PODWAY-HOSTPORT'
export const clampChain = 'PODWAY-MSS'

/** True for the chains of this room. */
export const isOverlayChain = (name: string): boolean =>
  [masqueradeChain, forwardChain, hostPortChain, clampChain].includes(name)

/** A port of the node that leads to a pod. */
export interface HostPortMapping {
  readonly hostPort: number
  /** Empty for every address of the node. */
  readonly hostIP: string
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly podIP: string
  readonly containerPort: number
}

export interface RulesInput {
  readonly family: Family
  /** All pods of the cluster. */
  readonly clusterCIDRs: readonly string[]
  /** Those of this node. */
  readonly podCIDRs: readonly string[]
  readonly hostPorts: readonly HostPortMapping[]
}

/** The service proxy's mark: it masquerades such packets itself. */
const serviceMark = '0x4000/0x4000'

const multicast: Readonly<Record<Family, string>> = { IPv4: '224.0.0.0/4', IPv6: 'ff00::/8' }
const anywhere: Readonly<Record<Family, string>> = { IPv4: '0.0.0.0', IPv6: '::' }

const ofFamily = (family: Family, text: string): boolean => text.includes(':') === (family === 'IPv6')

/**
 * Pods among each other are seen as they are, and so is whoever comes to a pod of this node. Pods that go outside are this
 * node, and so is a pod that reaches itself by a host port, and whoever from elsewhere (a container of the host, a client that
 * took this node for a router) goes on to a pod of another node: the answer has to come back this way.
 */
const masquerade = (
  family: Family,
  cidrs: readonly string[],
  own: readonly string[],
  withPorts: readonly string[],
): Chain => ({
  name: masqueradeChain,
  rules: [
    `-m mark --mark ${serviceMark} -j RETURN`,
    ...withPorts.map((pod) => `-s ${hostCidr(pod)} -d ${hostCidr(pod)} -j MASQUERADE --random-fully`),
    ...cidrs.flatMap((from) => cidrs.map((to) => `-s ${from} -d ${to} -j RETURN`)),
    ...own.map((cidr) => `-d ${cidr} -j RETURN`),
    `-d ${multicast[family]} -j RETURN`,
    ...cidrs.map((cidr) => `-s ${cidr} -j MASQUERADE --random-fully`),
    ...cidrs.map((cidr) => `-d ${cidr} -j MASQUERADE --random-fully`),
  ],
})

/** TCP learns from its first packets what fits through the tunnel, whoever sends, even where ICMP is dropped. */
const clamp: Chain = {
  name: clampChain,
  rules: ['-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu'],
}

const forward = (cidrs: readonly string[]): Chain => ({
  name: forwardChain,
  rules: cidrs.flatMap((cidr) => [`-s ${cidr} -j ACCEPT`, `-d ${cidr} -j ACCEPT`]),
})

const target = ({ podIP, containerPort }: HostPortMapping): string =>
  podIP.includes(':') ? `[${podIP}]:${containerPort}` : `${podIP}:${containerPort}`

const hostPortRules = (family: Family, mappings: readonly HostPortMapping[]): readonly string[] =>
  mappings.map((mapping) => {
    const protocol = mapping.protocol.toLowerCase()
    const { hostIP } = mapping
    const isSpecific = hostIP !== '' && hostIP !== anywhere[family]
    const to = isSpecific ? `-d ${hostCidr(hostIP)} ` : ''
    return `${to}-p ${protocol} -m ${protocol} --dport ${mapping.hostPort} -j DNAT --to-destination ${target(mapping)}`
  })

/** Stable, so that the same ports make the same chain. */
const inOrder = (mappings: readonly HostPortMapping[]): readonly HostPortMapping[] =>
  mappings.toSorted((a, b) => a.hostPort - b.hostPort || (a.podIP + a.hostIP < b.podIP + b.hostIP ? -1 : 1))

const loopback: Readonly<Record<Family, string>> = { IPv4: '127.0.0.0/8', IPv6: '::1/128' }

export const compileRules = ({ family, clusterCIDRs, podCIDRs, hostPorts }: RulesInput): readonly TableEdit[] => {
  const mine = (all: readonly string[]) => all.filter((cidr) => ofFamily(family, cidr) && parseCidr(cidr) !== undefined)
  const cidrs = mine(clusterCIDRs)
  const mappings = inOrder(hostPorts.filter(({ podIP }) => ofFamily(family, podIP)))
  const hostPort = { name: hostPortChain, rules: hostPortRules(family, mappings) }
  const withPorts = [...new Set(mappings.map(({ podIP }) => podIP))]
  return [
    { table: 'nat', chains: [masquerade(family, cidrs, mine(podCIDRs), withPorts), hostPort] },
    { table: 'mangle', chains: [clamp] },
    { table: 'filter', chains: [forward(cidrs)] },
  ]
}

const local = (family: Family, from: 'PREROUTING' | 'OUTPUT'): Jump => ({
  table: 'nat',
  from,
  rule: `! -d ${loopback[family]} -m addrtype --dst-type LOCAL -m comment --comment "podway host ports" -j ${hostPortChain}`,
  at: 'last',
})

const clampJump = (tunnel: string): Jump => ({
  table: 'mangle',
  from: 'FORWARD',
  rule: `-o ${tunnel} -m comment --comment "podway pod network" -j ${clampChain}`,
  at: 'last',
})

/** Acceptance stands last: whoever forbids something before keeps the last word. */
export const overlayJumps = (family: Family, tunnel: string | undefined): readonly Jump[] => [
  ...(tunnel === undefined ? [] : [clampJump(tunnel)]),
  {
    table: 'nat',
    from: 'POSTROUTING',
    rule: `-m comment --comment "podway masquerade" -j ${masqueradeChain}`,
    at: 'last',
  },
  local(family, 'PREROUTING'),
  local(family, 'OUTPUT'),
  {
    table: 'filter',
    from: 'FORWARD',
    rule: `-m comment --comment "podway pod network" -j ${forwardChain}`,
    at: 'last',
  },
]
