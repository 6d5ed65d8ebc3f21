/** Keeps a few chains, and the jumps that lead to them, as they should be: cheap when they are. */
import { createInspector } from './inspector.ts'
import type { Netfilter } from './netfilter.ts'
import { type Jump, missingJumps, removalEdit } from './owned.ts'
import { chainName } from './rule.ts'
import type { TableEdit } from './tables.ts'

/** Chains of one table, without commands. */
export type TableRules = Omit<TableEdit, 'commands'>

export interface RuleKeeper {
  /** Puts chains and jumps in place, and takes out of the chains what is none of these rules; true when it had to write. */
  ensure(tables: readonly TableRules[]): Promise<boolean>
}

/**
 * `jumps` may lead only to chains that every `ensure` names. Rules are to be written in the words of iptables-save. Nothing
 * is read but these chains: others may have many thousand rules in the same tables.
 */
export const createRuleKeeper = (netfilter: Netfilter, jumps: readonly Jump[]): RuleKeeper => {
  const inspector = createInspector(netfilter)

  const isExact = (tables: readonly TableRules[]): Promise<boolean> =>
    inspector.isExact(
      tables.map(({ table, chains }) => ({
        table,
        jumps: jumps.filter((jump) => jump.table === table),
        chains: chains.map(({ name, rules }) => [name, rules] as const),
      })),
    )

  const write = async ({ table, chains }: TableRules): Promise<void> => {
    const own = jumps.filter((jump) => jump.table === table)
    const starts = [...new Set(own.map(({ from }) => chainName(from)))]
    const [found = new Map()] = own.length === 0 ? [] : await netfilter.list([{ table, chains: starts }])
    await netfilter.apply([{ table, chains, commands: missingJumps(found, own) }])
  }

  return {
    ensure: async (tables) => {
      if (await isExact(tables)) return false
      for (const table of tables) await write(table)
      return true
    },
  }
}

/** Takes the chains that `select` names out of these tables, with every jump to them. */
export const removeChains = async (
  netfilter: Netfilter,
  tables: readonly TableEdit['table'][],
  select: (chain: string) => boolean,
): Promise<void> => {
  for (const table of tables) {
    const edit = removalEdit(table, await netfilter.save(table), select)
    if (edit) await netfilter.apply([edit])
  }
}
