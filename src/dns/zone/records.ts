/** The cluster's records, as data that can be sent to another thread. */
import { addressOf } from '../../ip/address.ts'
import { types } from '../wire/constants.ts'
import { encodeName } from '../wire/name.ts'

/** One record of a zone. */
export interface ZoneRecord {
  /** Lower case, dotted, without the last dot. */
  readonly owner: string
  readonly type: number
  readonly data: Uint8Array
  /** The name that the data lead to (SRV, CNAME): its addresses are of interest to whoever asks. */
  readonly target?: string
}

/** A or AAAA, by the address. */
export const addressRecord = (owner: string, address: string): ZoneRecord => {
  const { family, digits } = addressOf(address)
  return { owner, type: family === 'IPv4' ? types.A : types.AAAA, data: new Uint8Array(Buffer.from(digits, 'hex')) }
}

export const ptrRecord = (owner: string, name: string): ZoneRecord => ({
  owner,
  type: types.PTR,
  data: encodeName(name),
})

export const cnameRecord = (owner: string, target: string): ZoneRecord => ({
  ...{ owner, type: types.CNAME, data: encodeName(target) },
  target: target.replace(/\.$/, '').toLowerCase(),
})

export const nsRecord = (owner: string, target: string): ZoneRecord => ({
  ...{ owner, type: types.NS, data: encodeName(target), target },
})

export interface SrvData {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

/** RFC 2782. */
export const srvRecord = (owner: string, { priority, weight, port, target }: SrvData): ZoneRecord => {
  const fixed = Buffer.alloc(6)
  fixed.writeUInt16BE(priority, 0)
  fixed.writeUInt16BE(weight, 2)
  fixed.writeUInt16BE(port, 4)
  return { owner, type: types.SRV, data: Buffer.concat([fixed, encodeName(target)]), target }
}

/** Text of up to 255 bytes. */
export const txtRecord = (owner: string, text: string): ZoneRecord => {
  const bytes = Buffer.from(text)
  return { owner, type: types.TXT, data: Uint8Array.from([bytes.length, ...bytes]) }
}

/** Text of any length, in parts of at most 255 bytes. */
export const textRecord = (owner: string, text: string): ZoneRecord => {
  const bytes = Buffer.from(text)
  const parts = Array.from({ length: Math.max(1, Math.ceil(bytes.length / 255)) }, (_, at) =>
    bytes.subarray(at * 255, (at + 1) * 255),
  )
  return { owner, type: types.TXT, data: Buffer.concat(parts.flatMap((part) => [Buffer.from([part.length]), part])) }
}

export const mxRecord = (owner: string, preference: number, target: string): ZoneRecord => {
  const fixed = Buffer.alloc(2)
  fixed.writeUInt16BE(preference, 0)
  return { owner, type: types.MX, data: Buffer.concat([fixed, encodeName(target)]), target }
}

export interface SoaData {
  readonly primary: string
  readonly contact: string
  readonly serial: number
  readonly negativeTtl: number
}

export const soaRecord = (owner: string, { primary, contact, serial, negativeTtl }: SoaData): ZoneRecord => {
  const numbers = Buffer.alloc(20)
  // Refresh, retry, expire: nobody transfers this zone, so the usual values will do.
  for (const [at, value] of [serial, 7_200, 1_800, 86_400, negativeTtl].entries()) numbers.writeUInt32BE(value, at * 4)
  return { owner, type: types.SOA, data: Buffer.concat([encodeName(primary), encodeName(contact), numbers]) }
}

/** One text for a name, dotted or as on the wire. */
const bytesOf = (owner: string | Uint8Array | undefined): string =>
  owner === undefined ? '' : Buffer.from(typeof owner === 'string' ? encodeName(owner) : owner).toString('latin1')

/** Each record once, in their order. */
export const uniqueRecords = <
  T extends { readonly owner?: string | Uint8Array; readonly type: number; readonly data: Uint8Array },
>(
  records: readonly T[],
): readonly T[] => [
  ...new Map(
    records.map((record) => [
      `${bytesOf(record.owner)} ${record.type} ${Buffer.from(record.data).toString('latin1')}`,
      record,
    ]),
  ).values(),
]
