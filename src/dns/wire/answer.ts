/** Takes an answer apart: its records stand alone then, in whatever message they are put. */
import { classIn, flags, headerBytes, types } from './constants.ts'
import { maxNameBytes, readName } from './name.ts'
import type { NamedRecord } from './response.ts'

export interface ReadAnswer {
  readonly rcode: number
  readonly isTruncated: boolean
  readonly answers: readonly NamedRecord[]
  readonly authority: readonly NamedRecord[]
}

interface Expanded {
  /** The name without pointers. */
  readonly bytes: Uint8Array
  readonly end: number
}

/** A name whose pointers lead backwards only, so that it ends. Undefined when it is not whole or too long. */
const expandName = (message: Uint8Array, start: number): Expanded | undefined => {
  const bytes: number[] = []
  let end: number | undefined
  let bound = start
  for (let at = start; ; ) {
    const length = message[at]
    if (length === undefined) return undefined
    if (length >= 0xc0) {
      const low = message[at + 1]
      const to = ((length & 0x3f) << 8) | (low ?? 0)
      if (low === undefined || to >= bound) return undefined
      end ??= at + 2
      bound = to
      at = to
      continue
    }
    if (length > 63 || at + 1 + length > message.length || bytes.length + 1 + length > maxNameBytes) return undefined
    bytes.push(...message.subarray(at, at + 1 + length))
    at += 1 + length
    if (length === 0) return { bytes: Uint8Array.from(bytes), end: end ?? at }
  }
}

/**
 * Where names that may be compressed stand in the data: so many bytes in front, so many names (RFC 1035, 3.3; RFC 3597, 4).
 * Data of other types are taken as they are.
 */
const layouts: ReadonlyMap<number, readonly [before: number, names: number]> = new Map([
  [types.NS, [0, 1]],
  [types.CNAME, [0, 1]],
  [types.SOA, [0, 2]],
  [types.PTR, [0, 1]],
  [types.MX, [2, 1]],
  [types.SRV, [6, 1]],
  // MB, MG, MR, MINFO, RP, AFSDB, RT, PX, KX, DNAME: whom nobody asks for by name here.
  ...[7, 8, 9, 39].map((type): [number, readonly [number, number]] => [type, [0, 1]]),
  ...[14, 17].map((type): [number, readonly [number, number]] => [type, [0, 2]]),
  ...[18, 21, 36].map((type): [number, readonly [number, number]] => [type, [2, 1]]),
  [26, [2, 2]],
])

const expandData = (message: Buffer, type: number, start: number, end: number): Uint8Array | undefined => {
  const layout = layouts.get(type)
  if (!layout) return Uint8Array.from(message.subarray(start, end))
  const [before, names] = layout
  const parts: Uint8Array[] = [message.subarray(start, start + before)]
  let at = start + before
  for (let count = 0; count < names; count++) {
    const name = at < end ? expandName(message, at) : undefined
    if (!name || name.end > end) return undefined
    parts.push(name.bytes)
    at = name.end
  }
  return Uint8Array.from(Buffer.concat([...parts, message.subarray(at, end)]))
}

/** Undefined for what is no whole answer to one question. */
export const readAnswer = (message: Buffer): ReadAnswer | undefined => {
  if (message.length < headerBytes || message.readUInt16BE(4) !== 1) return undefined
  const question = readName(message, headerBytes)
  if (!question) return undefined
  let at = question.end + 4
  const section = (count: number): readonly NamedRecord[] | undefined => {
    const records: NamedRecord[] = []
    for (let n = 0; n < count; n++) {
      const owner = expandName(message, at)
      if (!owner || message.length < owner.end + 10) return undefined
      const type = message.readUInt16BE(owner.end)
      const start = owner.end + 10
      const end = start + message.readUInt16BE(owner.end + 8)
      const data = end <= message.length ? expandData(message, type, start, end) : undefined
      if (!data) return undefined
      const ttl = message.readUInt32BE(owner.end + 4)
      if (message.readUInt16BE(owner.end + 2) === classIn) records.push({ owner: owner.bytes, type, ttl, data })
      at = end
    }
    return records
  }
  const answers = section(message.readUInt16BE(6))
  const authority = answers && section(message.readUInt16BE(8))
  if (!authority) return undefined
  const word = message.readUInt16BE(2)
  return { rcode: word & 15, isTruncated: (word & flags.truncated) !== 0, answers, authority }
}
