/** What decides where pods go: filters, which say what speaks against nodes, and scores, which say how good the others are. */
import type { Pod, StringMap } from '../../../api/types/index.ts'
import type { NodeState } from './node-state.ts'

/** All that a plug-in sees. Pods that are being bound are on their nodes already. */
export interface Snapshot {
  readonly nodes: readonly NodeState[]
  /** The labels of a namespace. */
  namespaceLabels(name: string): StringMap | undefined
}

/** What may make room for a pod that fitted nowhere. */
export type ClusterEvent = 'node' | 'pod added' | 'pod gone' | 'namespace' | 'volume'

export interface Objection {
  /** In Kubernetes' words. */
  readonly reasons: readonly string[]
  /** It stays whoever leaves the node. */
  readonly isFinal: boolean
}

/** One filter and one pod. */
export interface PodFilter {
  /** Why the pod can be on no node at all. */
  readonly refusal?: string
  /** What speaks against a node. */
  check(state: NodeState): Objection | undefined
  /** Suppose that one more pod were there, or one less: `state` has changed already. What was supposed is taken back. */
  suppose?(pod: Pod, state: NodeState, change: 1 | -1): void
}

export interface Filter {
  /** What may change its mind. */
  readonly helpedBy: readonly ClusterEvent[]
  /** Looks at all nodes once for a pod; undefined: the filter has nothing to say of it. */
  prepare(pod: Pod, snapshot: Snapshot): PodFilter | undefined
}

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
