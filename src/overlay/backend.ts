/** How pod traffic gets from node to node: the seam between the overlay and its ways of carrying packets. */
import type { CommandRunner } from '../host/command.ts'
import { type Iproute, type Line, line } from '../host/iproute.ts'
import type { OverlayIdentity } from './annotations.ts'
import { isLinkLocal } from './kernel-view.ts'
import type { Peer } from './peers.ts'

export interface OverlayBackend {
  readonly name: BackendName
  /** Bytes that it adds to each packet. */
  readonly overhead: number
  /** The device that packets to other nodes leave by, if it has one of its own. */
  readonly device?: string
  /**
   * Brings devices and routes in line with the peers; the same again changes nothing. With `memory` it takes what it wrote
   * last for what is there, where it knows: a change then costs what changed. Resolves to what could not be written, and
   * why: all else is there.
   */
  sync(peers: readonly Peer[], look?: 'kernel' | 'memory'): Promise<readonly string[]>
  /** Takes everything away that `sync` has made. */
  close(): Promise<void>
}

export type BackendName = 'vxlan' | 'host-gw' | 'wireguard' | 'none'

export interface BackendOptions {
  readonly iproute: Iproute
  readonly runner: CommandRunner
  readonly podCIDRs: readonly string[]
  readonly underlay: Underlay
  readonly identity: OverlayIdentity
  /** Where the node's WireGuard key is kept. */
  readonly keyFile: string
  /** Nodes that are neighbours on the underlay's network are reached by plain routes instead of the tunnel. */
  readonly directRouting: boolean
}

/** This node on the network between the nodes. */
export interface Underlay {
  readonly address: string
  /** The network that its neighbours are in, as `172.30.0.0/24`. */
  readonly network: string
  readonly device: string
  readonly mtu: number
}

/** Makes a device of the overlay's own hold these addresses, and no others but the kernel's. */
export const addressLines = (device: string, wanted: readonly string[], found: readonly string[]): readonly Line[] => [
  ...wanted.filter((each) => !found.includes(each)).map((each) => line`address add ${each} dev ${device}`),
  ...found
    .filter((each) => !wanted.includes(each) && !isLinkLocal(each))
    .map((each) => line`address del ${each} dev ${device}`),
]
