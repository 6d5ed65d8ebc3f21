/** Queries: read strictly (whatever a packet holds, this ends and does not throw), and written. */
import { randomInt } from 'node:crypto'
import { classIn, ednsLimit, flags, headerBytes, optionBytes, plainLimit, secureBit, types } from './constants.ts'
import { encodeName, readName, skipName } from './name.ts'
import { writeOption } from './response.ts'

export interface Edns {
  /** What the client takes over UDP. */
  readonly size: number
  readonly version: number
  /** Wants DNSSEC records. */
  readonly isSecure: boolean
}

export interface Query {
  readonly id: number
  /** The header's second word. */
  readonly flags: number
  /** Lower case, without the last dot. */
  readonly name: string
  readonly type: number
  readonly class: number
  /** The question as it was asked, case and all. */
  readonly question: Uint8Array
  readonly edns: Edns | undefined
}

/** What can be answered, but not understood. */
export interface Malformed {
  readonly isMalformed: true
  readonly id: number
  readonly flags: number
  readonly hasOption: boolean
}

/** `drop` for what deserves no answer at all: answers, and what has no header. */
export type ReadQuery = Query | 'drop' | Malformed

/** Each option has its length in front, and all together fill the record (RFC 6891, 6.1.2). */
const areOptionsWhole = (message: Buffer, start: number, end: number): boolean => {
  let at = start
  while (at + 4 <= end) at += 4 + message.readUInt16BE(at + 2)
  return at === end
}

interface Additional {
  readonly edns: Edns | undefined
  readonly isWhole: boolean
  readonly hasOption: boolean
}

const noAdditional: Additional = { edns: undefined, isWhole: true, hasOption: false }
const broken = (hasOption: boolean): Additional => ({ edns: undefined, isWhole: false, hasOption })

/** Of the additional records only OPT is looked at, wherever it stands: at most one, of the root (RFC 6891, 6.1.1). */
const readAdditional = (message: Buffer, start: number, count: number): Additional => {
  let found = noAdditional
  let at = start
  for (let n = 0; n < count; n++) {
    const nameEnd = skipName(message, at)
    if (nameEnd === undefined || message.length < nameEnd + 10) return broken(found.hasOption)
    const end = nameEnd + 10 + message.readUInt16BE(nameEnd + 8)
    const isOption = message.readUInt16BE(nameEnd) === types.OPT
    if (end > message.length) return broken(found.hasOption || isOption)
    if (isOption) {
      if (found.hasOption || message[at] !== 0 || !areOptionsWhole(message, nameEnd + 10, end)) return broken(true)
      const edns = {
        size: message.readUInt16BE(nameEnd + 2),
        version: message[nameEnd + 5] ?? 0,
        isSecure: (message.readUInt16BE(nameEnd + 6) & secureBit) !== 0,
      }
      found = { edns, isWhole: true, hasOption: true }
    }
    at = end
  }
  return found
}

const malformed = (id: number, word: number, hasOption: boolean): Malformed => ({
  ...{ isMalformed: true, id, flags: word, hasOption },
})

/** One question, no answers, and at most one OPT record behind it. */
export const readQuery = (message: Buffer): ReadQuery => {
  if (message.length < headerBytes) return 'drop'
  const id = message.readUInt16BE(0)
  const word = message.readUInt16BE(2)
  if ((word & flags.response) !== 0) return 'drop'
  if (message.readUInt16BE(4) !== 1 || message.readUInt32BE(6) !== 0) return malformed(id, word, false)
  const name = readName(message, headerBytes)
  if (!name || message.length < name.end + 4) return malformed(id, word, false)
  const { edns, isWhole, hasOption } = readAdditional(message, name.end + 4, message.readUInt16BE(10))
  if (!isWhole) return malformed(id, word, hasOption)
  return {
    id,
    flags: word,
    name: name.name,
    edns,
    type: message.readUInt16BE(name.end),
    class: message.readUInt16BE(name.end + 2),
    question: message.subarray(headerBytes, name.end + 4),
  }
}

const questionOf = (name: string, type: number): Uint8Array => {
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(classIn, 2)
  return Buffer.concat([encodeName(name), tail])
}

/** A question of our own. Throws for a name that DNS cannot hold. */
export const createQuery = (name: string, type: number): Query => ({
  ...{ id: 0, flags: flags.wanted, name: name.toLowerCase(), type, class: classIn },
  question: questionOf(name, type),
  edns: { size: ednsLimit, version: 0, isSecure: false },
})

/** The question for another name on behalf of the same client: with its wishes, not with its words. */
export const queryInPlace = ({ id, flags: word, edns }: Query, name: string, type: number): Query => ({
  ...createQuery(name, type),
  ...{ id, flags: word, edns },
})

/**
 * The question as we ask it of others, with an id that nobody can foretell: the client's wishes (recursion, DNSSEC, no
 * checks) and nothing else of its packet. OPT records are between two neighbours (RFC 6891, 6.1.1): what a client says there
 * is not for others, and we have one of our own. AD asks for what the answer to the next client may want (RFC 6840, 5.7).
 */
export const writeOnward = ({ flags: word, question, edns }: Query, hasOption = true): Buffer => {
  const start = headerBytes + question.length
  const message = Buffer.alloc(start + (hasOption ? optionBytes : 0))
  message.writeUInt16BE(randomInt(0x10000), 0)
  message.writeUInt16BE((word & (flags.wanted | flags.checking)) | flags.authentic, 2)
  message.writeUInt16BE(1, 4)
  message.writeUInt16BE(hasOption ? 1 : 0, 10)
  message.set(question, headerBytes)
  if (hasOption) writeOption(message, start, { isSecure: edns?.isSecure ?? false }, 0)
  return message
}

/** How long a UDP answer to the query may be. */
export const udpLimit = ({ edns }: Query): number =>
  edns ? Math.min(Math.max(edns.size, plainLimit), ednsLimit) : plainLimit
