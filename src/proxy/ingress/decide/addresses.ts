/** Who may come in, by address. */

import { parsePeerAddress } from '../../../ip/address.ts'
import { createAddressSet } from '../../../ip/address-set.ts'
import { parseAddressOrCidr } from '../../../ip/cidr.ts'
import { plainReply } from '../http/response-text.ts'
import type { Step } from './draft.ts'

/** The addresses of some CIDRs; a single address counts as one. Throws for what is neither: a list that guards has no gaps. */
export const addressSet = (cidrs: readonly string[]): ((address: string) => boolean) => {
  const isHeld = createAddressSet(
    cidrs.map((text) => {
      const range = parseAddressOrCidr(text)
      if (!range) throw new Error(`${JSON.stringify(text)} is neither an address nor a network`)
      return range
    }),
  )
  return (text) => {
    const address = parsePeerAddress(text)
    return address !== undefined && isHeld(address)
  }
}

export const addressStep = (allow: readonly string[], deny: readonly string[]): Step => {
  const isAllowed = allow.length > 0 ? addressSet(allow) : () => true
  const isDenied = deny.length > 0 ? addressSet(deny) : () => false
  return ({ via: { clientAddress } }) =>
    isAllowed(clientAddress) && !isDenied(clientAddress)
      ? undefined
      : plainReply(403, `${clientAddress} may not come in here`)
}
