/** Lists of addresses and networks. */
import { parseAddressOrCidr } from '../../../ip/cidr.ts'
import { list, wrong } from './value.ts'

/** A network in canonical form. Host bits are forgiven, as nginx does: `10.0.0.1/24` is `10.0.0.0/24`. */
const network = (text: string): string =>
  parseAddressOrCidr(text)?.text ?? wrong(`"${text}" is neither an address nor a network`)

export const networks = list(network, /[\s,]+/)
