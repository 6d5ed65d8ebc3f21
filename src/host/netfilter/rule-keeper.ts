/** Keeps a few chains, and the jumps that lead to them, as they should be: cheap when they are. */
import { CommandError } from '../command.ts'
import type { Netfilter } from './netfilter.ts'
import { type Jump, missingJumps, removalEdit } from './owned.ts'
import type { TableEdit } from './tables.ts'

/** Chains of one table, without commands. */
export type TableRules = Omit<TableEdit, 'commands'>

export interface RuleKeeper {
  /** Puts chains and jumps in place; true when something had to be written. */
  ensure(tables: readonly TableRules[]): Promise<boolean>
}

/** Commands that change nothing, and fail when a jump or a rule is not there. */
const presenceChecks = (tables: readonly TableRules[], jumps: readonly Jump[]): readonly TableEdit[] =>
  tables.map(({ table, chains }) => ({
    table,
    chains: [],
    commands: [
      ...jumps.filter((jump) => jump.table === table).map(({ from, rule }) => `-C ${from} ${rule}`),
      ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-C ${name} ${rule}`)),
    ],
  }))

/**
 * `jumps` may lead only to chains that every `ensure` names. Rules are to be written in the words of iptables-save. Whole
 * tables are read only when something is missing: others may have many thousand rules in them.
 */
export const createRuleKeeper = (netfilter: Netfilter, jumps: readonly Jump[]): RuleKeeper => {
  /** What is there for all we know; undefined when nobody knows. */
  let written: string | undefined

  const isIntact = async (tables: readonly TableRules[]): Promise<boolean> => {
    try {
      await netfilter.apply(presenceChecks(tables, jumps))
      return true
    } catch (error) {
      if (error instanceof CommandError) return false
      throw error
    }
  }

  const write = async (tables: readonly TableRules[], withJumps: boolean): Promise<void> => {
    written = undefined
    for (const { table, chains } of tables) {
      const own = jumps.filter((jump) => jump.table === table)
      const commands = withJumps ? missingJumps(await netfilter.save(table), own) : []
      await netfilter.apply([{ table, chains, commands }])
    }
    written = JSON.stringify(tables)
  }

  return {
    ensure: async (tables) => {
      if (written !== undefined && written !== JSON.stringify(tables)) {
        await write(tables, false)
        if (await isIntact(tables)) return true
      } else if (await isIntact(tables)) {
        written = JSON.stringify(tables)
        return false
      }
      await write(tables, true)
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
