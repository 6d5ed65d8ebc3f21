/** Changes of a room's chains as steps, and steps as restores that the kernel's tools can hold. */
import type { NetfilterBackend } from './netfilter.ts'
import type { ChainName } from './rule.ts'
import type { Chain, Command, KnownRule, TableEdit, TableName } from './tables.ts'

/** Something for each of a room's tables. */
export type PerTable<K extends TableName, T> = Readonly<Record<K, T>>

export const perTable = <K extends TableName, T>(tables: readonly K[], make: (table: K) => T): PerTable<K, T> =>
  Object.fromEntries(tables.map((table) => [table, make(table)])) as Record<K, T>

/** The rules of our chains by name, as far as we know. */
export type KnownChains<K extends TableName> = PerTable<K, ReadonlyMap<ChainName, readonly KnownRule[]>>

/** An edit of one of a room's tables. */
export type Edit<K extends TableName> = TableEdit & { readonly table: K }

/** What shall be different. */
export interface Change<K extends TableName> {
  /** Chains as they shall be, each after those it leads to; may hold some that are so already. */
  readonly written: PerTable<K, readonly Chain[]>
  /** Chains to take away; nothing that stays leads to them. */
  readonly gone: PerTable<K, readonly ChainName[]>
  /** To run when the chains are written: jumps into them. */
  readonly commands: PerTable<K, readonly Command[]>
}

/** The restores that make a change, in order, each of at most `limit` lines. */
export type Plan<K extends TableName> = (
  known: KnownChains<K>,
  change: Change<K>,
  limit: number,
) => readonly (readonly Edit<K>[])[]

/**
 * The most lines (chains, rules, commands) of one restore. Measured with 10,000 Services: the nft store takes twice as
 * long with more; the legacy one loads the whole table again with every restore, and is quickest with few.
 */
export const restoreLimits = { nft: 8_000, legacy: 80_000 } as const satisfies Record<NetfilterBackend, number>

const sameRules = (a: readonly KnownRule[], b: readonly KnownRule[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((rule, at) => rule === b[at])

/** Those of `chains` that are not known to be so already. */
export const differing = (
  known: ReadonlyMap<ChainName, readonly KnownRule[]>,
  chains: readonly Chain[],
): readonly Chain[] => chains.filter(({ name, rules }) => !sameRules(rules, known.get(name)))

const linesOf = ({ rules }: Chain): number => 1 + rules.length

const costOf = ({ chains, commands = [] }: TableEdit): number =>
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

/** Steps that write chains. */
export const write = <K extends TableName>(table: K, chains: readonly Chain[], limit: number): readonly Edit<K>[] =>
  chunked(chains, linesOf, limit).map((part) => ({ table, chains: part }))

/** Steps that run commands. */
export const run = <K extends TableName>(table: K, commands: readonly Command[], limit: number): readonly Edit<K>[] =>
  chunked(commands, () => 1, limit).map((part) => ({ table, chains: [], commands: part }))

/** Steps that take chains away. All are emptied before the first is deleted, because they may lead to one another. */
export const take = <K extends TableName>(table: K, names: readonly ChainName[], limit: number): readonly Edit<K>[] => {
  const empty = names.map((name) => ({ name, rules: [] }))
  const deletions = names.map((chain): Command => ({ verb: '-X', chain }))
  return [...write(table, empty, limit), ...run(table, deletions, limit)]
}

/** Chains, then the jumps to them, then what goes: for one table, in the order in which nothing leads to what is not there. */
export const tableSteps = <K extends TableName>(
  table: K,
  known: KnownChains<K>,
  change: Change<K>,
  limit: number,
): readonly Edit<K>[] => [
  ...write(table, differing(known[table], change.written[table]), limit),
  ...run(table, change.commands[table], limit),
  ...take(
    table,
    change.gone[table].filter((name) => known[table].has(name)),
    limit,
  ),
]

const joined = <K extends TableName>(a: Edit<K>, b: Edit<K>): Edit<K> => ({
  table: a.table,
  chains: [...a.chains, ...b.chains],
  commands: [...(a.commands ?? []), ...(b.commands ?? [])],
})

/** Puts steps together while a restore can hold them, each table once. */
export const pack = <K extends TableName>(
  steps: readonly Edit<K>[],
  limit: number,
): readonly (readonly Edit<K>[])[] => {
  const batches: Edit<K>[][] = []
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
