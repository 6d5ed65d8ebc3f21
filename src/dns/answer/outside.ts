/** Everything that is not the cluster's: asked of others, on behalf of those who may. */

import { parseAddress } from '../../ip/address.ts'
import { type Cidr, contains } from '../../ip/cidr.ts'
import type { Handler } from '../chain/request.ts'
import { addressed } from '../forward/addressed.ts'
import type { Cache } from '../forward/cache.ts'
import { Busy } from '../forward/forwarder.ts'
import type { Router } from '../forward/router.ts'
import { rcodes } from '../wire/constants.ts'
import { writeResponse } from '../wire/response.ts'

/** Only clients of these networks are served: an open resolver is a weapon in others' hands. */
export const outsideNames =
  (router: Router, cache: Cache | undefined, clients: readonly Cidr[]): Handler =>
  (request) => {
    const { query, client, overTcp, limit } = request
    const says = (rcode: number): Buffer => writeResponse(query, { rcode, isAuthoritative: false, answers: [] }, limit)
    const address = parseAddress(client)
    if (!address || !clients.some((cidr) => contains(cidr, address))) return says(rcodes.refused)
    const reply = cache
      ? cache.answer(request)
      : router
          .of(query.name)
          .forward(query, overTcp)
          .then((message) => addressed(message, request))
    return reply instanceof Promise
      ? reply.catch((error: unknown) => says(error instanceof Busy ? rcodes.refused : rcodes.failed))
      : reply
  }
