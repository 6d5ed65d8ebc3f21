/**
 * What a node tells the others about its end of the pod network, in annotations of its Node: the same that flannel writes and
 * reads, so that nodes of either kind can be in one network.
 */

import {
  flannelManagerName,
  flannelNames,
  flannelTypeName,
  readTunnelEnd,
  type TunnelEnd,
} from '../api/flannel-annotations.ts'
import type { Node, StringMap } from '../api/types/index.ts'
import { familyOf, type IpFamily, parseAddress } from '../ip/address.ts'
import type { BackendName } from './backend.ts'

/** This node's end of the network. */
export interface OverlayIdentity {
  /** The MAC address of its end of the tunnel. */
  readonly vtepMac: string
  /** Its WireGuard key, in base64. */
  readonly publicKey?: string
}

export interface ToldByNode extends TunnelEnd {
  readonly address: string | undefined
}

const vni = 1

const dataOf = (backend: BackendName, { vtepMac, publicKey }: OverlayIdentity): object | null => {
  if (backend === 'vxlan') return { VNI: vni, VtepMAC: vtepMac }
  return backend === 'wireguard' && publicKey !== undefined ? { PublicKey: publicKey } : null
}

/** The annotations of a node with this address between the nodes. */
export const overlayAnnotations = (backend: BackendName, identity: OverlayIdentity, address: string): StringMap => {
  if (backend === 'none') return {}
  const { address: addressName, data } = flannelNames[familyOf(address)]
  return {
    [flannelTypeName]: backend,
    [addressName]: address,
    [data]: JSON.stringify(dataOf(backend, identity)),
    [flannelManagerName]: 'true',
  }
}

/** What a node has told, as far as it makes sense. */
export const readOverlayAnnotations = (node: Node, underlay: IpFamily): ToldByNode => {
  const { annotations = {} } = node.metadata
  const names = flannelNames[underlay]
  const address = parseAddress(annotations[names.overwrite] ?? annotations[names.address] ?? '')
  return {
    address: address?.family === underlay ? address.text : undefined,
    ...readTunnelEnd(node, underlay),
  }
}
