/** Names outside, for aliases that lead there: off the hot path, and so with dns2's reader and writer. */
import { randomInt } from 'node:crypto'
import { rcodes, types } from '../wire/constants.ts'
import type { NamedRecord } from '../wire/response.ts'
import { addressRecord, cnameRecord } from '../zone/records.ts'

/** How dns2 gives the records that matter here. */
interface ParsedRecord {
  readonly name: string
  readonly type: number
  readonly ttl: number
  readonly address?: string
  readonly domain?: string
}

/** Loaded when the first such alias is met: most servers never see one. */
const loadPacket = async () => (await import('dns2')).Packet

const queryFor = (Packet: Awaited<ReturnType<typeof loadPacket>>, name: string, type: number): Buffer => {
  const packet = new Packet([])
  packet.header.id = randomInt(0x10000)
  packet.header.rd = 1
  packet.questions.push(new Packet.Question({ name, type, class: Packet.CLASS.IN }))
  return packet.toBuffer()
}

const toRecord = ({ name, type, ttl, address, domain }: ParsedRecord): NamedRecord[] => {
  const owner = name.toLowerCase()
  if ((type === types.A || type === types.AAAA) && address) return [{ ...addressRecord(owner, address), ttl }]
  if (type === types.CNAME && domain) return [{ ...cnameRecord(owner, domain), ttl }]
  return []
}

/** Addresses and aliases that the upstream gives for a name. Rejects when it fails or knows no such name. */
export const createResolve =
  (ask: (name: string, message: Buffer) => Promise<Buffer>) =>
  async (name: string, type: number): Promise<readonly NamedRecord[]> => {
    const Packet = await loadPacket()
    const packet = Packet.parse(await ask(name, queryFor(Packet, name, type)))
    if (packet.header.rcode !== rcodes.ok) throw new Error(`the upstream answers ${packet.header.rcode} for ${name}`)
    return (packet.answers as unknown as readonly ParsedRecord[]).flatMap(toRecord)
  }
