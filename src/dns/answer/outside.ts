/** Everything that is not the cluster's: asked of others, on behalf of those who may. */
import { type Cidr, contains, parseAddress } from '../../ipam/cidr.ts'
import type { Forwarder } from '../forward/forwarder.ts'
import { rcodes } from '../wire/constants.ts'
import { writeResponse } from '../wire/response.ts'
import type { Handler } from './request.ts'

/** Only clients of these networks are served: an open resolver is a weapon in others' hands. */
export const outsideNames =
  (forwarder: Forwarder, clients: readonly Cidr[]): Handler =>
  ({ query, message, client, overTcp, limit }) => {
    const says = (rcode: number): Buffer => writeResponse(query, { rcode, isAuthoritative: false, answers: [] }, limit)
    const address = parseAddress(client.replace(/^::ffff:(?=\d+\.)/, ''))
    if (!address || !clients.some((cidr) => contains(cidr, address))) return says(rcodes.refused)
    if (forwarder.isBusy()) return says(rcodes.refused)
    return forwarder.forward(message, overTcp).catch(() => says(rcodes.failed))
  }
