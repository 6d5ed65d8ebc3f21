/** Asks a DNS server for a name, and reads what it says: for people and checks, not for the server itself. */
import { randomInt } from 'node:crypto'
import { Packet } from 'dns2'
import type { ForwardConfig } from '../config/config.ts'
import { createForwarder } from '../forward/forwarder.ts'
import type { Upstream } from '../forward/upstream.ts'
import { classIn, flags, headerBytes, types } from '../wire/constants.ts'
import { encodeName } from '../wire/name.ts'

export type TypeName = keyof typeof types

export const isTypeName = (text: string): text is TypeName => Object.hasOwn(types, text)

const rcodeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const

export interface ReadRecord {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly data: string
}

export interface ReadAnswer {
  readonly rcode: string
  readonly isAuthoritative: boolean
  readonly isTruncated: boolean
  readonly answers: readonly ReadRecord[]
  readonly authority: readonly ReadRecord[]
  readonly additional: readonly ReadRecord[]
}

const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(types).map(([name, number]) => [number, name]))

/** The data of a record as dns2 gives it, in the words of zone files. */
const dataOf = (record: Readonly<Record<string, unknown>>): string => {
  const { address, domain, ns, data, target, port, weight, priority, primary, admin, serial, exchange } = record
  if (target !== undefined) return [priority, weight, port, target].join(' ')
  if (exchange !== undefined) return [priority, exchange].join(' ')
  if (primary !== undefined) return [primary, admin, serial, record['minimum']].join(' ')
  const found = address ?? domain ?? ns
  if (found !== undefined) return String(found)
  return Array.isArray(data) ? data.map((part) => JSON.stringify(String(part))).join(' ') : String(data ?? '')
}

/** Throws for what is no DNS message. */
export const readAnswer = (message: Buffer): ReadAnswer => {
  const packet = Packet.parse(message)
  const read = (records: readonly object[]): readonly ReadRecord[] =>
    (records as readonly Readonly<Record<string, unknown>>[])
      .filter((record) => record['type'] !== types.OPT)
      .map((record) => ({
        name: String(record['name']),
        type: typeNames.get(Number(record['type'])) ?? `TYPE${record['type']}`,
        ttl: Number(record['ttl']),
        data: dataOf(record),
      }))
  const word = message.readUInt16BE(2)
  return {
    rcode: rcodeNames[word & 15] ?? `RCODE${word & 15}`,
    isAuthoritative: (word & flags.authoritative) !== 0,
    isTruncated: (word & flags.truncated) !== 0,
    answers: read(packet.answers),
    authority: read(packet.authorities),
    additional: read(packet.additionals),
  }
}

/** A query with EDNS, as resolvers send it. Throws for a name that DNS cannot hold. */
export const writeQuery = (name: string, type: number): Buffer => {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(randomInt(0x10000), 0)
  header.writeUInt16BE(flags.wanted, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(1, 10)
  const tail = Buffer.alloc(4 + 11)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(classIn, 2)
  tail.writeUInt16BE(types.OPT, 5)
  tail.writeUInt16BE(1232, 7)
  return Buffer.concat([header, encodeName(name), tail])
}

export interface Asker {
  /** Over TCP when the answer is too long for UDP. Rejects when the server does not answer. */
  ask(name: string, type: number): Promise<ReadAnswer>
}

export const createAsker = (server: Upstream, more: Partial<ForwardConfig> = {}): Asker => {
  const forwarder = createForwarder({
    ...{ upstreams: [server], policy: 'sequential', timeoutMs: 2_000, maxConcurrent: 1_000, forceTcp: false },
    ...more,
  })
  return { ask: async (name, type) => readAnswer(await forwarder.forward(writeQuery(name, type), true)) }
}
