/** The status of a ReplicaSet, or of a ReplicationController, out of its pods. Pure. */
import { formatTime } from '../../../api/clock.ts'
import { isReady } from '../../../api/pods.ts'
import type { AnyCondition, Pod, ReplicaSet } from '../../../api/types/index.ts'
import { availableIn, isActive } from '../pod-state.ts'
import type { Replicated } from './replicated.ts'

export type ReplicaSetStatus = Omit<NonNullable<ReplicaSet['status']>, 'conditions'> & {
  readonly conditions: readonly AnyCondition[]
}

export interface Counted {
  readonly status: ReplicaSetStatus
  /** When the next ready pod will count as available. */
  readonly againInMs: number | undefined
}

/** `failure` is why pods could not be made, when so. */
export const countPods = (
  owner: Replicated,
  owned: readonly Pod[],
  failure: string | undefined,
  now: number,
): Counted => {
  const pods = owned.filter(isActive)
  const labels = Object.entries(owner.spec.template?.metadata?.labels ?? {})
  const waits = pods.map((pod) => availableIn(pod, owner.spec.minReadySeconds ?? 0, now))
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
      observedGeneration: owner.metadata.generation ?? 0,
      conditions: withFailure(owner.status?.conditions ?? [], failure, now),
    },
  }
}

const withFailure = (
  before: readonly AnyCondition[],
  failure: string | undefined,
  now: number,
): readonly AnyCondition[] => {
  const others = before.filter(({ type }) => type !== 'ReplicaFailure')
  if (failure === undefined) return others
  // What failed first stays: pods of other names have other messages, and each write would bring the next attempt.
  const known = before.find(({ type }) => type === 'ReplicaFailure')
  return [
    ...others,
    known ?? {
      ...{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: failure },
      lastTransitionTime: formatTime(now),
    },
  ]
}
