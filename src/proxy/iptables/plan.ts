/**
 * From chains as they are to chains as they shall be, in edits that may be applied one after another: whatever the moment,
 * a packet meets the old rules or the new ones, and nothing leads to a chain that is not there.
 */
import type { NetfilterBackend } from '../../host/netfilter/netfilter.ts'
import type { Chain, TableEdit } from '../../host/netfilter/tables.ts'
import type { PerTable, ProxyTable } from './frame.ts'

/** The rules of our chains by name, as far as we know. */
export type KnownChains = PerTable<ReadonlyMap<string, readonly string[]>>

/** An edit of one of this room's tables. */
export type ProxyEdit = TableEdit & { readonly table: ProxyTable }

/** What shall be different. */
export interface Change {
  /** Chains as they shall be, each after those it leads to; may hold some that are so already. */
  readonly written: PerTable<readonly Chain[]>
  /** Chains to take away; nothing that stays leads to them. */
  readonly gone: PerTable<readonly string[]>
  /** To run when the chains are written: jumps into them. */
  readonly commands: PerTable<readonly string[]>
}

/**
 * The most lines (chains, rules, commands) of one restore. Measured with 10,000 Services: the nft store takes twice as
 * long with more; the legacy one loads the whole table again with every restore, and is quickest with few.
 */
export const restoreLimits = { nft: 8_000, legacy: 80_000 } as const satisfies Record<NetfilterBackend, number>

const sameRules = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((rule, at) => rule === b[at])

/** The chain that turns away what either turns away, for the time between two changes of table nat. */
const union = (wanted: Chain, known: readonly string[] = []): Chain => ({
  name: wanted.name,
  rules: [...new Set([...wanted.rules, ...known])],
})

const linesOf = ({ rules }: Chain): number => 1 + rules.length

const costOf = ({ chains, commands = [] }: ProxyEdit): number =>
  commands.length + chains.reduce((sum, chain) => sum + linesOf(chain), 0)

/** Parts of at most `limit` lines; something longer than that is a part of its own. */
const chunked = <T>(list: readonly T[], lines: (one: T) => number, limit: number): readonly (readonly T[])[] => {
  const parts: T[][] = []
  let cost = 0
  for (const one of list) {
    cost += lines(one)
    const part = parts.at(-1)
    if (part && cost <= limit) part.push(one)
    else {
      parts.push([one])
      cost = lines(one)
    }
  }
  return parts
}

const write = (table: ProxyTable, chains: readonly Chain[], limit: number): readonly ProxyEdit[] =>
  chunked(chains, linesOf, limit).map((part) => ({ table, chains: part }))

const run = (table: ProxyTable, commands: readonly string[], limit: number): readonly ProxyEdit[] =>
  chunked(commands, () => 1, limit).map((part) => ({ table, chains: [], commands: part }))

/** All are emptied before the first is deleted, because they may lead to one another. */
const take = (table: ProxyTable, names: readonly string[], limit: number): readonly ProxyEdit[] => {
  const empty = names.map((name) => ({ name, rules: [] }))
  const deletions = names.map((name) => `-X ${name}`)
  return [...write(table, empty, limit), ...run(table, deletions, limit)]
}

const joined = (a: ProxyEdit, b: ProxyEdit): ProxyEdit => ({
  table: a.table,
  chains: [...a.chains, ...b.chains],
  commands: [...(a.commands ?? []), ...(b.commands ?? [])],
})

/** Puts steps together while a restore can hold them, each table once. */
const pack = (steps: readonly ProxyEdit[], limit: number): readonly (readonly ProxyEdit[])[] => {
  const batches: ProxyEdit[][] = []
  let cost = 0
  for (const step of steps) {
    const batch = batches.at(-1)
    const last = batch?.at(-1)
    cost += costOf(step)
    if (!batch || !last || cost > limit || batch.slice(0, -1).some(({ table }) => table === step.table)) {
      batches.push([step])
      cost = costOf(step)
    } else if (last.table === step.table) batch[batch.length - 1] = joined(last, step)
    else batch.push(step)
  }
  return batches
}

/**
 * The restores to make, in order. Refusals (table filter) come before the ways they guard are taken away and go after
 * new ways are open, so that no connection slips out to where nobody translates it.
 */
export const planRestores = (
  known: KnownChains,
  change: Change,
  limit: number = restoreLimits.nft,
): readonly (readonly ProxyEdit[])[] => {
  const differing = (table: ProxyTable, chains: readonly Chain[]): readonly Chain[] =>
    chains.filter(({ name, rules }) => !sameRules(rules, known[table].get(name)))
  const gone = (table: ProxyTable) => change.gone[table].filter((name) => known[table].has(name))
  const nat = [
    ...write('nat', differing('nat', change.written.nat), limit),
    ...run('nat', change.commands.nat, limit),
    ...take('nat', gone('nat'), limit),
  ]
  const filter = differing('filter', change.written.filter)
  const widened = nat.length === 0 ? filter : filter.map((chain) => union(chain, known.filter.get(chain.name)))
  const narrowed = filter.filter(({ rules }, at) => !sameRules(rules, widened[at]?.rules))
  const steps = [
    ...write('filter', differing('filter', widened), limit),
    ...run('filter', change.commands.filter, limit),
    ...nat,
    ...write('filter', narrowed, limit),
    ...take('filter', gone('filter'), limit),
  ]
  return pack(steps, limit)
}
