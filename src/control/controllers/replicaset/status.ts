/** The status of a ReplicaSet out of its pods. Pure. */
import { formatTime } from '../../../api/clock.ts'
import type { Condition, Pod, ReplicaSet } from '../../../api/types/index.ts'
import { availableIn, isActive, isReady } from '../pod-state.ts'

export type ReplicaSetStatus = NonNullable<ReplicaSet['status']>

export interface Counted {
  readonly status: ReplicaSetStatus
  /** When the next ready pod will count as available. */
  readonly againInMs: number | undefined
}

/** `failure` is why pods could not be made, when so. */
export const countPods = (
  replicaSet: ReplicaSet,
  owned: readonly Pod[],
  failure: string | undefined,
  now: number,
): Counted => {
  const pods = owned.filter(isActive)
  const labels = Object.entries(replicaSet.spec.template.metadata?.labels ?? {})
  const waits = pods.map((pod) => availableIn(pod, replicaSet.spec.minReadySeconds ?? 0, now))
  const soon = waits.filter((ms) => ms !== undefined && ms > 0)
  return {
    againInMs: soon.length > 0 ? Math.min(...soon.map(Number)) : undefined,
    status: {
      replicas: pods.length,
      fullyLabeledReplicas: pods.filter(({ metadata }) =>
        labels.every(([key, value]) => metadata.labels?.[key] === value),
      ).length,
      readyReplicas: pods.filter(isReady).length,
      availableReplicas: waits.filter((ms) => ms === 0).length,
      observedGeneration: replicaSet.metadata.generation ?? 0,
      conditions: withFailure(replicaSet.status?.conditions ?? [], failure, now),
    },
  }
}

const withFailure = (before: readonly Condition[], failure: string | undefined, now: number): readonly Condition[] => {
  const others = before.filter(({ type }) => type !== 'ReplicaFailure')
  if (failure === undefined) return others
  const known = before.find(({ type, message }) => type === 'ReplicaFailure' && message === failure)
  return [
    ...others,
    known ?? {
      ...{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: failure },
      lastTransitionTime: formatTime(now),
    },
  ]
}
