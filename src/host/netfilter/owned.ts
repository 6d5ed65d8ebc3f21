/** Chains that belong to Podway among those of others: jumps into them, and their complete removal. */
import { hash } from 'node:crypto'
import type { Netfilter } from './netfilter.ts'
import { chainName, type Rule } from './rule.ts'
import {
  type Command,
  type KnownRule,
  parseSave,
  ruleTarget,
  type SavedChain,
  type TableEdit,
  type TableName,
} from './tables.ts'

/** Every chain of ours starts with this, and nothing else of ours is in a table but jumps to such chains. */
export const ownedPrefix = 'PODWAY-'

/**
 * For chains whose names are too long to be spelled out. 64 bits of SHA-256: two of a hundred thousand chains share a name
 * once in a billion clusters.
 */
export const chainDigest = (text: string): string => hash('sha256', text).slice(0, 16).toUpperCase()

const isOwned = (chain: string | undefined): boolean => chain?.startsWith(ownedPrefix) ?? false

/** A rule of a built-in chain that leads into one of ours. */
export interface Jump {
  readonly table: TableName
  readonly from: 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'
  /** As iptables-save prints it: `-m comment --comment "podway services" -j PODWAY-SERVICES`. */
  readonly rule: Rule
  /** `first` puts it before the rules of others. */
  readonly at: 'first' | 'last'
}

/** Compares what iptables-save prints with what was written, where the two differ only in optional quotes. */
export const sameRule = (a: KnownRule, b: KnownRule): boolean =>
  a === b || a.replaceAll('"', '') === b.replaceAll('"', '')

/**
 * The commands that bring every jump of one table into place, given its built-in chains. Empty when all are there:
 * a jump that stands anywhere in its chain is left where it is.
 */
export const missingJumps = (chains: ReadonlyMap<string, SavedChain>, jumps: readonly Jump[]): readonly Command[] =>
  jumps
    .filter(({ from, rule }) => !chains.get(from)?.rules.some((existing) => sameRule(existing, rule)))
    .map(({ from, rule, at }) => ({ verb: at === 'first' ? '-I' : '-A', chain: chainName(from), rule }))

/** The edit that removes our chains (those `select` names) and every jump to them, or undefined when there are none. */
export const removalEdit = (
  table: TableName,
  saved: string,
  select: (chain: string) => boolean = () => true,
): TableEdit | undefined => {
  const chains = [...parseSave(saved).values()]
  const doomed = chains.filter(({ name }) => isOwned(name) && select(name)).map(({ name }) => name)
  if (doomed.length === 0) return undefined
  const gone = new Set<string>(doomed)
  const jumps = chains
    .filter(({ name }) => !gone.has(name))
    .flatMap(({ name, rules }) =>
      rules
        .filter((rule) => gone.has(ruleTarget(rule) ?? ''))
        .map((rule): Command => ({ verb: '-D', chain: name, rule })),
    )
  return {
    table,
    chains: doomed.map((name) => ({ name, rules: [] })),
    commands: [...jumps, ...doomed.map((chain): Command => ({ verb: '-X', chain }))],
  }
}

/** Removes everything of ours from the given tables; the rules of others stay as they are. Safe to repeat. */
export const removeOwned = async (
  netfilter: Netfilter,
  tables: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter'],
): Promise<void> => {
  for (const table of tables) {
    const edit = removalEdit(table, await netfilter.save(table))
    if (edit) await netfilter.apply([edit])
  }
}
