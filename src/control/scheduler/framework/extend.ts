/** The seam of those who are asked over a wire, after all filters and about the nodes that they have left. */
import type { Node, Pod } from '../../../api/types/index.ts'
import type { Objection } from './filter.ts'
import type { NodeState } from './node-state.ts'

/** Pods that would have to go from a node for another pod. */
export interface Candidate {
  readonly state: NodeState
  readonly victims: readonly Pod[]
  /** How many of the victims their disruption budgets do not let go. */
  readonly violations: number
}

/** Nodes are told by their names; what is said of others is left out. Each of them rejects when there is no answer. */
export interface Extend {
  isInterested(pod: Pod): boolean
  /** What speaks against nodes. */
  filter?(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<ReadonlyMap<string, Objection>>
  /** What is added to the sum of all scores, which each are 100 at most, times a weight. */
  score?(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>
  /** Those of the candidates that are left, perhaps with other victims. */
  preempt?(pod: Pod, candidates: readonly Candidate[], signal: AbortSignal): Promise<readonly Candidate[]>
}
