/** Queries: read strictly (whatever a packet holds, this ends and does not throw), and written. */
import { randomInt } from 'node:crypto'
import { classIn, ednsLimit, flags, headerBytes, optionBytes, plainLimit, secureBit, types } from './constants.ts'
import { encodeName, readName } from './name.ts'

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

/** `drop` for what deserves no answer at all: answers, and what has no header. */
export type ReadQuery = Query | 'drop' | { readonly malformed: number; readonly flags: number }

const rootOption = (message: Buffer, start: number): Edns | undefined => {
  if (message.length < start + 11 || message[start] !== 0) return undefined
  const dataLength = message.readUInt16BE(start + 9)
  if (message.readUInt16BE(start + 1) !== types.OPT || message.length < start + 11 + dataLength) return undefined
  return {
    size: message.readUInt16BE(start + 3),
    version: message[start + 6] ?? 0,
    isSecure: (message.readUInt16BE(start + 7) & secureBit) !== 0,
  }
}

/** One question, no answers, and at most an OPT record behind it (RFC 6891). Other additional records are not looked at. */
export const readQuery = (message: Buffer): ReadQuery => {
  if (message.length < headerBytes) return 'drop'
  const id = message.readUInt16BE(0)
  const word = message.readUInt16BE(2)
  if ((word & flags.response) !== 0) return 'drop'
  const malformed = { malformed: id, flags: word }
  if (message.readUInt16BE(4) !== 1 || message.readUInt32BE(6) !== 0) return malformed
  const name = readName(message, headerBytes)
  if (!name || message.length < name.end + 4) return malformed
  const hasMore = message.readUInt16BE(10) > 0
  const edns = hasMore ? rootOption(message, name.end + 4) : undefined
  return {
    ...{ id, flags: word, name: name.name, edns },
    type: message.readUInt16BE(name.end),
    class: message.readUInt16BE(name.end + 2),
    question: message.subarray(headerBytes, name.end + 4),
  }
}

const header = (id: number, word: number, additional: number): Buffer => {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt16BE(word, 2)
  bytes.writeUInt16BE(1, 4)
  bytes.writeUInt16BE(additional, 10)
  return bytes
}

const questionTail = (type: number): Buffer => {
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(classIn, 2)
  return tail
}

/** An OPT record without options: what is taken over UDP, and whether DNSSEC records are wanted. */
const option = (size: number, isSecure: boolean): Buffer => {
  const bytes = Buffer.alloc(optionBytes)
  bytes.writeUInt16BE(types.OPT, 1)
  bytes.writeUInt16BE(size, 3)
  bytes.writeUInt16BE(isSecure ? secureBit : 0, 7)
  return bytes
}

/**
 * A query of our own, with an id that nobody can foretell; with an OPT record that says how much is taken over UDP when
 * `udpSize` is given. Throws for a name that DNS cannot hold.
 */
export const writeQuery = (name: string, type: number, udpSize?: number): Buffer => {
  const options = udpSize === undefined ? [] : [option(udpSize, false)]
  const first = header(randomInt(0x10000), flags.wanted, options.length)
  return Buffer.concat([first, encodeName(name), questionTail(type), ...options])
}

/**
 * The client's question as we ask it of others: its wishes (recursion, DNSSEC, no checks), and nothing else of its packet.
 * OPT records are between two neighbours (RFC 6891, 6.1.1): what a client says there is not for others.
 */
export const writeOnward = ({ flags: word, question, edns }: Query): Buffer => {
  const options = edns ? [option(ednsLimit, edns.isSecure)] : []
  return Buffer.concat([
    header(randomInt(0x10000), word & (flags.wanted | flags.checking), options.length),
    question,
    ...options,
  ])
}

/** The question for another name on behalf of the same client: with its wishes, not with its words. */
export const queryInPlace = ({ id, flags: word, edns }: Query, name: string, type: number): Query => {
  const question = Buffer.concat([encodeName(name), questionTail(type)])
  return { id, flags: word, name, type, class: classIn, question, edns }
}

/** How long a UDP answer to the query may be. */
export const udpLimit = ({ edns }: Query): number =>
  edns ? Math.min(Math.max(edns.size, plainLimit), ednsLimit) : plainLimit
