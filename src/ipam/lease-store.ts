/**
 * Who holds which addresses, durably. A node has a few hundred pods at most, so the file is written whole, as a new file
 * that replaces the old one: a crash at any byte leaves one of the two, and there is nothing to compact or to replay.
 */
import { counted } from '../host/counted.ts'
import { jsonOf, readDurable, reportDamage } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import { parseAddress } from '../ip/address.ts'

export interface Lease {
  readonly owner: string
  /** One for each family. */
  readonly addresses: readonly string[]
  /** Milliseconds since 1970. */
  readonly since: number
  /** When it was given back: its addresses rest for a while. Missing while it is held. */
  readonly freed?: number
  /** What the owner wants to find again. */
  readonly note?: string
}

export interface LeaseStore {
  /** All leases. Throws when what is there cannot be read. */
  load(): Promise<readonly Lease[]>
  /** Replaces all leases; durable once this resolves. */
  replace(leases: readonly Lease[]): Promise<void>
}

const isMissingOr = (type: 'number' | 'string', value: unknown): boolean => value === undefined || typeof value === type

const isLease = (value: unknown): value is Lease => {
  if (typeof value !== 'object' || value === null) return false
  const { owner, addresses, since, freed, note } = value as Partial<Record<keyof Lease, unknown>>
  const areAddresses =
    Array.isArray(addresses) && addresses.every((each) => typeof each === 'string' && parseAddress(each) !== undefined)
  const isRest = isMissingOr('number', freed) && isMissingOr('string', note)
  return typeof owner === 'string' && areAddresses && typeof since === 'number' && isRest
}

const areLeases = (value: unknown): value is readonly Lease[] => Array.isArray(value) && value.every(isLease)

const parseLeases = jsonOf('address leases', areLeases)

export interface LeaseRecovery {
  /** Who is on the network now, and with which addresses: what a lost file would have said. */
  find(): Promise<readonly Pick<Lease, 'owner' | 'addresses'>[]>
  /** Told in one sentence of a damaged file, and of what was found in its place. */
  onDamage(message: string): void
}

/**
 * Leases in one file. Without `recovery` a damaged file is an error; with it leases that cannot be read, or are gone, are taken
 * from what is on the network: nothing that lives loses its address to another.
 */
export const createFileLeaseStore = (file: string, recovery?: LeaseRecovery): LeaseStore => {
  const recover = async (from: LeaseRecovery): Promise<readonly Lease[]> => {
    const found = (await from.find()).map((lease): Lease => ({ ...lease, since: Date.now() }))
    if (found.length > 0)
      from.onDamage(
        `took the leases of ${counted(found.length, 'address', 'addresses')} from the network: ${file} did not tell of them`,
      )
    return found
  }
  return {
    load: async () => {
      const read = await readDurable(file, parseLeases)
      if (read.state === 'read') return read.value
      if (read.state === 'damaged') {
        if (!recovery) throw new Error(`${file} ${read.why}: the agent of this node takes them from the network again`)
        await reportDamage(file, read.why, recovery.onDamage)
      }
      return recovery ? recover(recovery) : []
    },
    replace: (leases) => writeFileAtomic(file, `${JSON.stringify(leases, null, 1)}\n`),
  }
}

/** Leases that are forgotten with the process. */
export const createMemoryLeaseStore = (): LeaseStore => {
  let held: readonly Lease[] = []
  return {
    load: async () => held,
    replace: async (leases) => {
      held = [...leases]
    },
  }
}
