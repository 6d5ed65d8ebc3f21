/** How pod traffic gets from node to node: the seam between the overlay and its ways of carrying packets. */
import type { Iproute } from '../host/iproute.ts'
import type { Peer } from './peers.ts'

export interface OverlayBackend {
  readonly name: BackendName
  /** Bytes that it adds to each packet. */
  readonly overhead: number
  /** Brings devices and routes in line with the peers; the same again changes nothing. */
  sync(peers: readonly Peer[]): Promise<void>
  /** Takes everything away that `sync` has made. */
  close(): Promise<void>
}

export type BackendName = 'vxlan' | 'host-gw' | 'none'

export interface BackendOptions {
  readonly iproute: Iproute
  readonly podCIDRs: readonly string[]
  readonly underlay: Underlay
  /** The MAC address of this node's end of the tunnel. */
  readonly vtepMac: string
}

/** This node on the network between the nodes. */
export interface Underlay {
  readonly address: string
  readonly device: string
  readonly mtu: number
}
