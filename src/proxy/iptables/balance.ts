/** Equal shares of new connections, in turn or by chance: the rules that hand them to n targets. */
import { type Argument, always, argument, type ChainName, count, type Rule, rule } from '../../host/netfilter/rule.ts'
import type { Chain } from '../../host/netfilter/tables.ts'
import type { Balancing } from '../relays.ts'

/** The two parts of a rule between which the counter stands. */
export interface Target {
  /** Conditions, possibly none: `-p tcp`. */
  readonly match: Rule
  /** `-j DNAT --to-destination 10.1.0.2:8080`. */
  readonly verdict: Rule
}

export interface Balanced {
  readonly rules: readonly Rule[]
  /** Chains that the rules lead to. */
  readonly groups: readonly Chain[]
}

/** Up to here one rule after another is as quick as groups. */
const flatLimit = 16

/** A probability as the kernel keeps it, in 31 bits, and iptables-save prints it. */
const probability = (n: number): Argument => argument((Math.round(2 ** 31 / n) / 2 ** 31).toFixed(11))

/** Takes one of `n` packets. */
const oneOf: Readonly<Record<Balancing, (n: number) => Rule>> = {
  'round-robin': (n) => rule`-m statistic --mode nth --every ${count(n)} --packet 0`,
  random: (n) => rule`-m statistic --mode random --probability ${probability(n)}`,
}

/**
 * Each rule keeps its own count of the packets it sees. The first takes one in `turns`, so the second sees the other
 * `turns - 1` and takes one of those, and so on: in each round of `turns` packets every target gets exactly one; by
 * chance, everyone's chances are equal.
 */
const takeTurns = (targets: readonly Target[], turns: number, balancing: Balancing): readonly Rule[] =>
  targets.map(({ match, verdict }, at) => {
    const turn = turns - at === 1 ? always : oneOf[balancing](turns - at)
    return rule`${match} ${turn} ${verdict}`
  })

/**
 * Shares over all targets. Many targets are put in groups of equal size, about the square root of their
 * number, so that a packet meets few rules; those left over come first, on their own. In turn, shares differ by at most one.
 */
export const balance = (
  targets: readonly Target[],
  groupName: (index: number) => ChainName,
  balancing: Balancing = 'round-robin',
): Balanced => {
  if (targets.length <= flatLimit) return { rules: takeTurns(targets, targets.length, balancing), groups: [] }
  const count = Math.floor(Math.sqrt(targets.length))
  const size = Math.floor(targets.length / count)
  const single = targets.slice(0, targets.length - count * size)
  const rest = targets.slice(single.length)
  const groups = Array.from({ length: count }, (_, index) => ({
    name: groupName(index),
    rules: takeTurns(rest.slice(index * size, (index + 1) * size), size, balancing),
  }))
  const jumps = groups.map(({ name }) => ({ match: always, verdict: rule`-j ${name}` }))
  return { rules: [...takeTurns(single, targets.length, balancing), ...takeTurns(jumps, count, balancing)], groups }
}
