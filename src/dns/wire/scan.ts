/** Goes over an answer of somebody else without taking it apart: where its times to live are, and how long it is good. */
import { flags, headerBytes, types } from './constants.ts'

export interface AnswerScan {
  /** Offsets of the 32-bit times to live, OPT left out: its field is none. */
  readonly ttlOffsets: readonly number[]
  /** Seconds for which the answer may be remembered; undefined when it does not say. */
  readonly ttl: number | undefined
  readonly rcode: number
  readonly isTruncated: boolean
  /** No such name, or nothing of that type. */
  readonly isNegative: boolean
}

/** Where the name ends; undefined when it is not whole. Pointers are not followed. */
const skipName = (message: Buffer, start: number): number | undefined => {
  for (let at = start; ; ) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length > 63) return undefined
    at += 1 + length
  }
}

interface Section {
  readonly ttlOffsets: number[]
  readonly ttls: number[]
  soaTtl: number | undefined
  at: number
}

/** RFC 2308: a denial is good for the SOA's own time, or for its last field, whichever is less. */
const soaTtlOf = (message: Buffer, ttl: number, end: number): number => Math.min(ttl, message.readUInt32BE(end - 4))

/** One record; false when it is not whole. */
const scanRecord = (message: Buffer, section: Section): boolean => {
  const nameEnd = skipName(message, section.at)
  if (nameEnd === undefined || message.length < nameEnd + 10) return false
  const type = message.readUInt16BE(nameEnd)
  const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8)
  if (end > message.length) return false
  section.at = end
  if (type === types.OPT) return true
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
  const section: Section = { ttlOffsets: [], ttls: [], soaTtl: undefined, at: questionEnd + 4 }
  const answers = message.readUInt16BE(6)
  const records = answers + message.readUInt16BE(8) + message.readUInt16BE(10)
  for (let count = 0; count < records; count++) if (!scanRecord(message, section)) return undefined
  const rcode = word & 15
  const isNegative = rcode === 3 || (rcode === 0 && answers === 0)
  const least = section.ttls.length > 0 ? Math.min(...section.ttls) : undefined
  return {
    ttlOffsets: section.ttlOffsets,
    ttl: isNegative ? section.soaTtl : least,
    ...{ rcode, isNegative, isTruncated: (word & flags.truncated) !== 0 },
  }
}
