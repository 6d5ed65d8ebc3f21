/** The one way in which an alias is answered, whoever has it: with what all handlers say of its target. */

import type { Reply, Request, Resolved } from '../chain/request.ts'
import { rcodes, types } from '../wire/constants.ts'
import { type NamedRecord, writeResponse } from '../wire/response.ts'
import type { ZoneRecord } from '../zone/records.ts'

export interface Alias {
  readonly record: ZoneRecord
  readonly ttl: number
  /** That of the alias itself, wherever it leads (RFC 6604, 2.1). */
  readonly isAuthoritative: boolean
}

/** Those who ask for the alias itself do not want to be led on (RFC 1034, 3.6.2). */
const itself: ReadonlySet<number> = new Set([types.CNAME, types.ANY])

/** The end of the chain decides the result, and denies with its own SOA (RFC 6604, 3; RFC 2308, 2). */
export const answerAlias = ({ query, limit, resolve }: Request, { record, ttl, isAuthoritative }: Alias): Reply => {
  const alias: NamedRecord = { type: record.type, data: record.data, ttl }
  const reply = ({ rcode, answers, authority }: Resolved): Buffer => {
    const isPositive = rcode === rcodes.ok && answers.some(({ type }) => type === query.type)
    return writeResponse(
      query,
      { rcode, isAuthoritative, answers: [alias, ...answers], authority: isPositive ? [] : authority },
      limit,
    )
  }
  if (itself.has(query.type)) return reply({ rcode: rcodes.ok, answers: [], authority: [] })
  const found = resolve(record.target ?? '', query.type)
  return found instanceof Promise ? found.then(reply) : reply(found)
}
