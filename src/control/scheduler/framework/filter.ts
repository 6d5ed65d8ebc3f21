/** The seam of filters, which say what speaks against nodes. */
import type { Pod, StringMap } from '../../../api/types/index.ts'
import type { NodeState } from './node-state.ts'

/** All that a plug-in sees. Pods that are being bound are on their nodes already. */
export interface Snapshot {
  readonly nodes: readonly NodeState[]
  /** The labels of a namespace. */
  namespaceLabels(name: string): StringMap | undefined
}

/** What may make room for a pod that fitted nowhere; `plugin`: a plug-in has said so. */
export const clusterEvents = ['node', 'pod added', 'pod gone', 'namespace', 'volume', 'plugin'] as const
export type ClusterEvent = (typeof clusterEvents)[number]

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
