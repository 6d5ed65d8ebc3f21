/** One pod, all nodes: where it goes, or why nowhere. Pure. */
import type { Pod } from '../../api/types/index.ts'
import { objections } from './filters.ts'
import type { NodeState } from './node-state.ts'
import { best } from './scores.ts'

export type Decision = { readonly state: NodeState } | { readonly message: string }

/** How often each reason was given, in the words and the order of kube-scheduler. */
const explain = (reasons: readonly (readonly string[])[]): string => {
  if (reasons.length === 0) return 'no nodes available to schedule pods'
  const counts = Map.groupBy(reasons.flat(), (reason) => reason)
  const parts = [...counts].map(([reason, { length }]) => `${length} ${reason}`).sort()
  return `0/${reasons.length} nodes are available: ${parts.join(', ')}.`
}

export const decide = (pod: Pod, states: readonly NodeState[]): Decision => {
  const reasons: (readonly string[])[] = []
  const fitting = states.filter((state) => {
    const against = objections(pod, state)
    if (against.length > 0) reasons.push(against)
    return against.length === 0
  })
  const state = best(pod, fitting)
  return state ? { state } : { message: explain(reasons) }
}
