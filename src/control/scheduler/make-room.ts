/** Makes room on a node for a pod that fits nowhere: less important pods have to go, and the pod waits for their end. */
import { objectKey } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PodDisruptionBudget } from '../../api/types/kubernetes/policy-v1.ts'
import { bestCandidate, findCandidates } from './candidates.ts'
import { consultOnPreemption } from './consult.ts'
import { type EvictingContext, evictFor } from './evict.ts'
import type { Refused } from './feasible.ts'
import { priorityOf } from './fit.ts'
import type { Candidate, Extend } from './framework/extend.ts'
import type { Nominations } from './nominations.ts'

export interface Preemptor {
  readonly pod: Pod
  readonly extenders: readonly Extend[]
  /** Where the search begins. */
  readonly from: number
  readonly context: EvictingContext
}

export interface RoomMaker {
  /** What is added to the message of the pod. Rejects when somebody has to be asked and does not answer. */
  makeRoom(preemptor: Preemptor, refused: Refused, signal: AbortSignal): Promise<string>
  /** The pod is there no longer. */
  gone(uid: string): void
}

interface Surroundings {
  readonly nominations: Nominations
  budgets(): Iterable<PodDisruptionBudget>
  /** It lost the node that it waited for to a more important one. */
  unseated(pod: Pod): void
  /** A node that was kept for a pod is so no longer. */
  givenUp(): void
}

export const createRoomMaker = ({ nominations, budgets, unseated, givenUp }: Surroundings): RoomMaker => {
  /** Deleted for others, and still there: by uid. */
  const evicted = new Set<string>()

  const isGoing = ({ metadata }: Pod): boolean =>
    metadata.deletionTimestamp !== undefined || evicted.has(metadata.uid ?? '')

  /** Somebody less important is on the way out, on the node that the pod waits for. */
  const isRoomComing = (pod: Pod, { objections }: Refused): boolean => {
    const node = nominations.nodeOf(pod)
    if (node === undefined) return false
    for (const [state, { isFinal }] of objections)
      if (state.node.metadata.name === node && !isFinal)
        return [...state.pods.values()].some((other) => isGoing(other) && priorityOf(other) < priorityOf(pod))
    return false
  }

  /** Pods that are less important wait no longer for a node which is cleared for another. */
  const unseat = (pod: Pod, node: string): void => {
    for (const other of nominations.on(node))
      if (priorityOf(other) < priorityOf(pod)) {
        nominations.set(other, undefined)
        unseated(other)
      }
  }

  const evict = async ({ pod, context }: Preemptor, victim: Pod, node: string): Promise<void> => {
    const { uid = '' } = victim.metadata
    evicted.add(uid)
    try {
      await evictFor(pod, victim, node, context)
    } catch (error) {
      evicted.delete(uid)
      context.log.warn({ err: error, pod: objectKey(victim), node }, 'cannot preempt a pod')
    }
  }

  const clear = async (preemptor: Preemptor, { state, victims }: Candidate): Promise<void> => {
    const node = state.node.metadata.name
    unseat(preemptor.pod, node)
    nominations.set(preemptor.pod, node)
    await Promise.all(victims.map((victim) => evict(preemptor, victim, node)))
  }

  return {
    makeRoom: async (preemptor, refused, signal) => {
      const { pod, extenders, from } = preemptor
      if (refused.objections.size === 0) return ''
      if (pod.spec.preemptionPolicy === 'Never') return ' preemption: not eligible due to preemptionPolicy=Never.'
      if (isRoomComing(pod, refused)) return ' preemption: not eligible due to a terminating pod on the nominated node.'
      const { candidates, message } = findCandidates(pod, refused, [...budgets()], from)
      const asked = extenders.some(({ preempt }) => preempt)
      const chosen = bestCandidate(asked ? await consultOnPreemption(extenders, pod, candidates, signal) : candidates)
      if (chosen) {
        await clear(preemptor, chosen)
        return ''
      }
      if (nominations.nodeOf(pod) !== undefined) givenUp()
      nominations.set(pod, undefined)
      return candidates.length === 0 ? ` ${message}` : ' preemption: an extender has left no node for it.'
    },
    gone: (uid) => {
      evicted.delete(uid)
    },
  }
}
