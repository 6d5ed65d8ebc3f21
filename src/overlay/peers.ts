/** The other nodes, as far as pod traffic is concerned. Pure. */
import { podCIDRsOf } from '../api/nodes.ts'
import type { Node } from '../api/types/index.ts'
import { type Family, formatAddress, parseAddress, parseCidr } from '../ipam/cidr.ts'
import { readOverlayAnnotations } from './annotations.ts'

export interface Peer {
  readonly name: string
  /** On the network between the nodes. */
  readonly address: string
  readonly podCIDRs: readonly string[]
  /** Undefined when the node has told none. */
  readonly vtepMac: string | undefined
  readonly publicKey: string | undefined
}

const internalAddress = (node: Node, family: Family): string | undefined =>
  node.status?.addresses
    ?.filter(({ type }) => type === 'InternalIP')
    .flatMap(({ address }) => parseAddress(address) ?? [])
    .filter((address) => address.family === family)
    .map(formatAddress)[0]

/** A node as a peer; undefined while it has no pod network or no address of the underlay's family. */
export const toPeer = (node: Node, underlay: Family): Peer | undefined => {
  const cidrs = podCIDRsOf(node)
  const told = readOverlayAnnotations(node, underlay)
  const address = told.address ?? internalAddress(node, underlay)
  if (address === undefined || cidrs.length === 0 || !cidrs.every((cidr) => parseCidr(cidr))) return undefined
  return { name: node.metadata.name, address, podCIDRs: cidrs, vtepMac: told.vtepMac, publicKey: told.publicKey }
}
