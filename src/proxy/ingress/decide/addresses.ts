/** Who may come in, by address. */
import { BlockList, isIPv6 } from 'node:net'
import { plainReply } from '../http/response-text.ts'
import type { Step } from './draft.ts'

/** The addresses of some CIDRs; a single address counts as one. */
export const addressSet = (cidrs: readonly string[]): ((address: string) => boolean) => {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', bits] = cidr.split('/')
    const family = isIPv6(network) ? 'ipv6' : 'ipv4'
    list.addSubnet(network, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

export const addressStep = (allow: readonly string[], deny: readonly string[]): Step => {
  const isAllowed = allow.length > 0 ? addressSet(allow) : () => true
  const isDenied = deny.length > 0 ? addressSet(deny) : () => false
  return ({ via: { clientAddress } }) =>
    isAllowed(clientAddress) && !isDenied(clientAddress)
      ? undefined
      : plainReply(403, `${clientAddress} may not come in here`)
}
