/** What the kernel holds of a room's chains, and the commands that put the jumps right. */
import { type Jump, missingJumps, sameRule } from './owned.ts'
import { type Edit, type KnownChains, type PerTable, perTable } from './restores.ts'
import { parseSave, ruleTarget, type TableName } from './tables.ts'

/** Tables as iptables-save prints them. */
export type SavedTables<K extends TableName> = PerTable<K, string>

/** Known chains that a restore may be written down in. */
export type ChainRecord<K extends TableName> = PerTable<K, Map<string, readonly string[]>>

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
    for (const command of commands) if (command.startsWith('-X ')) record[table].delete(command.slice(3))
  }
}

type KeepsJump = (chain: string, rule: string, isBuiltIn: boolean) => boolean

/** Commands that delete the rules of others' chains that lead to ours, but for those `keep` says to keep. */
const deleteJumps = (saved: string, isOwn: (chain: string) => boolean, keep: KeepsJump): string[] =>
  [...parseSave(saved).values()]
    .filter(({ name }) => !isOwn(name))
    .flatMap(({ name, rules, policy }) =>
      rules
        .filter((rule) => isOwn(ruleTarget(rule) ?? '') && !keep(name, rule, policy !== undefined))
        .map((rule) => `-D ${name} ${rule}`),
    )

/** Adds the jumps that are missing and deletes those from built-in chains that an older version may have left. */
export const repairJumps = <K extends TableName>(
  { tables, isOwn }: Room<K>,
  saved: SavedTables<K>,
  jumps: readonly Jump[],
): PerTable<K, readonly string[]> =>
  perTable(tables, (table) => {
    const wanted = jumps.filter((jump) => jump.table === table)
    const isWanted = (chain: string, rule: string) =>
      wanted.some((jump) => jump.from === chain && sameRule(jump.rule, rule))
    return [
      ...missingJumps(saved[table], wanted),
      ...deleteJumps(saved[table], isOwn, (chain, rule, isBuiltIn) => !isBuiltIn || isWanted(chain, rule)),
    ]
  })

/** Deletes every jump to our chains, wherever it is. */
export const removeJumps = <K extends TableName>(
  { tables, isOwn }: Room<K>,
  saved: SavedTables<K>,
): PerTable<K, readonly string[]> => perTable(tables, (table) => deleteJumps(saved[table], isOwn, () => false))

/** Names of chains that are there and shall not be. */
export const strayChains = <K extends TableName>(
  { tables }: Room<K>,
  known: KnownChains<K>,
  wanted: PerTable<K, readonly { readonly name: string }[]>,
): PerTable<K, readonly string[]> =>
  perTable(tables, (table) => {
    const names = new Set(wanted[table].map(({ name }) => name))
    return [...known[table].keys()].filter((name) => !names.has(name))
  })

/** Commands that change nothing, and fail when a jump or a rule of the given chains is not there. */
export const presenceChecks = <K extends TableName>(
  { tables }: Room<K>,
  jumps: readonly Jump[],
  chains: PerTable<K, readonly (readonly [string, readonly string[]])[]>,
): readonly Edit<K>[] =>
  tables.map((table) => ({
    table,
    chains: [],
    commands: [
      ...jumps.filter((jump) => jump.table === table).map(({ from, rule }) => `-C ${from} ${rule}`),
      ...chains[table].flatMap(([name, rules]) => rules.map((rule) => `-C ${name} ${rule}`)),
    ],
  }))
