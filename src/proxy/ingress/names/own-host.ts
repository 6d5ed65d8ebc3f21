/** Names and addresses by which a machine means itself: nobody is proxied to the node's own doors. */
import { BlockList, isIP } from 'node:net'

const ownAddresses = new BlockList()
ownAddresses.addSubnet('127.0.0.0', 8)
ownAddresses.addSubnet('0.0.0.0', 8)
ownAddresses.addSubnet('169.254.0.0', 16)
ownAddresses.addSubnet('::', 127, 'ipv6')
ownAddresses.addSubnet('fe80::', 10, 'ipv6')

/** Names and addresses by which a machine means itself, or the cloud that it runs in. */
export const isOwnHost = (name: string): boolean => {
  const address = name.replace(/^\[(.*)\]$/, '$1')
  // Addresses in any spelling, IPv4 ones written as IPv6 among them.
  if (isIP(address) > 0) return ownAddresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return /^(?:localhost|.*\.localhost)\.?$/i.test(name) || /^(?:127\.|0\.|169\.254\.)/.test(name)
}
