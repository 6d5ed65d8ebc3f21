/** Names and addresses by which a machine means itself: nobody is proxied to the node's own doors. */
import { parsePeerAddress } from '../../../ip/address.ts'
import { createAddressSet } from '../../../ip/address-set.ts'
import { cidrOf } from '../../../ip/cidr.ts'

const isOwnAddress = createAddressSet(['127.0.0.0/8', '0.0.0.0/8', '169.254.0.0/16', '::/127', 'fe80::/10'].map(cidrOf))

/** Names and addresses by which a machine means itself, or the cloud that it runs in. */
export const isOwnHost = (name: string): boolean => {
  // Addresses in any spelling, IPv4 ones written as IPv6 among them.
  const address = parsePeerAddress(name.replace(/^\[(.*)\]$/, '$1'))
  if (address) return isOwnAddress(address)
  return /^(?:localhost|.*\.localhost)\.?$/i.test(name) || /^(?:127\.|0\.|169\.254\.)/.test(name)
}
