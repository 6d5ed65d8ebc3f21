/** How well a pod would do on a node it can run on; 0 to 100 each, weighted. Pure. */
import { requestsOf } from '../../api/pod-requests.ts'
import { tolerates } from '../../api/taints.ts'
import type { Pod } from '../../api/types/index.ts'
import { type NodeState, ownerOf } from './node-state.ts'

interface Score {
  readonly weight: number
  readonly of: (pod: Pod, state: NodeState, all: readonly NodeState[]) => number
}

const share = (value: number, most: number): number => (most === 0 ? 100 : 100 * (1 - value / most))

/** Few pods of the same owner: one node's end should not be the end of all of them. */
const spread: Score = {
  weight: 3,
  of: (pod, state, all) => {
    const owner = ownerOf(pod)
    const count = ({ perOwner }: NodeState): number => perOwner.get(owner) ?? 0
    return share(count(state), Math.max(...all.map(count)))
  },
}

/** Much CPU and memory left. */
const leastAllocated: Score = {
  weight: 1,
  of: (pod, { allocatable, requested }) => {
    const wanted = requestsOf(pod)
    const left = (['cpu', 'memory'] as const).map((kind) =>
      Math.max(0, share(requested[kind] + wanted[kind], allocatable[kind])),
    )
    return left.reduce((sum, each) => sum + each, 0) / left.length
  },
}

/** Few pods at all: most ask for nothing, and take something all the same. */
const fewPods: Score = {
  weight: 1,
  of: (_pod, { pods }, all) => share(pods, Math.max(...all.map((each) => each.pods))),
}

/** No taints that say "rather not". */
const taints: Score = {
  weight: 3,
  of: ({ spec }, state, all) => {
    const count = ({ node }: NodeState): number =>
      (node.spec?.taints ?? []).filter(
        (taint) =>
          taint.effect === 'PreferNoSchedule' && !(spec.tolerations ?? []).some((each) => tolerates(each, taint)),
      ).length
    return share(count(state), Math.max(...all.map(count)))
  },
}

const scores: readonly Score[] = [spread, leastAllocated, fewPods, taints]

const total = (pod: Pod, state: NodeState, all: readonly NodeState[]): number =>
  scores.reduce((sum, { weight, of }) => sum + weight * of(pod, state, all), 0)

/** The best of the nodes; of equal ones the first. Undefined when there are none. */
export const best = (pod: Pod, fitting: readonly NodeState[]): NodeState | undefined => {
  let chosen: { readonly state: NodeState; readonly score: number } | undefined
  for (const state of fitting) {
    const score = total(pod, state, fitting)
    if (!chosen || score > chosen.score) chosen = { state, score }
  }
  return chosen?.state
}
