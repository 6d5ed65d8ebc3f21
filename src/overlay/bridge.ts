/** The bridge that the node's pods are plugged into, and the node's own address on it. */
import type { Iproute } from '../host/iproute.ts'
import { gatewayOf } from '../ipam/pod-addresses.ts'
import { type Link, showAddresses, showLinks } from './kernel-view.ts'

export const podBridge = 'podway0'

/** The node's ends of the pods' links start with this. */
export const podLinkPrefix = 'pw'

export interface BridgeOptions {
  readonly iproute: Iproute
  readonly podCIDRs: readonly string[]
  readonly mtu: number
  /** Writes a kernel parameter of the network namespace that `iproute` works in. */
  readonly writeSysctl: (key: string, value: string) => Promise<void>
}

/**
 * What makes a link a port of the bridge. Where bridged packets pass iptables (br_netfilter, which Docker loads), one that
 * a Service sends back to its sender is turned around in the bridge itself: only a hairpin port lets it out again.
 */
export const portLines = (link: string): readonly string[] => [
  `link set dev ${link} master ${podBridge} up`,
  `link set dev ${link} type bridge_slave hairpin on`,
]

const isPodLink = ({ name, kind, alias }: Link): boolean =>
  kind === 'veth' && name.startsWith(podLinkPrefix) && alias !== ''

const sysctls = (hasIPv6: boolean): readonly (readonly [string, string])[] => [
  ['net.ipv4.ip_forward', '1'],
  // Pods reach each other through the node by intention: it must not tell them of a shorter way.
  ['net.ipv4.conf.all.send_redirects', '0'],
  [`net.ipv4.conf.${podBridge}.send_redirects`, '0'],
  ...(hasIPv6 ? ([['net.ipv6.conf.all.forwarding', '1']] as const) : []),
]

/** Makes what is missing of bridge, addresses and ports; nothing is written when all is there. */
export const ensureBridge = async ({ iproute, podCIDRs, mtu, writeSysctl }: BridgeOptions): Promise<void> => {
  const links = await showLinks(iproute)
  const bridge = links.find(({ name }) => name === podBridge)
  const addresses = bridge ? await showAddresses(iproute, podBridge) : []
  const wanted = podCIDRs.map((cidr) => `${gatewayOf(cidr)}/${cidr.split('/')[1]}`)
  const ports = links.filter(isPodLink)
  await iproute.ip([
    ...(bridge ? [] : [`link add ${podBridge} type bridge`]),
    ...(bridge?.mtu === mtu ? [] : [`link set dev ${podBridge} mtu ${mtu}`]),
    ...wanted
      .filter((address) => !addresses.includes(address))
      .map((address) => `address add ${address} dev ${podBridge}${address.includes(':') ? ' nodad' : ''}`),
    ...(bridge?.isUp ? [] : [`link set dev ${podBridge} up`]),
    ...ports
      .filter(({ master, isHairpin }) => master !== podBridge || !isHairpin)
      .flatMap(({ name }) => portLines(name)),
  ])
  const hasIPv6 = podCIDRs.some((cidr) => cidr.includes(':'))
  for (const [key, value] of sysctls(hasIPv6)) await writeSysctl(key, value)
}
