/** What is wrong with the link of a pod, at both of its ends. Pure. */
import { hostCidr } from '../ip/cidr.ts'
import { podBridge } from './bridge.ts'
import type { DeviceView, Link, Route } from './kernel-view.ts'

/** Why nothing passes the link of the pod that `id` names: it has to be made anew. */
export const lostLink = (link: Link | undefined, id: string): readonly string[] => {
  if (link?.kind !== 'veth' || link.alias !== id) return ['its link is gone']
  return link.isUp && !link.isConnected ? ['its interface is down'] : []
}

/** The node's end. */
export const nodeEndFaults = (link: Link | undefined, id: string, mtu: number): readonly string[] => [
  ...lostLink(link, id),
  ...(link
    ? [
        ...(link.isUp ? [] : ['its link is down on the node']),
        ...(link.master === podBridge ? [] : [`its link is no port of ${podBridge}`]),
        ...(link.isHairpin ? [] : ['its port has no hairpin mode']),
        ...(link.mtu === mtu ? [] : [`its link has MTU ${link.mtu} on the node, not ${mtu}`]),
      ]
    : []),
]

export interface PodEnd {
  readonly ifname: string
  readonly mac: string
  readonly mtu: number
  readonly addresses: readonly string[]
  /** The node's, one for each family. */
  readonly gateways: readonly string[]
}

/** iproute2 leaves out the length of a single address. */
const isTo = (gateway: string, { destination }: Route): boolean => [gateway, hostCidr(gateway)].includes(destination)

/** The pod's end, with the routes of its namespace. More than what is wanted is the pod's own affair. */
export const podEndFaults = (
  { ifname, mac, mtu, addresses, gateways }: PodEnd,
  device: DeviceView | undefined,
  routes: readonly Route[],
): readonly string[] => {
  if (!device) return [`${ifname} is gone`]
  const own = routes.filter((route) => route.device === ifname)
  const isDefault = ({ destination }: Route): boolean => ['default', '::/0', '0.0.0.0/0'].includes(destination)
  return [
    ...(device.isUp ? [] : [`${ifname} is down`]),
    ...(device.mac === mac ? [] : [`${ifname} has MAC ${device.mac}, not ${mac}`]),
    ...(device.mtu === mtu ? [] : [`${ifname} has MTU ${device.mtu}, not ${mtu}`]),
    ...addresses
      .filter((address) => !device.addresses.includes(hostCidr(address)))
      .map((address) => `${ifname} lacks ${address}`),
    ...gateways.flatMap((gateway) => [
      ...(own.some((route) => isTo(gateway, route)) ? [] : [`the route to ${gateway} is gone`]),
      ...(own.some((route) => isDefault(route) && route.gateway === gateway)
        ? []
        : [`the default route by ${gateway} is gone`]),
    ]),
  ]
}
