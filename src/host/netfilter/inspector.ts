/** Looks whether chains hold what they shall, no less and no more. */
import { CommandError } from '../command.ts'
import type { Netfilter } from './netfilter.ts'
import { type Jump, sameRule } from './owned.ts'
import { type ChainName, chainName, type Rule, type SavedRule } from './rule.ts'
import type { Command, KnownRule, SavedChain, TableName } from './tables.ts'

/** What one table shall hold. */
export interface Expectation {
  readonly table: TableName
  readonly jumps: readonly Jump[]
  readonly chains: readonly (readonly [name: ChainName, rules: readonly KnownRule[]])[]
}

export interface Inspector {
  /** Whether the chains hold exactly these rules, in this order, and every jump is somewhere in its chain. */
  isExact(expected: readonly Expectation[]): Promise<boolean>
}

/** A rule that is not found in the words in which it was written. */
interface Doubt {
  readonly chain: ChainName
  readonly rule: Rule
  /** What stands in its place. */
  readonly found?: SavedRule
}

const questionOf = ({ table, jumps, chains }: Expectation) => ({
  table,
  chains: [...new Set(jumps.map(({ from }) => chainName(from))), ...chains.map(([name]) => name)],
})

/** Rejects with nothing but what is no answer of the program. */
const succeeds = async <T>(asking: Promise<T>): Promise<T | undefined> => {
  try {
    return await asking
  } catch (error) {
    if (error instanceof CommandError) return undefined
    throw error
  }
}

export const createInspector = (netfilter: Netfilter): Inspector => {
  /** Rules that this machine's iptables prints in other words than ours. */
  const spelled = new Map<Rule, SavedRule>()

  const isSame = (wanted: KnownRule, found: SavedRule | undefined): boolean =>
    found !== undefined && (wanted === found || spelled.get(wanted as Rule) === found)

  /** Undefined when it is certain that the chain is not as it shall be. */
  const doubtsOf = (
    chain: ChainName,
    wanted: readonly KnownRule[],
    found: readonly SavedRule[],
  ): readonly Doubt[] | undefined => {
    if (wanted.length !== found.length) return undefined
    const doubts = wanted.flatMap((rule, at) => {
      const there = found[at]
      return there === undefined || isSame(rule, there) ? [] : [{ chain, rule: rule as Rule, found: there }]
    })
    // In another order, or somebody else's: then one of ours stands where another one should.
    return doubts.some(({ found: there }) => wanted.some((rule) => isSame(rule, there))) ? undefined : doubts
  }

  const jumpDoubts = (jumps: readonly Jump[], chains: ReadonlyMap<string, SavedChain>): readonly Doubt[] =>
    jumps
      .filter(({ from, rule }) => !chains.get(from)?.rules.some((there) => sameRule(rule, there)))
      .map(({ from, rule }) => ({ chain: chainName(from), rule }))

  return {
    isExact: async (expected) => {
      const asked = expected.filter(({ jumps, chains }) => jumps.length + chains.length > 0)
      const answers = await succeeds(netfilter.list(asked.map(questionOf)))
      if (!answers) return false
      const doubts: { readonly table: TableName; readonly doubts: readonly Doubt[] }[] = []
      for (const [at, { table, jumps, chains }] of asked.entries()) {
        const found = answers[at] ?? new Map<string, SavedChain>()
        const ofChains = chains.map(([name, rules]) => doubtsOf(name, rules, found.get(name)?.rules ?? []))
        if (ofChains.includes(undefined)) return false
        const all = [...jumpDoubts(jumps, found), ...ofChains.flatMap((one) => one ?? [])]
        if (all.length > 0) doubts.push({ table, doubts: all })
      }
      const checks = doubts.map(({ table, doubts: all }) => ({
        table,
        chains: [],
        commands: all.map(({ chain, rule }): Command => ({ verb: '-C', chain, rule })),
      }))
      // The program itself knows whether two ways to say it are one.
      const isThere = checks.length === 0 || (await succeeds(netfilter.apply(checks).then(() => true))) === true
      if (isThere)
        for (const { rule, found } of doubts.flatMap(({ doubts: all }) => all)) if (found) spelled.set(rule, found)
      return isThere
    },
  }
}
