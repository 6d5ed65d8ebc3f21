/** The bridge that the node's pods are plugged into, and the node's own address on it. */

import { type Iproute, type Line, line } from '../host/iproute.ts'
import { addressOf, isIPv6 } from '../ip/address.ts'
import { gatewayOf } from '../ipam/pod-addresses.ts'
import { isLinkLocal, type Link, showAddresses, showLinks } from './kernel-view.ts'

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
export const portLines = (link: string): readonly Line[] => [
  line`link set dev ${link} master ${podBridge} up`,
  line`link set dev ${link} type bridge_slave hairpin on`,
]

/**
 * A locally administered MAC that follows from an address, the same for ever: whoever has looked it up once need not ask
 * again when the address has moved to another pod or the bridge was made anew.
 */
export const macOf = (address: string): string => {
  const bytes = addressOf(address).digits.slice(-8).match(/../g) ?? []
  return ['0a', '58', ...bytes].join(':')
}

const isSingle = (address: string): boolean => /\/(32|128)$/.test(address)

/** The node's end of a pod's link; its alias is the owner. */
export const isPodLink = ({ name, kind, alias }: Link): boolean =>
  kind === 'veth' && name.startsWith(podLinkPrefix) && alias !== ''

const sysctls = (hasIPv6: boolean): readonly (readonly [string, string])[] => [
  ['net.ipv4.ip_forward', '1'],
  // Pods reach each other through the node by intention: it must not tell them of a shorter way.
  ['net.ipv4.conf.all.send_redirects', '0'],
  [`net.ipv4.conf.${podBridge}.send_redirects`, '0'],
  ...(hasIPv6 ? ([['net.ipv6.conf.all.forwarding', '1']] as const) : []),
]

/** Host ports at 127.0.0.1: the kernel may carry loopback addresses to pods. */
export const loopbackSysctl = [`net.ipv4.conf.${podBridge}.route_localnet`, '1'] as const

/**
 * Makes what is missing of bridge, addresses and ports, and removes what was; nothing is written when all is right. Tells
 * whether the bridge was not there.
 */
export const ensureBridge = async ({ iproute, podCIDRs, mtu, writeSysctl }: BridgeOptions): Promise<boolean> => {
  const links = await showLinks(iproute)
  const bridge = links.find(({ name }) => name === podBridge)
  const addresses = bridge ? await showAddresses(iproute, podBridge) : []
  const wanted = podCIDRs.map((cidr) => `${gatewayOf(cidr)}/${cidr.split('/')[1]}`)
  // Of ranges that the node had before: they would be the source of what it sends. Single addresses are not ours.
  const stale = addresses.filter((address) => !wanted.includes(address) && !isSingle(address) && !isLinkLocal(address))
  const ports = links.filter(isPodLink)
  // Without one of its own a bridge takes that of a port, another one whenever pods come and go.
  const mac = macOf(gatewayOf(podCIDRs[0] ?? ''))
  await iproute.ip([
    ...(bridge ? [] : [line`link add ${podBridge} type bridge`]),
    ...(bridge?.mac === mac ? [] : [line`link set dev ${podBridge} address ${mac}`]),
    ...(bridge?.mtu === mtu ? [] : [line`link set dev ${podBridge} mtu ${mtu}`]),
    ...wanted
      .filter((address) => !addresses.includes(address))
      .map((address) => line`address add ${address} dev ${podBridge} ${isIPv6(address) ? ['nodad'] : []}`),
    ...stale.map((address) => line`address del ${address} dev ${podBridge}`),
    ...(bridge?.isUp ? [] : [line`link set dev ${podBridge} up`]),
    ...ports
      .filter(({ master, isHairpin, isUp }) => master !== podBridge || !isHairpin || !isUp)
      .flatMap(({ name }) => portLines(name)),
    ...ports.filter((port) => port.mtu !== mtu).map(({ name }) => line`link set dev ${name} mtu ${mtu}`),
  ])
  const hasIPv6 = podCIDRs.some((cidr) => isIPv6(cidr))
  for (const [key, value] of sysctls(hasIPv6)) await writeSysctl(key, value)
  return bridge === undefined
}
