/** Asks a DNS server for a name, and reads what it says: for people and checks, not for the server itself. */
import { Packet } from 'dns2'
import { defaultForward } from '../config/config.ts'
import type { Upstream } from '../config/upstream.ts'
import { createForwarder } from '../forward/forwarder.ts'
import { flags, rcodeName, typeName, types } from '../wire/constants.ts'
import { createQuery } from '../wire/query.ts'

export type TypeName = keyof typeof types

export const isTypeName = (text: string): text is TypeName => Object.hasOwn(types, text)

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
        type: typeName(Number(record['type'])) ?? `TYPE${record['type']}`,
        ttl: Number(record['ttl']),
        data: dataOf(record),
      }))
  const word = message.readUInt16BE(2)
  return {
    rcode: rcodeName(word & 15) ?? `RCODE${word & 15}`,
    isAuthoritative: (word & flags.authoritative) !== 0,
    isTruncated: (word & flags.truncated) !== 0,
    answers: read(packet.answers),
    authority: read(packet.authorities),
    additional: read(packet.additionals),
  }
}

export interface Asker {
  /** Over TCP when the answer is too long for UDP. Rejects when the server does not answer. */
  ask(name: string, type: number): Promise<ReadAnswer>
  /** Nothing of it keeps the process from ending. */
  close(): void
}

export const createAsker = (server: Upstream): Asker => {
  const forwarder = createForwarder({ ...defaultForward, upstreams: [server] })
  return {
    ask: async (name, type) => readAnswer(await forwarder.forward(createQuery(name, type), true)),
    close: forwarder.close,
  }
}
