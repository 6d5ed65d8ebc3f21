/** Writes answers: records are ready-made bytes, only put together here. */
import { classIn, ednsLimit, flags, headerBytes, optionBytes, secureBit, types } from './constants.ts'
import { encodeName } from './name.ts'
import type { Edns, Malformed, Query } from './query.ts'

/** A resource record without its name and class. */
export interface RecordData {
  readonly type: number
  readonly ttl: number
  readonly data: Uint8Array
}

/** A record with its name, dotted or as on the wire; without one it is the question's. */
export interface NamedRecord extends RecordData {
  readonly owner?: string | Uint8Array
}

export interface Answer {
  readonly rcode: number
  readonly isAuthoritative: boolean
  readonly answers: readonly NamedRecord[]
  readonly authority?: readonly NamedRecord[]
  readonly additional?: readonly NamedRecord[]
}

/** Points to the name in the question. */
const questionPointer = Uint8Array.of(0xc0, headerBytes)

const ownerBytes = ({ owner }: NamedRecord): Uint8Array => {
  if (owner === undefined) return questionPointer
  return typeof owner === 'string' ? encodeName(owner) : owner
}

const writeRecord = (target: Buffer, start: number, record: NamedRecord): number => {
  const owner = ownerBytes(record)
  target.set(owner, start)
  let at = start + owner.length
  at = target.writeUInt16BE(record.type, at)
  at = target.writeUInt16BE(classIn, at)
  at = target.writeUInt32BE(record.ttl, at)
  at = target.writeUInt16BE(record.data.length, at)
  target.set(record.data, at)
  return at + record.data.length
}

const sizeOf = (record: NamedRecord): number => ownerBytes(record).length + 10 + record.data.length

/**
 * An OPT record of our own: what we take over UDP, the upper bits of the result, and the client's wish for DNSSEC records
 * as it was (RFC 6891; RFC 3225, 3).
 */
export const writeOption = (target: Buffer, start: number, edns: Pick<Edns, 'isSecure'>, rcode: number): number => {
  let at = target.writeUInt8(0, start)
  at = target.writeUInt16BE(types.OPT, at)
  at = target.writeUInt16BE(ednsLimit, at)
  at = target.writeUInt8(rcode >> 4, at)
  at = target.writeUInt8(0, at)
  at = target.writeUInt16BE(edns.isSecure ? secureBit : 0, at)
  return target.writeUInt16BE(0, at)
}

/**
 * The message, never longer than `limit`: records that do not fit are left out, which is told (TC) when they are answers
 * or authority.
 */
export const writeResponse = (query: Query, answer: Answer, limit: number): Buffer => {
  const { authority = [], additional = [] } = answer
  const room = limit - headerBytes - query.question.length - (query.edns ? optionBytes : 0)
  const counts = [0, 0, 0]
  const chosen: NamedRecord[] = []
  let used = 0
  let isTruncated = false
  ;[answer.answers, authority, additional].forEach((section, index) => {
    for (const record of isTruncated ? [] : section) {
      const size = sizeOf(record)
      if (used + size > room) {
        if (index < 2) isTruncated = true
        break
      }
      used += size
      counts[index] = (counts[index] ?? 0) + 1
      chosen.push(record)
    }
  })
  const message = Buffer.allocUnsafe(limit - room + used)
  const word =
    flags.response |
    (query.flags & (flags.opcode | flags.wanted | flags.checking)) |
    flags.available |
    (answer.isAuthoritative ? flags.authoritative : 0) |
    (isTruncated ? flags.truncated : 0) |
    (answer.rcode & 0xf)
  const [answers = 0, authorities = 0, additionals = 0] = counts
  message.writeUInt16BE(query.id, 0)
  message.writeUInt16BE(word, 2)
  message.writeUInt16BE(1, 4)
  message.writeUInt16BE(answers, 6)
  message.writeUInt16BE(authorities, 8)
  message.writeUInt16BE(additionals + (query.edns ? 1 : 0), 10)
  message.set(query.question, headerBytes)
  let at = headerBytes + query.question.length
  for (const record of chosen) at = writeRecord(message, at, record)
  if (query.edns) at = writeOption(message, at, query.edns, answer.rcode)
  return message
}

/** The answer to what could not be read: a header, and an OPT record where there was one. */
export const writeBareResponse = ({ id, flags: word, hasOption }: Malformed, rcode: number): Buffer => {
  const message = Buffer.alloc(headerBytes + (hasOption ? optionBytes : 0))
  message.writeUInt16BE(id, 0)
  message.writeUInt16BE(flags.response | (word & (flags.opcode | flags.wanted)) | rcode, 2)
  message.writeUInt16BE(hasOption ? 1 : 0, 10)
  if (hasOption) writeOption(message, headerBytes, { isSecure: false }, rcode)
  return message
}
