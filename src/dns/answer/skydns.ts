/** Answers from published records: SkyDNS' rules. */
import { isAddress, parseAddress } from '../../ip/address.ts'
import type { Handler, Reply, Request } from '../chain/request.ts'
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
import { answerAlias } from './alias.ts'

export interface SkyOptions {
  readonly tree: SkyTree
  /** Below these a name that has no record does not exist. */
  readonly zones: readonly string[]
  readonly negativeTtl: number
}

/** Additional records are a courtesy: one query must not become many. */
const maxLookups = 16

const isAddressOf = (host: string, type: number): boolean =>
  parseAddress(host, type === types.AAAA ? 'IPv6' : 'IPv4') !== undefined

/** Where a record is a target: its own name, less the labels to strip. */
const targetOf = ({ name, record }: SkyEntry): string =>
  !isAddress(record.host) ? record.host.replace(/\.$/, '') : name.split('.').slice(record.targetstrip).join('.')

/** Shares of 100 among those of the same priority, at least 1. */
const shareOf = ({ record }: SkyEntry, all: readonly SkyEntry[]): number => {
  const weightOf = (entry: SkyEntry): number => entry.record.weight || 100
  const sum = all
    .filter((other) => other.record.priority === record.priority)
    .reduce((total, other) => total + weightOf(other), 0)
  return Math.max(1, Math.floor((100 * (record.weight || 100)) / sum))
}

export const skyNames = ({ tree, zones, negativeTtl }: SkyOptions): Handler => {
  const zoneOf = (name: string): string | undefined => zones.find((zone) => name === zone || name.endsWith(`.${zone}`))

  const timed = (record: ZoneRecord, { record: { ttl } }: SkyEntry, owner?: string): NamedRecord => ({
    ...{ type: record.type, data: record.data, ttl },
    ...(owner === undefined ? {} : { owner }),
  })

  /** Addresses of a name, of both families, whoever knows them. */
  const addressesOf = async (name: string, resolve: Request['resolve']): Promise<readonly NamedRecord[]> => {
    const found = await Promise.all([resolve(name, types.A), resolve(name, types.AAAA)])
    return found.flatMap(({ answers }) => answers)
  }

  /** Addresses of the targets, as additional records. */
  const additional = async (
    entries: readonly SkyEntry[],
    resolve: Request['resolve'],
  ): Promise<readonly NamedRecord[]> => {
    const own = entries.filter(({ record }) => isAddress(record.host))
    const names = new Set(entries.filter(({ record }) => !isAddress(record.host)).map(targetOf))
    const found = await Promise.all([...names].slice(0, maxLookups).map((name) => addressesOf(name, resolve)))
    const known = own.map((entry) => timed(addressRecord('', entry.record.host), entry, targetOf(entry)))
    return uniqueRecords([...known, ...found.flat()])
  }

  /** The records of that type for a name that is here. */
  const recordsOf = (
    name: string,
    type: number,
    entries: readonly SkyEntry[],
    hosts: readonly SkyEntry[],
  ): readonly NamedRecord[] => {
    const named = hosts.filter(({ record }) => !isAddress(record.host))
    switch (type) {
      case types.A:
      case types.AAAA:
        return hosts
          .filter(({ record }) => isAddressOf(record.host, type))
          .map((entry) => timed(addressRecord(name, entry.record.host), entry))
      case types.CNAME:
        return named.map((entry) => timed(cnameRecord(name, targetOf(entry)), entry))
      case types.SRV:
        return hosts.map((entry) => {
          const { priority, port } = entry.record
          const data = { priority, weight: shareOf(entry, hosts), port, target: targetOf(entry) }
          return timed(srvRecord(name, data), entry)
        })
      case types.MX:
        return hosts
          .filter(({ record }) => record.mail)
          .map((entry) => timed(mxRecord(name, entry.record.priority, targetOf(entry)), entry))
      case types.TXT:
        return entries
          .filter(({ record }) => record.text !== '')
          .map((entry) => timed(textRecord(name, entry.record.text), entry))
      case types.PTR:
        return named.map((entry) => timed(ptrRecord(name, targetOf(entry)), entry))
      default:
        return []
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
    const { query, limit, resolve } = request
    const zone = zoneOf(query.name)
    if (!tree.has(query.name)) return zone === undefined ? next() : denial(request, zone, rcodes.noName)
    const { name, type } = query
    const entries = ofGroup(tree.find(name))
    const hosts = entries.filter(({ record }) => record.host !== '')
    const answers = uniqueRecords(recordsOf(name, type, entries, hosts))
    if (answers.length > 0) {
      const reply = (more: readonly NamedRecord[]): Buffer =>
        writeResponse(query, { rcode: rcodes.ok, isAuthoritative: true, answers, additional: more }, limit)
      if (type === types.SRV) return additional(hosts, resolve).then(reply)
      return type === types.MX
        ? additional(
            hosts.filter(({ record }) => record.mail),
            resolve,
          ).then(reply)
        : reply([])
    }
    // Where there is no record of the type, the first name leads to one.
    const alias = hosts.find(({ record }) => !isAddress(record.host))
    if (!alias) return denial(request, zone, rcodes.ok)
    const record = cnameRecord(name, targetOf(alias))
    return answerAlias(request, { record, ttl: alias.record.ttl, isAuthoritative: true })
  }
}
