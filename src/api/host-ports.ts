/** Ports of a node, and the addresses where they are: whether two want the same. Pure. */
import type { Protocol } from './types/index.ts'

interface HostPortPlace {
  /** Empty, `0.0.0.0` or `::` for every address of the node. */
  readonly ip: string
  readonly port: number
  readonly protocol: Protocol
}

/** Only programs of the node itself come there; "every address" is without it. */
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

const isEverywhere = (ip: string): boolean => ip === '' || ip === '0.0.0.0' || ip === '::'

/** True when a connection could be meant for either. */
export const isSameHostPort = (a: HostPortPlace, b: HostPortPlace): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || isEverywhere(a.ip) || isEverywhere(b.ip))
