/**
 * VXLAN between the nodes: for each remote node one route (its pods, via its tunnel's end), one neighbour (the MAC of
 * that end) and one forwarding entry (the node behind that MAC). Nothing is learned, nothing is flooded. RFC 7348.
 */

import { line } from '../host/iproute.ts'
import { addressOf, isIPv6 } from '../ip/address.ts'
import { addressAt, cidrOf, contains, hostCidr } from '../ip/cidr.ts'
import { addressLines, type BackendOptions, type OverlayBackend, type Underlay } from './backend.ts'
import { diffEntries, type Entry } from './entries.ts'
import { createHostGw } from './host-gw.ts'
import { type Link, showAddresses, showForwarding, showLinks, showNeighbours, showRoutes } from './kernel-view.ts'
import type { Peer } from './peers.ts'

export const vxlanDevice = 'podway.1'
const vni = 1
/** Linux' own port and flannel's, not IANA's 4789: NICs that offload the latter get it wrong in virtual machines. */
const port = 8472

/** Outer Ethernet, IP, UDP and VXLAN headers. */
export const vxlanOverhead = (underlay: string): number => (isIPv6(underlay) ? 70 : 50)

export interface PeerEntries {
  readonly routes: readonly Entry[]
  readonly neighbours: readonly Entry[]
  readonly forwarding: readonly Entry[]
}

/** What the peers need. Pure. Peers that have told no MAC cannot be reached yet. */
export const compileVxlan = (peers: readonly Peer[]): PeerEntries => {
  const reachable = peers.flatMap(({ vtepMac, ...peer }) => (vtepMac === undefined ? [] : [{ ...peer, vtepMac }]))
  const ends = reachable.flatMap(({ podCIDRs, vtepMac }) =>
    podCIDRs.map((cidr) => ({ cidr, gateway: addressAt(cidr, 0), vtepMac })),
  )
  return {
    routes: ends.map(({ cidr, gateway }) => ({ key: cidr, value: gateway })),
    neighbours: ends.map(({ gateway, vtepMac }) => ({ key: gateway, value: vtepMac })),
    forwarding: reachable.map(({ vtepMac, address }) => ({ key: vtepMac, value: address })),
  }
}

/** Whether it is on the same network between the nodes: then nobody has to carry packets to it. Pure. */
export const isNeighbour = ({ address }: Pick<Peer, 'address'>, { network }: Pick<Underlay, 'network'>): boolean =>
  contains(cidrOf(network), addressOf(address))

/** How the device was made, as far as it can only be changed by making it anew. */
const isRight = (link: Link, { underlay, identity }: BackendOptions): boolean =>
  link.kind === 'vxlan' &&
  link.mac === identity.vtepMac &&
  link.data['id'] === vni &&
  link.data['port'] === port &&
  link.data['learning'] === false &&
  [link.data['local'], link.data['local6']].includes(underlay.address)

const families = (podCIDRs: readonly string[]): readonly ('-4' | '-6')[] => [
  ...new Set(podCIDRs.map((cidr) => (isIPv6(cidr) ? '-6' : '-4'))),
]

export const createVxlan = (options: BackendOptions): OverlayBackend => {
  const { iproute, podCIDRs, underlay, identity, directRouting } = options
  const direct = createHostGw(options)
  const overhead = vxlanOverhead(underlay.address)
  const mtu = underlay.mtu - overhead
  /** Its own end of the tunnel is the source of what the node itself sends into it. */
  const own = podCIDRs.map((cidr) => hostCidr(addressAt(cidr, 0)))

  const make = async (isThere: boolean): Promise<void> => {
    const { address, device } = underlay
    await iproute.ip([
      ...(isThere ? [line`link del dev ${vxlanDevice}`] : []),
      line`link add ${vxlanDevice} address ${identity.vtepMac} mtu ${mtu} type vxlan id ${vni} local ${address} dev ${device} dstport ${port} nolearning`,
      ...own.map((each) => line`address add ${each} dev ${vxlanDevice}`),
      line`link set ${vxlanDevice} up`,
    ])
  }

  const ensureDevice = async (): Promise<void> => {
    const link = (await showLinks(iproute)).find(({ name }) => name === vxlanDevice)
    if (!link || !isRight(link, options)) return make(link !== undefined)
    const addresses = await showAddresses(iproute, vxlanDevice)
    await iproute.ip([
      ...addressLines(vxlanDevice, own, addresses),
      ...(link.mtu === mtu ? [] : [line`link set ${vxlanDevice} mtu ${mtu}`]),
      ...(link.isUp ? [] : [line`link set ${vxlanDevice} up`]),
    ])
  }

  const found = async (): Promise<PeerEntries> => {
    const routes = []
    const neighbours = []
    for (const family of families(podCIDRs)) {
      routes.push(...(await showRoutes(iproute, family, ['dev', vxlanDevice])))
      neighbours.push(...(await showNeighbours(iproute, family, vxlanDevice)))
    }
    const forwarding = await showForwarding(iproute, vxlanDevice)
    return {
      // The kernel's own routes (link-local, the device's address) lead nowhere else.
      routes: routes
        .filter(({ gateway }) => gateway !== '')
        .map(({ destination, gateway }) => ({ key: destination, value: gateway })),
      neighbours: neighbours.map(({ address, mac }) => ({ key: address, value: mac })),
      forwarding: forwarding.map(({ mac, node }) => ({ key: mac, value: node })),
    }
  }

  let known: PeerEntries | undefined

  const syncTunnel = async (peers: readonly Peer[], look: 'kernel' | 'memory'): Promise<readonly string[]> => {
    const wanted = compileVxlan(peers)
    const before = look === 'memory' ? known : undefined
    known = undefined
    if (!before) await ensureDevice()
    const there = before ?? (await found())
    const routes = diffEntries(wanted.routes, there.routes)
    const neighbours = diffEntries(wanted.neighbours, there.neighbours)
    const forwarding = diffEntries(wanted.forwarding, there.forwarding)
    // Where packets go is known before a route leads there, and forgotten after it.
    const failures = [
      ...(await iproute.each(
        'bridge',
        forwarding.add.map(({ key, value }) => line`fdb replace ${key} dev ${vxlanDevice} dst ${value} self permanent`),
      )),
      ...(await iproute.each('ip', [
        ...routes.remove.map(({ key, value }) => line`route del ${key} via ${value} dev ${vxlanDevice}`),
        ...neighbours.add.map(
          ({ key, value }) => line`neigh replace ${key} lladdr ${value} dev ${vxlanDevice} nud permanent`,
        ),
        ...routes.add.map(({ key, value }) => line`route replace ${key} via ${value} dev ${vxlanDevice} onlink`),
        ...neighbours.remove.map(({ key }) => line`neigh del ${key} dev ${vxlanDevice}`),
      ])),
      ...(await iproute.each(
        'bridge',
        forwarding.remove.map(({ key, value }) => line`fdb del ${key} dev ${vxlanDevice} dst ${value} self`),
      )),
    ]
    if (failures.length === 0) known = wanted
    return failures
  }

  return {
    name: 'vxlan',
    overhead,
    device: vxlanDevice,
    sync: async (peers, look = 'kernel') => {
      const near = directRouting ? peers.filter((peer) => isNeighbour(peer, underlay)) : []
      const far = peers.filter((peer) => !near.includes(peer))
      return [...(await syncTunnel(far, look)), ...(await direct.sync(near, look))]
    },
    close: async () => {
      await direct.close()
      const links = await showLinks(iproute)
      if (links.some(({ name }) => name === vxlanDevice)) await iproute.ip([line`link del dev ${vxlanDevice}`])
    },
  }
}
