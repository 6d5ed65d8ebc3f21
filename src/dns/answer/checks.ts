/** What is refused before anybody looks for an answer. */

import type { Handler, Request } from '../chain/request.ts'
import { classIn, flags, rcodes, types } from '../wire/constants.ts'
import { writeResponse } from '../wire/response.ts'

const says = ({ query, limit }: Request, rcode: number): Buffer =>
  writeResponse(query, { rcode, isAuthoritative: false, answers: [] }, limit)

const transfers: ReadonlySet<number> = new Set([types.AXFR, types.IXFR])

/** Only plain queries, of the Internet's class, and no transfers of zones. */
export const checks: Handler = (request, next) => {
  const { query } = request
  if ((query.flags & flags.opcode) !== 0) return says(request, rcodes.notImplemented)
  if (query.edns && query.edns.version > 0) return says(request, rcodes.badVersion)
  if (query.class !== classIn || transfers.has(query.type)) return says(request, rcodes.refused)
  return next()
}
