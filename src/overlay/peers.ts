/** The other nodes, as far as pod traffic is concerned, and which of them get any. Pure. */

import { podCIDRsOf } from '../api/nodes.ts'
import type { Node } from '../api/types/index.ts'
import { familyOf, type IpFamily, parseAddress } from '../ip/address.ts'
import { cidrOf, contains, includes, overlaps, parseCidr } from '../ip/cidr.ts'
import { createRangeSet } from '../ipam/range-set.ts'
import { type OverlayIdentity, readOverlayAnnotations } from './annotations.ts'

export interface Peer {
  readonly name: string
  /** On the network between the nodes. */
  readonly address: string
  readonly podCIDRs: readonly string[]
  /** Undefined when the node has told none. */
  readonly vtepMac: string | undefined
  readonly publicKey: string | undefined
}

const internalAddress = (node: Node, family: IpFamily): string | undefined =>
  node.status?.addresses
    ?.filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => parseAddress(address) ?? [])
    .filter((address) => address.family === family)
    .map(({ text }) => text)[0]

/** A node as a peer; undefined while it has no pod network or no address of the underlay's family. */
export const toPeer = (node: Node, underlay: IpFamily): Peer | undefined => {
  const texts = podCIDRsOf(node)
  const cidrs = texts.flatMap((text) => parseCidr(text) ?? []).map(({ text }) => text)
  const told = readOverlayAnnotations(node, underlay)
  const address = told.address ?? internalAddress(node, underlay)
  if (address === undefined || cidrs.length === 0 || cidrs.length < texts.length) return undefined
  return { name: node.metadata.name, address, podCIDRs: cidrs, vtepMac: told.vtepMac, publicKey: told.publicKey }
}

/** Where pods may have their addresses, and where not. */
export interface PodRanges {
  readonly clusterCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
  /** The network between the nodes. */
  readonly underlayNetwork: string
}

/** Why no node can have this range for its pods; undefined when one can. */
export const wrongRange = (text: string, ranges: PodRanges): string | undefined => {
  const range = cidrOf(text)
  const { clusterCIDRs, serviceCIDRs, underlayNetwork } = ranges
  if (!clusterCIDRs.map(cidrOf).some((whole) => includes(whole, range)))
    return `podCIDR ${text} is outside of the cluster's ${clusterCIDRs.join(', ')} (--cluster-cidr)`
  const taken = [...serviceCIDRs, underlayNetwork].map(cidrOf).find((other) => overlaps(other, range))
  return taken && `podCIDR ${text} overlaps ${taken.text}, which is not for pods`
}

/** This node, as others could take its traffic away. */
export interface OwnEnd extends PodRanges {
  readonly nodeName: string
  readonly podCIDRs: readonly string[]
  readonly address: string
  readonly identity: OverlayIdentity
}

/** A node that gets no traffic, and why. */
export interface Rejection {
  readonly node: string
  readonly reason: string
}

export interface Peers {
  readonly peers: readonly Peer[]
  readonly rejected: readonly Rejection[]
}

const byAge = (a: Node, b: Node): number => {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  if (first !== second) return first < second ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}

/**
 * Who gets pod traffic. What a node says of itself may be wrong, or meant to draw the traffic of others: of two that claim
 * the same range, address or tunnel end, this node goes before all others, then the older one, and the other one gets
 * nothing at all.
 */
export const selectPeers = (nodes: Iterable<Node>, own: OwnEnd): Peers => {
  const underlay = familyOf(own.address)
  const ranges = createRangeSet()
  const ends = new Map<string, string>()
  const notForNodes = [...own.clusterCIDRs, ...own.serviceCIDRs].map(cidrOf)

  const endsOf = ({ address, vtepMac, publicKey }: Pick<Peer, 'address' | 'vtepMac' | 'publicKey'>) =>
    [address, vtepMac ?? [], publicKey ?? []].flat()

  const wrongEnd = (peer: Peer): string | undefined => {
    const address = parseAddress(peer.address)
    if (!address || notForNodes.some((range) => contains(range, address)))
      return `its address ${peer.address} is one of pods or Services`
    const taken = endsOf(peer).find((end) => ends.has(end))
    return taken && `${taken} is that of node ${ends.get(taken)}`
  }

  const reject = (peer: Peer): string | undefined => {
    for (const text of peer.podCIDRs) {
      const other = ranges.overlapping(cidrOf(text))
      const wrong = other === undefined ? wrongRange(text, own) : `podCIDR ${text} overlaps that of node ${other}`
      if (wrong !== undefined) return wrong
    }
    const [first, second] = peer.podCIDRs.map(cidrOf)
    return first && second && overlaps(first, second) ? 'its podCIDRs overlap each other' : wrongEnd(peer)
  }

  const accept = (name: string, podCIDRs: readonly string[], claims: readonly string[]): void => {
    for (const cidr of podCIDRs) ranges.add(cidrOf(cidr), name)
    for (const claim of claims) ends.set(claim, name)
  }

  const { vtepMac, publicKey } = own.identity
  accept(own.nodeName, own.podCIDRs, endsOf({ address: own.address, vtepMac, publicKey }))
  const peers: Peer[] = []
  const rejected: Rejection[] = []
  for (const node of [...nodes].filter(({ metadata }) => metadata.name !== own.nodeName).sort(byAge)) {
    const peer = toPeer(node, underlay)
    if (!peer) continue
    const reason = reject(peer)
    if (reason === undefined) {
      peers.push(peer)
      accept(peer.name, peer.podCIDRs, endsOf(peer))
    } else rejected.push({ node: peer.name, reason })
  }
  return { peers, rejected }
}
