/** What a DaemonSet's status says. Pure. */
import { isReady } from '../../../api/pods.ts'
import type { DaemonSetStatus } from '../../../api/types/kubernetes/apps-v1.ts'
import { availableIn } from '../pod-state.ts'
import { isUpdated, type Measure, type NodePods } from './plan.ts'

export interface CountedDaemons {
  readonly status: Omit<DaemonSetStatus, 'collisionCount' | 'conditions'>
  /** When the next ready pod will count as available. */
  readonly againInMs: number | undefined
}

/** Of several pods on a node the oldest counts. */
export const countDaemons = (places: readonly NodePods[], { set, hash, now }: Measure): CountedDaemons => {
  const wanted = places.filter(({ shouldRun }) => shouldRun)
  const running = wanted.flatMap(({ pods }) => pods.slice(0, 1))
  const waits = running.map((pod) => availableIn(pod, set.spec.minReadySeconds ?? 0, now))
  const soon = waits.filter((ms) => ms !== undefined && ms > 0)
  const available = waits.filter((ms) => ms === 0).length
  return {
    againInMs: soon.length > 0 ? Math.min(...soon.map(Number)) : undefined,
    status: {
      observedGeneration: set.metadata.generation ?? 0,
      desiredNumberScheduled: wanted.length,
      currentNumberScheduled: running.length,
      numberMisscheduled: places.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
      numberReady: running.filter(isReady).length,
      updatedNumberScheduled: running.filter((pod) => isUpdated(pod, hash)).length,
      numberAvailable: available,
      numberUnavailable: wanted.length - available,
    },
  }
}
