/** What the kernel holds of ours, and the commands that put the jumps right. */
import { type Jump, missingJumps, sameRule } from '../../host/netfilter/owned.ts'
import { parseSave, ruleTarget } from '../../host/netfilter/tables.ts'
import { type PerTable, type ProxyTable, proxyTables } from './frame.ts'
import { isProxyChain } from './names.ts'
import type { KnownChains, ProxyEdit } from './plan.ts'

/** Tables as iptables-save prints them. */
export type SavedTables = PerTable<string>

/** Known chains that a restore may be written down in. */
export type ChainRecord = PerTable<Map<string, readonly string[]>>

const ownChains = (saved: string): Map<string, readonly string[]> =>
  new Map(
    [...parseSave(saved).values()].filter(({ name }) => isProxyChain(name)).map(({ name, rules }) => [name, rules]),
  )

/** This room's chains among those that are there. */
export const readChains = (saved: SavedTables): ChainRecord => ({
  nat: ownChains(saved.nat),
  filter: ownChains(saved.filter),
})

/** Writes down what a restore did. */
export const recordRestore = (record: ChainRecord, edits: readonly ProxyEdit[]): void => {
  for (const { table, chains, commands = [] } of edits) {
    for (const { name, rules } of chains) record[table].set(name, rules)
    for (const command of commands) if (command.startsWith('-X ')) record[table].delete(command.slice(3))
  }
}

/** Commands that delete the rules of others' chains that lead to ours, but for those `keep` says to keep. */
const deleteJumps = (saved: string, keep: (chain: string, rule: string, isBuiltIn: boolean) => boolean): string[] =>
  [...parseSave(saved).values()]
    .filter(({ name }) => !isProxyChain(name))
    .flatMap(({ name, rules, policy }) =>
      rules
        .filter((rule) => isProxyChain(ruleTarget(rule) ?? '') && !keep(name, rule, policy !== undefined))
        .map((rule) => `-D ${name} ${rule}`),
    )

const forEachTable = <T>(make: (table: ProxyTable) => T): PerTable<T> => ({ nat: make('nat'), filter: make('filter') })

/** Adds the jumps that are missing and deletes those from built-in chains that an older version may have left. */
export const repairJumps = (saved: SavedTables, jumps: readonly Jump[]): PerTable<readonly string[]> =>
  forEachTable((table) => {
    const wanted = jumps.filter((jump) => jump.table === table)
    const isWanted = (chain: string, rule: string) =>
      wanted.some((jump) => jump.from === chain && sameRule(jump.rule, rule))
    return [
      ...missingJumps(saved[table], wanted),
      ...deleteJumps(saved[table], (chain, rule, isBuiltIn) => !isBuiltIn || isWanted(chain, rule)),
    ]
  })

/** Deletes every jump to our chains, wherever it is. */
export const removeJumps = (saved: SavedTables): PerTable<readonly string[]> =>
  forEachTable((table) => deleteJumps(saved[table], () => false))

/** Names of chains that are there and shall not be. */
export const strayChains = (
  known: KnownChains,
  wanted: PerTable<readonly { readonly name: string }[]>,
): PerTable<readonly string[]> =>
  forEachTable((table) => {
    const names = new Set(wanted[table].map(({ name }) => name))
    return [...known[table].keys()].filter((name) => !names.has(name))
  })

/** Commands that change nothing, and fail when a jump or a rule of the given chains is not there. */
export const presenceChecks = (
  jumps: readonly Jump[],
  chains: PerTable<readonly (readonly [string, readonly string[]])[]>,
): readonly ProxyEdit[] =>
  proxyTables.map((table) => ({
    table,
    chains: [],
    commands: [
      ...jumps.filter((jump) => jump.table === table).map(({ from, rule }) => `-C ${from} ${rule}`),
      ...chains[table].flatMap(([name, rules]) => rules.map((rule) => `-C ${name} ${rule}`)),
    ],
  }))
