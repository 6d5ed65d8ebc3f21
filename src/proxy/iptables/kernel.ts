/** The one place of this room that writes to the kernel: it keeps in mind what is there, so that little is written. */
import { CommandError } from '../../host/command.ts'
import type { Netfilter } from '../../host/netfilter/netfilter.ts'
import type { Jump } from '../../host/netfilter/owned.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import type { RuleCounts } from '../observer.ts'
import { type PerTable, type ProxyTable, proxyTables } from './frame.ts'
import { isFixedChain } from './names.ts'
import { type Change, type ProxyEdit, planRestores, restoreLimits } from './plan.ts'
import {
  type ChainRecord,
  presenceChecks,
  readChains,
  recordRestore,
  removeJumps,
  repairJumps,
  type SavedTables,
  strayChains,
} from './readback.ts'
import type { ChainChange } from './wanted.ts'

/** What a change took. */
export interface Written {
  readonly restores: number
  /** Rules that were written. */
  readonly rules: RuleCounts
}

export interface KernelRules {
  /** Whether only `repair` will do: at the start, and after a failure. */
  readonly isUnsure: boolean
  /** Makes a change. What is there already is not written again. */
  advance(change: ChainChange): Promise<Written>
  /** Reads all back and puts right what differs from `wanted`. */
  repair(wanted: PerTable<readonly Chain[]>): Promise<Written>
  /** How many rules there are, as far as is known. */
  count(): RuleCounts
  /** Whether jumps, fixed chains and the next few others are as written. Cheap; in turn it looks at all chains. */
  isIntact(): Promise<boolean>
}

/** How many rules one look compares: about 10 ms with the nft store. */
const rulesPerLook = 200

const noCommands: PerTable<readonly string[]> = { nat: [], filter: [] }

const readTables = async (netfilter: Netfilter): Promise<SavedTables> => ({
  filter: await netfilter.save('filter'),
  nat: await netfilter.save('nat'),
})

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

const rulesIn = (edits: readonly ProxyEdit[], table: ProxyTable): number =>
  edits
    .filter((edit) => edit.table === table)
    .flatMap(({ chains }) => chains)
    .reduce((sum, { rules }) => sum + rules.length, 0)

/** Makes a change and writes it down in `record`. */
const restore = async (netfilter: Netfilter, record: ChainRecord, change: Change, limit: Limit): Promise<Written> => {
  const restores = planRestores(record, change, limit.lines)
  for (const edits of restores) {
    await netfilter.apply(edits)
    recordRestore(record, edits)
  }
  const edits = restores.flat()
  return { restores: restores.length, rules: { nat: rulesIn(edits, 'nat'), filter: rulesIn(edits, 'filter') } }
}

/** Reads back and changes what differs from `wanted`. When a restore is too long, it all begins again. */
const settle = async (
  netfilter: Netfilter,
  wanted: PerTable<readonly Chain[]>,
  commandsFor: (saved: SavedTables) => PerTable<readonly string[]>,
  limit: Limit,
): Promise<{ readonly record: ChainRecord; readonly written: Written }> => {
  for (;;) {
    const saved = await readTables(netfilter)
    const record = readChains(saved)
    const change = { written: wanted, gone: strayChains(record, wanted), commands: commandsFor(saved) }
    try {
      return { record, written: await restore(netfilter, record, change, limit) }
    } catch (error) {
      if (!shrink(limit, error)) throw error
    }
  }
}

const rulesOf = (chains: ReadonlyMap<string, readonly string[]> = new Map()): number =>
  [...chains.values()].reduce((sum, rules) => sum + rules.length, 0)

type FoundChain = readonly [name: string, rules: readonly string[]]

const fixedOf = (record: ChainRecord, table: ProxyTable): readonly FoundChain[] =>
  [...record[table]].filter(([name]) => isFixedChain(name))

/** Goes over all chains once, some at a time. */
function* tour(record: ChainRecord): Generator<PerTable<readonly FoundChain[]>> {
  for (const table of proxyTables) {
    let part: FoundChain[] = []
    let rules = 0
    for (const chain of record[table]) {
      part.push(chain)
      rules += chain[1].length
      if (rules < rulesPerLook) continue
      yield { nat: [], filter: [], [table]: part }
      part = []
      rules = 0
    }
    if (part.length > 0) yield { nat: [], filter: [], [table]: part }
  }
}

export const createKernelRules = (netfilter: Netfilter, jumps: readonly Jump[]): KernelRules => {
  const limit = startingLimit(netfilter)
  /** Missing when nobody knows what is there: a change that failed may have been made in part. */
  let record: ChainRecord | undefined
  let looks: Iterator<PerTable<readonly FoundChain[]>> | undefined

  const nextLook = (known: ChainRecord): PerTable<readonly FoundChain[]> => {
    const next = looks?.next()
    if (next && !next.done) return next.value
    looks = tour(known)
    const first = looks.next()
    return first.done ? { nat: [], filter: [] } : first.value
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
        const written = await restore(netfilter, known, { ...change, commands: noCommands }, limit)
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
      const settled = await settle(netfilter, wanted, (saved) => repairJumps(saved, jumps), limit)
      record = settled.record
      return settled.written
    },
    count: () => ({ nat: rulesOf(record?.nat), filter: rulesOf(record?.filter) }),
    isIntact: async () => {
      if (!record) return false
      const look = nextLook(record)
      const chains = {
        nat: [...fixedOf(record, 'nat'), ...look.nat],
        filter: [...fixedOf(record, 'filter'), ...look.filter],
      }
      try {
        await netfilter.apply(presenceChecks(jumps, chains))
        return true
      } catch (error) {
        if (error instanceof CommandError) return false
        throw error
      }
    },
  }
}

/** Takes away all chains of this room and every jump to them; the rules of others stay as they are. Safe to repeat. */
export const cleanupProxy = async (netfilter: Netfilter): Promise<void> => {
  await settle(netfilter, { nat: [], filter: [] }, removeJumps, startingLimit(netfilter))
}
