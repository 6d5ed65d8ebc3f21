/** Goes over an answer of somebody else without taking it apart: where its times to live are, and how long it is good. */
import { flags, headerBytes, types } from './constants.ts'
import { skipName } from './name.ts'

export interface AnswerScan {
  /** Offsets of the 32-bit times to live, OPT left out: its field is none. */
  readonly ttlOffsets: readonly number[]
  /** Seconds for which the answer may be remembered; undefined when it does not say. */
  readonly ttl: number | undefined
  /** With the upper bits of the OPT record. */
  readonly rcode: number
  readonly isTruncated: boolean
  /** The OPT record: where it starts, and how many additional records stand before it. */
  readonly option: { readonly start: number; readonly before: number } | undefined
  /** Where the last record ends. */
  readonly end: number
  /** No such name, or nothing of that type. */
  readonly isNegative: boolean
}

interface Section {
  readonly ttlOffsets: number[]
  readonly ttls: number[]
  soaTtl: number | undefined
  option: { readonly start: number; readonly high: number } | undefined
  at: number
}

/** RFC 2308: a denial is good for the SOA's own time, or for its last field, whichever is less. */
const soaTtlOf = (message: Buffer, ttl: number, end: number): number => Math.min(ttl, message.readUInt32BE(end - 4))

/** One record; false when it is not whole, or a second OPT record, or one with a name (RFC 6891, 6.1.1). */
const scanRecord = (message: Buffer, section: Section): boolean => {
  const nameEnd = skipName(message, section.at)
  if (nameEnd === undefined || message.length < nameEnd + 10) return false
  const type = message.readUInt16BE(nameEnd)
  const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8)
  if (end > message.length) return false
  const start = section.at
  section.at = end
  if (type === types.OPT) {
    if (section.option || message[start] !== 0) return false
    section.option = { start, high: message[nameEnd + 4] ?? 0 }
    return true
  }
  // RFC 2181, 8: a time with the upper bit set is none.
  const stated = message.readUInt32BE(nameEnd + 4)
  const ttl = stated > 0x7fff_ffff ? 0 : stated
  section.ttlOffsets.push(nameEnd + 4)
  section.ttls.push(ttl)
  if (type === types.SOA && end - (nameEnd + 10) >= 22) section.soaTtl = soaTtlOf(message, ttl, end)
  return true
}

/** Undefined for what is no whole answer to one question. */
export const scanAnswer = (message: Buffer): AnswerScan | undefined => {
  if (message.length < headerBytes || message.readUInt16BE(4) !== 1) return undefined
  const word = message.readUInt16BE(2)
  const questionEnd = skipName(message, headerBytes)
  if (questionEnd === undefined) return undefined
  const section: Section = { ttlOffsets: [], ttls: [], soaTtl: undefined, option: undefined, at: questionEnd + 4 }
  const answers = message.readUInt16BE(6)
  const first = answers + message.readUInt16BE(8)
  const records = first + message.readUInt16BE(10)
  let before = 0
  for (let count = 0; count < records; count++) {
    const had = section.option
    if (!scanRecord(message, section)) return undefined
    if (section.option === had) continue
    // Among answers there is none.
    if (count < first) return undefined
    before = count - first
  }
  const { option } = section
  const rcode = ((option?.high ?? 0) << 4) | (word & 15)
  const isNegative = rcode === 3 || (rcode === 0 && answers === 0)
  const least = section.ttls.length > 0 ? Math.min(...section.ttls) : undefined
  return {
    ttlOffsets: section.ttlOffsets,
    option: option && { start: option.start, before },
    end: section.at,
    ttl: isNegative ? section.soaTtl : least,
    ...{ rcode, isNegative, isTruncated: (word & flags.truncated) !== 0 },
  }
}
