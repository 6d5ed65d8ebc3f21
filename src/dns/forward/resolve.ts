/** Names outside, for aliases that lead there: off the hot path, and so with dns2's reader. */
import { rcodes, types } from '../wire/constants.ts'
import { writeQuery } from '../wire/query.ts'
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
    const packet = Packet.parse(await ask(name, writeQuery(name, type)))
    if (packet.header.rcode !== rcodes.ok) throw new Error(`the upstream answers ${packet.header.rcode} for ${name}`)
    return (packet.answers as unknown as readonly ParsedRecord[]).flatMap(toRecord)
  }
