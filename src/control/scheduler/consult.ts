/** Asks those who are asked over a wire: first each of them what speaks against the nodes that are left, then all how good these are. */
import type { Pod } from '../../api/types/index.ts'
import type { Found } from './fit.ts'
import type { Candidate, Extend } from './framework/extend.ts'
import { clusterEvents } from './framework/filter.ts'
import type { NodeState } from './framework/node-state.ts'

export interface Consulted {
  readonly left: readonly NodeState[]
  readonly objections: ReadonlyMap<NodeState, Found>
  /** What is added to the scores of nodes, by their names. */
  readonly bonus: ReadonlyMap<string, number>
}

const nodesOf = (states: readonly NodeState[]) => states.map(({ node }) => node)

const addUp = (all: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const each of all) for (const [name, score] of each) sums.set(name, (sums.get(name) ?? 0) + score)
  return sums
}

/** Rejects when one does not answer whose answer cannot be done without. */
export const consult = async (
  extenders: readonly Extend[],
  pod: Pod,
  fitting: readonly NodeState[],
  signal: AbortSignal,
): Promise<Consulted> => {
  let left = fitting
  const objections = new Map<NodeState, Found>()
  for (const { filter } of extenders) {
    if (!filter || left.length === 0) continue
    const found = await filter(pod, nodesOf(left), signal)
    for (const state of left) {
      const objection = found.get(state.node.metadata.name)
      // Nobody knows what would change his mind.
      if (objection) objections.set(state, { ...objection, helpedBy: clusterEvents })
    }
    left = left.filter((state) => !objections.has(state))
  }
  const scores = left.length < 2 ? [] : extenders.flatMap(({ score }) => score ?? [])
  const bonus = addUp(await Promise.all(scores.map((score) => score(pod, nodesOf(left), signal))))
  return { left, objections, bonus }
}

/** The candidates that all of them leave. Rejects as `consult` does. */
export const consultOnPreemption = async (
  extenders: readonly Extend[],
  pod: Pod,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<readonly Candidate[]> => {
  let left = candidates
  for (const { preempt } of extenders) if (preempt && left.length > 0) left = await preempt(pod, left, signal)
  // Nobody goes for a pod that is gone by now.
  signal.throwIfAborted()
  return left
}
