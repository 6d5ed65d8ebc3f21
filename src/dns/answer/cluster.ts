/** Answers for the cluster's own names, and for addresses that the cluster knows. */

import type { Handler, Request } from '../chain/request.ts'
import { rcodes, types } from '../wire/constants.ts'
import { type NamedRecord, writeResponse } from '../wire/response.ts'
import { emptyNames } from '../zone/apex.ts'
import type { ZoneRecord } from '../zone/records.ts'
import type { Zone } from '../zone/zone.ts'
import { answerAlias } from './alias.ts'

export interface ClusterOptions {
  readonly zone: Zone
  /** The name that the zone is below of: `cluster.local`. */
  readonly origin: string
  /** Until then nobody knows what does not exist: nothing is denied. */
  readonly isComplete: () => boolean
  readonly ttl: number
  readonly negativeTtl: number
}

const isReverse = (name: string): boolean => name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')

export const clusterNames = (options: ClusterOptions): Handler => {
  const { zone, origin, isComplete, ttl, negativeTtl } = options
  const below = `.${origin}`
  const existing = new Set([origin, ...emptyNames(origin)])
  /** Each set of records has a turn of its own: clients ask for A and AAAA by turns, which one common turn would follow. */
  const turns = new WeakMap<readonly unknown[], number>()

  const isInside = (name: string): boolean => name.endsWith(below) || name === origin

  /** Every answer begins with another address: clients take the first. */
  const rotated = <T>(records: readonly T[]): readonly T[] => {
    if (records.length < 2) return records
    const turn = turns.get(records) ?? 0
    turns.set(records, turn + 1)
    const start = turn % records.length
    return start === 0 ? records : [...records.slice(start), ...records.slice(0, start)]
  }

  const named = (owner: string | undefined, { type, data }: ZoneRecord): NamedRecord =>
    owner === undefined ? { type, data, ttl } : { owner, type, data, ttl }

  const authority = (): readonly NamedRecord[] =>
    zone.find(origin, types.SOA).records.map((record) => ({ ...record, ttl: negativeTtl }))

  const nothing = ({ query, limit }: Request, exists: boolean): Buffer => {
    const rcode = exists ? rcodes.ok : rcodes.noName
    return writeResponse(query, { rcode, isAuthoritative: true, answers: [], authority: authority() }, limit)
  }

  const addressesOf = (name: string): readonly NamedRecord[] =>
    [types.A, types.AAAA].flatMap((type) => zone.find(name, type).records.map((record) => named(name, record)))

  const positive = ({ query, limit }: Request, records: readonly ZoneRecord[]): Buffer => {
    const targets = new Set(records.flatMap(({ target }) => (target === undefined ? [] : [target])))
    return writeResponse(
      query,
      {
        ...{ rcode: rcodes.ok, isAuthoritative: true },
        answers: rotated(records).map((record) => named(undefined, record)),
        additional: [...targets].flatMap(addressesOf),
      },
      limit,
    )
  }

  const failed = ({ query, limit }: Request): Buffer =>
    writeResponse(query, { rcode: rcodes.failed, isAuthoritative: false, answers: [] }, limit)

  return (request, next) => {
    const { name, type } = request.query
    const inside = isInside(name)
    if (!inside && !isReverse(name)) return next()
    const found = zone.find(name, type)
    if (found.records.length > 0) return positive(request, found.records)
    if (found.exists && type === types.ANY) return positive(request, zone.all(name))
    const [alias] = found.exists ? zone.find(name, types.CNAME).records : []
    if (alias) return answerAlias(request, { record: alias, ttl, isAuthoritative: true })
    if (!inside) return next()
    if (!isComplete()) return failed(request)
    return nothing(request, found.exists || existing.has(name))
  }
}
