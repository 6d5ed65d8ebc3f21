/** A room's chains in the kernel: keeps in mind what is there, so that little is written and a look is cheap. */
import { CommandError } from '../command.ts'
import { createInspector } from './inspector.ts'
import type { Netfilter } from './netfilter.ts'
import type { Jump } from './owned.ts'
import {
  type ChainRecord,
  type Room,
  readChains,
  recordRestore,
  removeJumps,
  repairJumps,
  type SavedTables,
  strayChains,
} from './readback.ts'
import { type Change, type Edit, type PerTable, type Plan, perTable, restoreLimits } from './restores.ts'
import type { ChainName } from './rule.ts'
import type { Chain, Command, KnownRule, TableName } from './tables.ts'

/** What a change took. */
export interface Written<K extends TableName> {
  readonly restores: number
  /** Rules that were written. */
  readonly rules: PerTable<K, number>
}

/** Chains as they shall be, each after those it leads to, and the names of those that shall go. */
export type ChainChange<K extends TableName> = Pick<Change<K>, 'written' | 'gone'>

export interface KernelChains<K extends TableName> {
  /** Whether only `repair` will do: at the start, and after a failure. */
  readonly isUnsure: boolean
  /** Makes a change. What is there already is not written again. */
  advance(change: ChainChange<K>): Promise<Written<K>>
  /** Reads all back and puts right what differs from `wanted`. */
  repair(wanted: PerTable<K, readonly Chain[]>): Promise<Written<K>>
  /** How many rules there are, as far as is known. */
  count(): PerTable<K, number>
  /** Whether jumps are there, and fixed chains and the next few others exactly as written. Cheap; in turn it looks at all. */
  isIntact(): Promise<boolean>
}

/** A room, and how it changes its chains. */
export interface KeptRoom<K extends TableName> extends Room<K> {
  /** True for chains that are there whatever the objects of now are: every look includes them. */
  isFixed(chain: string): boolean
  readonly plan: Plan<K>
}

/** How many rules one look compares: about 10 ms with the nft store. */
const rulesPerLook = 200

/** The most lines of a restore, for as long as the kernel takes them. */
interface Limit {
  lines: number
}

const startingLimit = ({ backend = 'nft' }: Netfilter): Limit => ({ lines: restoreLimits[backend] })

/** Restores shrink to a fourth until the kernel takes them, but not below this. */
const smallestLimit = 100

/**
 * Whether smaller restores may help, which are then made. Nobody without power over the whole machine may enlarge the
 * buffer in which the tools of the nft store send a change.
 */
const shrink = (limit: Limit, error: unknown): boolean => {
  const isTooLong = error instanceof CommandError && error.stderr.includes('Message too long')
  if (!isTooLong || limit.lines <= smallestLimit) return false
  limit.lines = Math.max(smallestLimit, Math.floor(limit.lines / 4))
  return true
}

const rulesIn = <K extends TableName>(edits: readonly Edit<K>[], table: K): number =>
  edits
    .filter((edit) => edit.table === table)
    .flatMap(({ chains }) => chains)
    .reduce((sum, { rules }) => sum + rules.length, 0)

/** Makes a change and writes it down in `record`. */
const restore = async <K extends TableName>(
  netfilter: Netfilter,
  room: KeptRoom<K>,
  record: ChainRecord<K>,
  change: Change<K>,
  limit: Limit,
): Promise<Written<K>> => {
  const restores = room.plan(record, change, limit.lines)
  for (const edits of restores) {
    await netfilter.apply(edits)
    recordRestore(record, edits)
  }
  const edits = restores.flat()
  return { restores: restores.length, rules: perTable(room.tables, (table) => rulesIn(edits, table)) }
}

const readTables = async <K extends TableName>(netfilter: Netfilter, { tables }: Room<K>): Promise<SavedTables<K>> => {
  const saved = new Map<K, string>()
  for (const table of tables) saved.set(table, await netfilter.save(table))
  return perTable(tables, (table) => saved.get(table) ?? '')
}

/** Reads back and changes what differs from `wanted`. When a restore is too long, it all begins again. */
const settle = async <K extends TableName>(
  netfilter: Netfilter,
  room: KeptRoom<K>,
  wanted: PerTable<K, readonly Chain[]>,
  commandsFor: (saved: SavedTables<K>) => PerTable<K, readonly Command[]>,
  limit: Limit,
): Promise<{ readonly record: ChainRecord<K>; readonly written: Written<K> }> => {
  for (;;) {
    const saved = await readTables(netfilter, room)
    const record = readChains(room, saved)
    const change = { written: wanted, gone: strayChains(room, record, wanted), commands: commandsFor(saved) }
    try {
      return { record, written: await restore(netfilter, room, record, change, limit) }
    } catch (error) {
      if (!shrink(limit, error)) throw error
    }
  }
}

type FoundChain = readonly [name: ChainName, rules: readonly KnownRule[]]

/** Goes over all chains once, some at a time. */
function* tour<K extends TableName>(
  tables: readonly K[],
  record: ChainRecord<K>,
): Generator<[K, readonly FoundChain[]]> {
  for (const table of tables) {
    let part: FoundChain[] = []
    let rules = 0
    for (const chain of record[table]) {
      part.push(chain)
      rules += chain[1].length
      if (rules < rulesPerLook) continue
      yield [table, part]
      part = []
      rules = 0
    }
    if (part.length > 0) yield [table, part]
  }
}

export const createKernelChains = <K extends TableName>(
  netfilter: Netfilter,
  jumps: readonly Jump[],
  room: KeptRoom<K>,
): KernelChains<K> => {
  const { tables } = room
  const limit = startingLimit(netfilter)
  const inspector = createInspector(netfilter)
  const noCommands = perTable(tables, (): readonly Command[] => [])
  /** Missing when nobody knows what is there: a change that failed may have been made in part. */
  let record: ChainRecord<K> | undefined
  let looks: Iterator<[K, readonly FoundChain[]]> | undefined

  const nextLook = (known: ChainRecord<K>): readonly [K, readonly FoundChain[]] | undefined => {
    const next = looks?.next()
    if (next && !next.done) return next.value
    looks = tour(tables, known)
    const first = looks.next()
    return first.done ? undefined : first.value
  }

  return {
    get isUnsure() {
      return record === undefined
    },
    advance: async (change) => {
      const known = record
      if (!known) throw new Error('the kernel must be read back first')
      record = undefined
      try {
        const written = await restore(netfilter, room, known, { ...change, commands: noCommands }, limit)
        record = known
        return written
      } catch (error) {
        shrink(limit, error)
        throw error
      }
    },
    repair: async (wanted) => {
      record = undefined
      looks = undefined
      const settled = await settle(netfilter, room, wanted, (saved) => repairJumps(room, saved, jumps), limit)
      record = settled.record
      return settled.written
    },
    count: () =>
      perTable(tables, (table) => [...(record?.[table].values() ?? [])].reduce((sum, rules) => sum + rules.length, 0)),
    isIntact: async () => {
      const known = record
      if (!known) return false
      const look = nextLook(known)
      return inspector.isExact(
        tables.map((table) => ({
          table,
          jumps: jumps.filter((jump) => jump.table === table),
          chains: [
            ...[...known[table]].filter(([name]) => room.isFixed(name)),
            ...(look?.[0] === table ? look[1].filter(([name]) => !room.isFixed(name)) : []),
          ],
        })),
      )
    },
  }
}

/** Takes away all chains of a room and every jump to them; the rules of others stay as they are. Safe to repeat. */
export const removeKernelChains = async <K extends TableName>(
  netfilter: Netfilter,
  room: KeptRoom<K>,
): Promise<void> => {
  const nothing = perTable(room.tables, (): readonly Chain[] => [])
  await settle(netfilter, room, nothing, (saved) => removeJumps(room, saved), startingLimit(netfilter))
}
