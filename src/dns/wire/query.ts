/** Queries: read strictly (whatever a packet holds, this ends and does not throw), and written. */
import { randomInt } from 'node:crypto'
import { classIn, ednsLimit, flags, headerBytes, optionBytes, plainLimit, types } from './constants.ts'
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
    isSecure: (message.readUInt16BE(start + 7) & 0x8000) !== 0,
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

/**
 * A query of our own, with an id that nobody can foretell; with an OPT record that says how much is taken over UDP when
 * `udpSize` is given. Throws for a name that DNS cannot hold.
 */
export const writeQuery = (name: string, type: number, udpSize?: number): Buffer => {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(randomInt(0x10000), 0)
  header.writeUInt16BE(flags.wanted, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(udpSize === undefined ? 0 : 1, 10)
  const tail = Buffer.alloc(udpSize === undefined ? 4 : 4 + optionBytes)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(classIn, 2)
  if (udpSize !== undefined) {
    tail.writeUInt16BE(types.OPT, 5)
    tail.writeUInt16BE(udpSize, 7)
  }
  return Buffer.concat([header, encodeName(name), tail])
}

/** How long a UDP answer to the query may be. */
export const udpLimit = ({ edns }: Query): number =>
  edns ? Math.min(Math.max(edns.size, plainLimit), ednsLimit) : plainLimit
