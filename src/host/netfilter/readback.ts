/** What the kernel holds of a room's chains, and the commands that put the jumps right. */
import { type Jump, missingJumps, sameRule } from './owned.ts'
import { type Edit, type KnownChains, type PerTable, perTable } from './restores.ts'
import type { ChainName, SavedRule } from './rule.ts'
import { type Command, type KnownRule, parseSave, ruleTarget, type TableName } from './tables.ts'

/** Tables as iptables-save prints them. */
export type SavedTables<K extends TableName> = PerTable<K, string>

/** Known chains that a restore may be written down in. */
export type ChainRecord<K extends TableName> = PerTable<K, Map<ChainName, readonly KnownRule[]>>

/** Whose chains they are, and where. */
export interface Room<K extends TableName> {
  readonly tables: readonly K[]
  /** True for the chains of this room, whatever version of it made them; false for other rooms' and strangers'. */
  isOwn(chain: string): boolean
}

/** The room's chains among those that are there. */
export const readChains = <K extends TableName>({ tables, isOwn }: Room<K>, saved: SavedTables<K>): ChainRecord<K> =>
  perTable(
    tables,
    (table) =>
      new Map(
        [...parseSave(saved[table]).values()].filter(({ name }) => isOwn(name)).map(({ name, rules }) => [name, rules]),
      ),
  )

/** Writes down what a restore did. */
export const recordRestore = <K extends TableName>(record: ChainRecord<K>, edits: readonly Edit<K>[]): void => {
  for (const { table, chains, commands = [] } of edits) {
    for (const { name, rules } of chains) record[table].set(name, rules)
    for (const command of commands) {
      const { verb, chain } = command
      const rules = record[table].get(chain)
      if (verb === '-X') record[table].delete(chain)
      else if (verb === '-I' && rules) record[table].set(chain, [command.rule, ...rules])
    }
  }
}

type KeepsJump = (chain: string, rule: SavedRule, isBuiltIn: boolean) => boolean

/** Commands that delete the rules of others' chains that lead to ours, but for those `keep` says to keep. */
const deleteJumps = (saved: string, isOwn: (chain: string) => boolean, keep: KeepsJump): Command[] =>
  [...parseSave(saved).values()]
    .filter(({ name }) => !isOwn(name))
    .flatMap(({ name, rules, policy }) =>
      rules
        .filter((rule) => isOwn(ruleTarget(rule) ?? '') && !keep(name, rule, policy !== undefined))
        .map((rule): Command => ({ verb: '-D', chain: name, rule })),
    )

/** Adds the jumps that are missing and deletes those from built-in chains that an older version may have left. */
export const repairJumps = <K extends TableName>(
  { tables, isOwn }: Room<K>,
  saved: SavedTables<K>,
  jumps: readonly Jump[],
): PerTable<K, readonly Command[]> =>
  perTable(tables, (table) => {
    const wanted = jumps.filter((jump) => jump.table === table)
    const isWanted = (chain: string, rule: SavedRule) =>
      wanted.some((jump) => jump.from === chain && sameRule(jump.rule, rule))
    return [
      ...missingJumps(parseSave(saved[table]), wanted),
      ...deleteJumps(saved[table], isOwn, (chain, rule, isBuiltIn) => !isBuiltIn || isWanted(chain, rule)),
    ]
  })

/** Deletes every jump to our chains, wherever it is. */
export const removeJumps = <K extends TableName>(
  { tables, isOwn }: Room<K>,
  saved: SavedTables<K>,
): PerTable<K, readonly Command[]> => perTable(tables, (table) => deleteJumps(saved[table], isOwn, () => false))

/** Names of chains that are there and shall not be. */
export const strayChains = <K extends TableName>(
  { tables }: Room<K>,
  known: KnownChains<K>,
  wanted: PerTable<K, readonly { readonly name: ChainName }[]>,
): PerTable<K, readonly ChainName[]> =>
  perTable(tables, (table) => {
    const names = new Set(wanted[table].map(({ name }) => name))
    return [...known[table].keys()].filter((name) => !names.has(name))
  })
