/** Whether a pod fits on a node, by all filters. Pure, but for what is supposed and taken back. */
import { objectKey } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import type { ClusterEvent, Filter, Objection, PodFilter, Snapshot } from './framework/filter.ts'
import { addPod, type NodeState, removePod } from './framework/node-state.ts'

export const priorityOf = ({ spec }: Pod): number => spec.priority ?? 0

/** Pods that wait for room on a node, which was made for them. */
export type NominatedOn = (node: string) => readonly Pod[]

/** Who objects, with what would help against it. */
export interface Found extends Objection {
  readonly helpedBy: readonly ClusterEvent[]
}

/** All filters and one pod. */
export interface Fit {
  readonly refusal: Found | undefined
  check(state: NodeState): Found | undefined
  /** Puts a pod on the node (1), or takes it away (-1). */
  move(pod: Pod, state: NodeState, change: 1 | -1): void
}

interface Prepared {
  readonly filter: Filter
  readonly own: PodFilter
}

const first = (prepared: readonly Prepared[], state: NodeState): Found | undefined => {
  for (const { filter, own } of prepared) {
    const objection = own.check(state)
    if (objection) return { ...objection, helpedBy: filter.helpedBy }
  }
  return undefined
}

export const fitOf = (
  pod: Pod,
  snapshot: Snapshot,
  filters: readonly Filter[],
  nominatedOn: NominatedOn = () => [],
): Fit => {
  const prepared = filters.flatMap((filter) => {
    const own = filter.prepare(pod, snapshot)
    return own ? [{ filter, own }] : []
  })
  const refusing = prepared.find(({ own }) => own.refusal !== undefined)
  const reason = refusing?.own.refusal
  const move: Fit['move'] = (other, state, change) => {
    if (change === 1) addPod(state, other)
    else removePod(state, other)
    for (const { own } of prepared) own.suppose?.(other, state, change)
  }
  /** Those who may not lose their place to the pod. */
  const expected = ({ node, pods }: NodeState): readonly Pod[] =>
    nominatedOn(node.metadata.name).filter(
      (other) =>
        other.metadata.uid !== pod.metadata.uid && priorityOf(other) >= priorityOf(pod) && !pods.has(objectKey(other)),
    )
  return {
    refusal:
      refusing && reason !== undefined
        ? { reasons: [reason], isFinal: true, helpedBy: refusing.filter.helpedBy }
        : undefined,
    move,
    check: (state) => {
      const others = expected(state)
      if (others.length === 0) return first(prepared, state)
      for (const other of others) move(other, state, 1)
      const objection = first(prepared, state)
      for (const other of others.toReversed()) move(other, state, -1)
      // They may never come: what needs them there does not have them yet.
      return objection ?? first(prepared, state)
    },
  }
}
