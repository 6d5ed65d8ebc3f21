/** Equal shares of new connections, in turn: the rules that hand every n-th packet to each of n targets. */
import type { Chain } from '../../host/netfilter/tables.ts'

/** The two parts of a rule between which the counter stands. */
export interface Target {
  /** Conditions, possibly none: `-p tcp`. */
  readonly match: string
  /** `-j DNAT --to-destination 10.1.0.2:8080`. */
  readonly verdict: string
}

export interface Balanced {
  readonly rules: readonly string[]
  /** Chains that the rules lead to. */
  readonly groups: readonly Chain[]
}

/** Up to here one rule after another is as quick as groups. */
const flatLimit = 16

const everyNth = (n: number): string => (n === 1 ? '' : `-m statistic --mode nth --every ${n} --packet 0`)

const join = (...words: readonly string[]): string => words.filter((word) => word !== '').join(' ')

/**
 * Each rule keeps its own count of the packets it sees. The first takes one in `turns`, so the second sees the other
 * `turns - 1` and takes one of those, and so on: in each round of `turns` packets every target gets exactly one.
 */
const takeTurns = (targets: readonly Target[], turns: number): readonly string[] =>
  targets.map(({ match, verdict }, at) => join(match, everyNth(turns - at), verdict))

/**
 * True round robin over all targets. Many targets are put in groups of equal size, about the square root of their
 * number, so that a packet meets few rules; those left over come first, on their own. Shares differ by at most one.
 */
export const roundRobin = (targets: readonly Target[], groupName: (index: number) => string): Balanced => {
  if (targets.length <= flatLimit) return { rules: takeTurns(targets, targets.length), groups: [] }
  const count = Math.floor(Math.sqrt(targets.length))
  const size = Math.floor(targets.length / count)
  const single = targets.slice(0, targets.length - count * size)
  const rest = targets.slice(single.length)
  const groups = Array.from({ length: count }, (_, index) => ({
    name: groupName(index),
    rules: takeTurns(rest.slice(index * size, (index + 1) * size), size),
  }))
  const jumps = groups.map(({ name }) => ({ match: '', verdict: `-j ${name}` }))
  return { rules: [...takeTurns(single, targets.length), ...takeTurns(jumps, count)], groups }
}
