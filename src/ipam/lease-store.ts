/**
 * Who holds which addresses, durably. A node has a few hundred pods at most, so the file is written whole, as a new file
 * that replaces the old one: a crash at any byte leaves one of the two, and there is nothing to compact or to replay.
 */
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../host/files.ts'
import { parseAddress } from './cidr.ts'

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

const parseLeases = (file: string, text: string): readonly Lease[] => {
  const cure = 'remove it when no pod runs on this node; addresses are then given anew'
  try {
    const parsed: unknown = JSON.parse(text)
    if (Array.isArray(parsed) && parsed.every(isLease)) return parsed
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`${file} does not hold address leases: ${cure}`)
}

/** Leases in one file. */
export const createFileLeaseStore = (file: string): LeaseStore => ({
  load: async () => {
    try {
      return parseLeases(file, await readFile(file, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  },
  replace: (leases) => writeFileAtomic(file, `${JSON.stringify(leases, null, 1)}\n`),
})

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
