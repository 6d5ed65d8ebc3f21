import { joinHostPort } from '../../ip/address.ts'
/** A server that other names are asked of. */
export interface Upstream {
  readonly address: string
  readonly port: number
}

export const upstreamName = ({ address, port }: Upstream): string => joinHostPort(address, port)
