/** Lists of addresses and networks. */
import { formatCidr, hostCidr, networkOf, parseAddress, parseCidr } from '../../../ipam/cidr.ts'
import { list, wrong } from './value.ts'

/** A network in canonical form. Host bits are forgiven, as nginx does: `10.0.0.1/24` is `10.0.0.0/24`. */
const network = (text: string): string => {
  if (parseAddress(text)) return hostCidr(text)
  const exact = parseCidr(text)
  if (exact) return formatCidr(exact)
  const [, address = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? []
  const parsed = parseAddress(address)
  const isShort = parsed !== undefined && Number(length) <= (parsed.family === 'IPv4' ? 32 : 128)
  return isShort ? networkOf(address, Number(length)) : wrong(`"${text}" is neither an address nor a network`)
}

export const networks = list(network, /[\s,]+/)
