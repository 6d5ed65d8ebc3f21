/** One pod, all nodes: where it goes, or why nowhere. Pure. */
import type { Pod } from '../../api/types/index.ts'
import { objections } from './filters.ts'
import type { NodeState } from './node-state.ts'
import { noVolumes, type PodVolumes } from './pod-volumes.ts'
import { best } from './scores.ts'

export type Decision = { readonly state: NodeState } | { readonly message: string }

/** How often each reason was given, in the words and the order of kube-scheduler. */
const explain = (reasons: readonly (readonly string[])[]): string => {
  if (reasons.length === 0) return 'no nodes available to schedule pods'
  const counts = Map.groupBy(reasons.flat(), (reason) => reason)
  const parts = [...counts].map(([reason, { length }]) => `${length} ${reason}`).sort()
  return `0/${reasons.length} nodes are available: ${parts.join(', ')}.`
}

/** `volumes`: what the pod's claims say. */
export const decide = (pod: Pod, states: readonly NodeState[], volumes: PodVolumes = noVolumes): Decision => {
  if (volumes.refusal !== undefined && states.length > 0)
    return { message: `0/${states.length} nodes are available: ${volumes.refusal}.` }
  const reasons: (readonly string[])[] = []
  const fitting = states.filter((state) => {
    const own = objections(pod, state)
    const against = own.length > 0 ? own : volumes.objections(state.node)
    if (against.length > 0) reasons.push(against)
    return against.length === 0
  })
  const state = best(pod, fitting)
  return state ? { state } : { message: explain(reasons) }
}
