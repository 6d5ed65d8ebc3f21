/** The seam of scores, which say how good the nodes are that all filters have left. */
import type { Pod } from '../../../api/types/index.ts'
import type { Snapshot } from './filter.ts'
import type { NodeState } from './node-state.ts'

export interface Score {
  readonly weight: number
  /** How good each node is, from 0 to 100; undefined: one is as good as another. */
  prepare(pod: Pod, fitting: readonly NodeState[], snapshot: Snapshot): ((state: NodeState) => number) | undefined
}

/** The least is best, and 0 as good as can be. */
export const fewest = (
  fitting: readonly NodeState[],
  count: (state: NodeState) => number,
): ((state: NodeState) => number) => {
  let most = 0
  for (const state of fitting) most = Math.max(most, count(state))
  return (state) => (most === 0 ? 100 : 100 * (1 - count(state) / most))
}

/** Stretched over what there is: the least gets 0, the most 100. Undefined when all are the same. */
export const stretched = (
  fitting: readonly NodeState[],
  value: (state: NodeState) => number,
): ((state: NodeState) => number) | undefined => {
  const values = new Map(fitting.map((state) => [state, value(state)]))
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const each of values.values()) {
    least = Math.min(least, each)
    most = Math.max(most, each)
  }
  if (!(most > least)) return undefined
  return (state) => (100 * ((values.get(state) ?? least) - least)) / (most - least)
}
