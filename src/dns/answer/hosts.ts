/** Names that the operator gives addresses, as in /etc/hosts. */
import { addressOf } from '../../ip/address.ts'
import type { Handler } from '../chain/request.ts'
import type { DnsConfig } from '../config/config.ts'
import { rcodes } from '../wire/constants.ts'
import { reverseName } from '../wire/name.ts'
import { writeResponse } from '../wire/response.ts'
import { addressRecord, ptrRecord, type ZoneRecord } from '../zone/records.ts'

const ttl = 3_600

const recordsOf = (hosts: DnsConfig['hosts']): ReadonlyMap<string, readonly ZoneRecord[]> =>
  Map.groupBy(
    hosts.flatMap(({ address, names }) => [
      ...names.map((name) => addressRecord(name, address)),
      // The first name is the one that the address is known by.
      ...names.slice(0, 1).map((name) => ptrRecord(reverseName(addressOf(address)), name)),
    ]),
    ({ owner }) => owner,
  )

/** A name that is here is answered here: another type of it there is not. */
export const hostsNames = (hosts: DnsConfig['hosts']): Handler => {
  const records = recordsOf(hosts)
  return ({ query, limit }, next) => {
    const found = records.get(query.name)
    if (!found) return next()
    const answers = found.filter(({ type }) => type === query.type).map(({ type, data }) => ({ type, data, ttl }))
    return writeResponse(query, { rcode: rcodes.ok, isAuthoritative: false, answers }, limit)
  }
}
