/** Places that no Service may have on this node, whatever its object says: they are served by nodes themselves. */
import type { IpAddress } from '../../ip/address.ts'
import type { ProtocolName } from './endpoints.ts'

export interface ReservedPorts {
  /** Served at the addresses of nodes, as `tcp 10250`. */
  readonly ports: ReadonlySet<string>
  /** Served at one address, as `172.30.0.2 6443` (TCP): the API server. */
  readonly places: ReadonlySet<string>
  /** Whether an address is this node's or another one's, now. */
  readonly isNodeAddress: (address: string) => boolean
}

export const nothingReserved: ReservedPorts = { ports: new Set(), places: new Set(), isNodeAddress: () => false }

export const reservedPort = (protocol: ProtocolName, port: number): string => `${protocol} ${port}`
export const reservedPlace = (address: string, port: number): string => `${address} ${port}`

/** Whether the port is served by a node; without an address, by this one. */
export const isReserved = (
  reserved: ReservedPorts,
  protocol: ProtocolName,
  port: number,
  address?: IpAddress,
): boolean => {
  if (address !== undefined && protocol === 'tcp' && reserved.places.has(reservedPlace(address.text, port))) return true
  if (!reserved.ports.has(reservedPort(protocol, port))) return false
  return address === undefined || reserved.isNodeAddress(address.text)
}
