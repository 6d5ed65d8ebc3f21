/** Names of ExternalName Services: looked up like any other, but never to end at this machine's own doors. */
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isOwnHost } from '../routes/endpoints.ts'

export const lookupElsewhere: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '')
    const found = addresses.filter(({ address }) => !isOwnHost(address))
    const [first] = found
    if (!first) return callback(new Error(`${hostname} is this machine itself, which no backend may be`), '')
    if (options.all) callback(null, found)
    else callback(null, first.address, first.family)
  })
}
