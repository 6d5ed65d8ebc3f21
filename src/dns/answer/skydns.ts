/** Answers from published records: SkyDNS' rules. */
import { isIP, isIPv6 } from 'node:net'
import type { SkyEntry } from '../skydns/record.ts'
import { ofGroup, type SkyTree } from '../skydns/tree.ts'
import { rcodes, types } from '../wire/constants.ts'
import { type NamedRecord, writeResponse } from '../wire/response.ts'
import {
  addressRecord,
  cnameRecord,
  mxRecord,
  ptrRecord,
  soaRecord,
  srvRecord,
  textRecord,
  uniqueRecords,
  type ZoneRecord,
} from '../zone/records.ts'
import type { Handler, Reply, Request } from './request.ts'

export interface SkyOptions {
  readonly tree: SkyTree
  /** Below these a name that has no record does not exist. */
  readonly zones: readonly string[]
  readonly negativeTtl: number
  /** Names that are not here. Rejects when nobody can tell. */
  readonly resolveOutside: (name: string, type: number) => Promise<readonly NamedRecord[]>
}

/** A chain of names that is longer has gone wrong. */
const maxChain = 8

const isAddressOf = (host: string, type: number): boolean => isIP(host) !== 0 && isIPv6(host) === (type === types.AAAA)

/** Where a record is a target: its own name, less the labels to strip. */
const targetOf = ({ name, record }: SkyEntry): string =>
  isIP(record.host) === 0 ? record.host.replace(/\.$/, '') : name.split('.').slice(record.targetstrip).join('.')

/** Shares of 100 among those of the same priority, at least 1. */
const shareOf = ({ record }: SkyEntry, all: readonly SkyEntry[]): number => {
  const weightOf = (entry: SkyEntry): number => entry.record.weight || 100
  const sum = all
    .filter((other) => other.record.priority === record.priority)
    .reduce((total, other) => total + weightOf(other), 0)
  return Math.max(1, Math.floor((100 * (record.weight || 100)) / sum))
}

export const skyNames = ({ tree, zones, negativeTtl, resolveOutside }: SkyOptions): Handler => {
  const zoneOf = (name: string): string | undefined => zones.find((zone) => name === zone || name.endsWith(`.${zone}`))

  const timed = (record: ZoneRecord, { record: { ttl } }: SkyEntry, owner?: string): NamedRecord => ({
    ...{ type: record.type, data: record.data, ttl },
    ...(owner === undefined ? {} : { owner }),
  })

  /** Addresses of a target, as additional records. */
  const additional = async (entries: readonly SkyEntry[]): Promise<readonly NamedRecord[]> => {
    const found = entries.map(async (entry): Promise<readonly NamedRecord[]> => {
      const target = targetOf(entry)
      if (isIP(entry.record.host) !== 0) return [timed(addressRecord(target, entry.record.host), entry, target)]
      const own = tree.find(target.toLowerCase()).filter(({ record }) => isIP(record.host) !== 0)
      if (own.length > 0) return own.map((each) => timed(addressRecord(target, each.record.host), each, target))
      return resolveOutside(target, types.A).catch(() => [])
    })
    return uniqueRecords((await Promise.all(found)).flat())
  }

  /** Addresses, or the first name that leads to some. */
  const addresses = async (name: string, type: number, depth = 0): Promise<readonly NamedRecord[]> => {
    const entries = ofGroup(tree.find(name))
    const owner = depth === 0 ? undefined : name
    const direct = entries
      .filter(({ record }) => isAddressOf(record.host, type))
      .map((entry) => timed(addressRecord(name, entry.record.host), entry, owner))
    if (direct.length > 0) return uniqueRecords(direct)
    const alias = entries.find(({ record }) => record.host !== '' && isIP(record.host) === 0)
    if (!alias || depth >= maxChain) return []
    const target = targetOf(alias)
    const first = timed(cnameRecord(name, target), alias, owner)
    const more = tree.has(target.toLowerCase())
      ? await addresses(target.toLowerCase(), type, depth + 1)
      : await resolveOutside(target, type).catch(() => [])
    return [first, ...more]
  }

  /** Answers and additional records for a name that is here. */
  const answer = async (
    name: string,
    type: number,
  ): Promise<readonly [readonly NamedRecord[], readonly NamedRecord[]]> => {
    const entries = ofGroup(tree.find(name))
    const hosts = entries.filter(({ record }) => record.host !== '')
    switch (type) {
      case types.A:
      case types.AAAA:
        return [await addresses(name, type), []]
      case types.CNAME:
        return [
          hosts
            .filter(({ record }) => isIP(record.host) === 0)
            .map((entry) => timed(cnameRecord(name, targetOf(entry)), entry)),
          [],
        ]
      case types.SRV: {
        const records = hosts.map((entry) => {
          const { priority, port } = entry.record
          return timed(
            srvRecord(name, { priority, weight: shareOf(entry, hosts), port, target: targetOf(entry) }),
            entry,
          )
        })
        return [uniqueRecords(records), await additional(hosts)]
      }
      case types.MX: {
        const mail = hosts.filter(({ record }) => record.mail)
        const records = mail.map((entry) => timed(mxRecord(name, entry.record.priority, targetOf(entry)), entry))
        return [uniqueRecords(records), await additional(mail)]
      }
      case types.TXT:
        return [
          entries
            .filter(({ record }) => record.text !== '')
            .map((entry) => timed(textRecord(name, entry.record.text), entry)),
          [],
        ]
      case types.PTR:
        return [
          hosts
            .filter(({ record }) => isIP(record.host) === 0)
            .map((entry) => timed(ptrRecord(name, targetOf(entry)), entry)),
          [],
        ]
      default:
        return [[], []]
    }
  }

  const denial = ({ query, limit }: Request, zone: string | undefined, rcode: number): Buffer => {
    const soa = zone
      ? [
          {
            ...soaRecord(zone, { primary: `ns.dns.${zone}`, contact: `hostmaster.${zone}`, serial: 1, negativeTtl }),
            ttl: negativeTtl,
          },
        ]
      : []
    return writeResponse(query, { rcode, isAuthoritative: true, answers: [], authority: soa }, limit)
  }

  return (request, next): Reply => {
    if (tree.isEmpty) return next()
    const { query, limit } = request
    const zone = zoneOf(query.name)
    if (!tree.has(query.name)) return zone === undefined ? next() : denial(request, zone, rcodes.noName)
    return answer(query.name, query.type).then(([answers, more]) =>
      answers.length === 0
        ? denial(request, zone, rcodes.ok)
        : writeResponse(query, { rcode: rcodes.ok, isAuthoritative: true, answers, additional: more }, limit),
    )
  }
}
