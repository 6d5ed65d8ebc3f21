/** One pod, all nodes: where it goes, or why nowhere. */
import type { Pod } from '../../api/types/index.ts'
import { type Circumstances, findFeasible, type Refused } from './feasible.ts'
import type { Snapshot } from './framework/filter.ts'
import type { NodeState } from './framework/node-state.ts'
import type { Score } from './framework/score.ts'
import type { DecidingPlugins } from './profile.ts'

export type Decision = { readonly state: NodeState } | Refused

/** What is added to the sum of a node's scores. */
export type Bonus = (state: NodeState) => number

/** The best of the nodes; of equal ones the first. Undefined when there are none. */
export const best = (
  pod: Pod,
  fitting: readonly NodeState[],
  snapshot: Snapshot,
  scores: readonly Score[],
  bonus?: Bonus,
): NodeState | undefined => {
  if (fitting.length < 2) return fitting[0]
  const prepared = scores.flatMap((score) => {
    const of = score.prepare(pod, fitting, snapshot)
    return of ? [{ weight: score.weight, of }] : []
  })
  if (bonus) prepared.push({ weight: 1, of: bonus })
  let chosen: { readonly state: NodeState; readonly total: number } | undefined
  for (const state of fitting) {
    const total = prepared.reduce((sum, { weight, of }) => sum + weight * of(state), 0)
    if (!chosen || total > chosen.total) chosen = { state, total }
  }
  return chosen?.state
}

export const decide = (
  pod: Pod,
  snapshot: Snapshot,
  { filters, scores }: DecidingPlugins,
  circumstances: Circumstances = {},
): Decision => {
  const found = findFeasible(pod, snapshot, filters, circumstances)
  if ('message' in found) return found
  const state = best(pod, found.fitting, snapshot, scores)
  if (!state) throw new Error('no node is feasible')
  return { state }
}
