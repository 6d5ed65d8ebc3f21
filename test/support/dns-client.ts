/** A DNS client for tests: makes queries, and reads answers with dns2 (somebody else's reader). */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Packet } from 'dns2'
import { types } from '../../src/dns/wire/constants.ts'
import { encodeName } from '../../src/dns/wire/name.ts'

export interface QueryOptions {
  readonly id?: number
  readonly class?: number
  readonly opcode?: number
  /** The UDP size of an OPT record. */
  readonly edns?: number
  readonly ednsVersion?: number
  /** Bits of the OPT record's flags (DO: 0x8000). */
  readonly ednsFlags?: number
  /** The OPT record's options, as on the wire. */
  readonly ednsOptions?: Buffer
  /** Bits of the header beside RD (AD: 0x20, CD: 0x10). */
  readonly flags?: number
  readonly isRecursive?: boolean
}

export const makeQuery = (name: string, type: number, options: QueryOptions = {}): Buffer => {
  const { id = 7, class: queryClass = 1, opcode = 0, edns, ednsVersion = 0, ednsFlags = 0 } = options
  const { ednsOptions = Buffer.alloc(0), flags = 0, isRecursive = true } = options
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE((isRecursive ? 0x0100 : 0) | flags | (opcode << 11), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(edns === undefined ? 0 : 1, 10)
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(queryClass, 2)
  const option = Buffer.alloc(edns === undefined ? 0 : 11)
  if (edns !== undefined) {
    option.writeUInt16BE(types.OPT, 1)
    option.writeUInt16BE(edns, 3)
    option[6] = ednsVersion
    option.writeUInt16BE(ednsFlags, 7)
    option.writeUInt16BE(ednsOptions.length, 9)
  }
  return Buffer.concat([header, encodeName(name), tail, option, ...(edns === undefined ? [] : [ednsOptions])])
}

export interface Reply {
  readonly id: number
  readonly rcode: number
  readonly isAuthoritative: boolean
  readonly isTruncated: boolean
  /** `owner TYPE ttl data`, in their order. */
  readonly answers: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
  readonly bytes: number
}

const typeNames: ReadonlyMap<number, string> = new Map(Object.entries(types).map(([name, number]) => [number, name]))

const dataOf = (record: Record<string, unknown>): string => {
  const { address, domain, ns, data, target, port, weight, priority, primary, minimum } = record
  if (target !== undefined) return [priority, weight, port, target].join(' ')
  if (primary !== undefined) return `${primary} ${minimum}`
  return String(address ?? domain ?? ns ?? (Array.isArray(data) ? data.join('') : data))
}

export const readReply = (message: Buffer): Reply => {
  const packet = Packet.parse(message)
  const lines = (records: readonly object[]): string[] =>
    (records as readonly Record<string, unknown>[])
      .filter((record) => record['type'] !== types.OPT)
      .map((record) => [record['name'], typeNames.get(Number(record['type'])), record['ttl'], dataOf(record)].join(' '))
  const word = message.readUInt16BE(2)
  return {
    id: message.readUInt16BE(0),
    rcode: word & 15,
    isAuthoritative: (word & 0x0400) !== 0,
    isTruncated: (word & 0x0200) !== 0,
    answers: lines(packet.answers),
    authority: lines(packet.authorities),
    additional: lines(packet.additionals),
    bytes: message.length,
  }
}

/** Sends a packet and waits for one answer. */
export const askUdp = async (
  port: number,
  message: Buffer,
  address = '127.0.0.1',
  timeoutMs = 5_000,
): Promise<Buffer> => {
  const socket = createSocket('udp4')
  try {
    socket.send(message, port, address)
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) })
    return answer
  } finally {
    socket.close()
  }
}
