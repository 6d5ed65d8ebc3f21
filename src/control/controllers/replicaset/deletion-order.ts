/** Which pods go first when there are too many: those whose loss is felt least. Pure; kube-controller-manager's order. */

import { isReady } from '../../../api/pods.ts'
import type { Pod, PodPhase } from '../../../api/types/index.ts'
import { readyTime, restartsOf } from '../pod-state.ts'

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

const phaseRank: Readonly<Record<PodPhase, number>> = { Pending: 0, Unknown: 1, Running: 2, Succeeded: 2, Failed: 2 }

const cost = (pod: Pod): number => {
  const given = Number(pod.metadata.annotations?.[costAnnotation] ?? 0)
  return Number.isInteger(given) ? given : 0
}

const born = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp ?? '')

type Rank = (pod: Pod) => number

/** The earlier rank decides; the lower number goes first. */
const ranks = (perNode: ReadonlyMap<string, number>): readonly Rank[] => [
  (pod) => (pod.spec.nodeName ? 1 : 0),
  (pod) => phaseRank[pod.status?.phase ?? 'Pending'],
  (pod) => (isReady(pod) ? 1 : 0),
  cost,
  (pod) => -(perNode.get(pod.spec.nodeName ?? '') ?? 0),
  (pod) => -readyTime(pod),
  (pod) => -restartsOf(pod),
  (pod) => -born(pod),
]

/** The pods with those to delete first in front. */
export const inDeletionOrder = (pods: readonly Pod[]): readonly Pod[] => {
  const perNode = new Map<string, number>()
  for (const pod of pods) {
    const node = pod.spec.nodeName ?? ''
    perNode.set(node, (perNode.get(node) ?? 0) + 1)
  }
  const order = ranks(perNode)
  return pods.toSorted((a, b) => {
    for (const rank of order) {
      const [left, right] = [rank(a), rank(b)]
      if (left !== right) return left < right ? -1 : 1
    }
    return a.metadata.name < b.metadata.name ? -1 : 1
  })
}
