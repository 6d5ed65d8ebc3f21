/** What a StatefulSet does next: in order, or all at once. Pure: kube-controller-manager's rules. */
import { isFinished, isReady } from '../../../api/pods.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { StatefulSet, StatefulSetStatus } from '../../../api/types/kubernetes/apps-v1.ts'
import { amountOf } from '../amounts.ts'
import { availableIn } from '../pod-state.ts'
import { revisionLabel } from '../revisions/revision.ts'
import { ordinalOf } from './identity.ts'

export interface StatefulView {
  readonly set: StatefulSet
  /** Names of the revisions that pods had, and are to have. */
  readonly current: string
  readonly update: string
  readonly pods: readonly Pod[]
  readonly now: number
}

export interface StatefulPlan {
  /** Ordinals of pods to make. */
  readonly make: readonly number[]
  readonly leaving: readonly Pod[]
  /** Of those that leave, the ones that ended by themselves. */
  readonly ended: readonly Pod[]
}

const startOf = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0
const replicasOf = ({ spec }: StatefulSet): number => spec.replicas ?? 1

/** After the last one. */
const endOf = (set: StatefulSet): number => startOf(set) + replicasOf(set)

/** So many pods are made at most before looking again. */
const burst = 500

export const isCondemned = (set: StatefulSet, ordinal: number): boolean =>
  ordinal < startOf(set) || ordinal >= endOf(set)

const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined
const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod)
const isHealthy = (pod: Pod): boolean => isRunningAndReady(pod) && !isLeaving(pod)
const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[revisionLabel] ?? ''

const isAvailable = (pod: Pod, { set, now }: StatefulView): boolean =>
  isRunningAndReady(pod) && availableIn(pod, set.spec.minReadySeconds ?? 0, now) === 0

const byOrdinal = ({ set, pods }: StatefulView): ReadonlyMap<number, Pod> =>
  new Map(
    pods
      .flatMap((pod): [number, Pod][] => {
        const ordinal = ordinalOf(set, pod)
        return ordinal === undefined ? [] : [[ordinal, pod]]
      })
      .sort(([a], [b]) => a - b),
  )

const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy.rollingUpdate?.partition ?? 0

/** Below the partition a pod keeps the revision that it had. */
export const keepsRevision = ({ spec, status, ...set }: StatefulSet, ordinal: number): boolean => {
  if (spec.updateStrategy.type !== 'RollingUpdate') return false
  const whole = { ...set, spec, status }
  const kept = spec.updateStrategy.rollingUpdate ? partitionOf(whole) : (status.currentReplicas ?? 0)
  return ordinal < startOf(whole) + kept
}

/** Pods to delete so that they come back with the new revision: the last first, and none before those after it work. */
const planUpdate = (view: StatefulView, members: ReadonlyMap<number, Pod>): readonly Pod[] => {
  const { set, update } = view
  const { type, rollingUpdate } = set.spec.updateStrategy
  if (type !== 'RollingUpdate') return []
  const most = Math.max(1, amountOf(rollingUpdate?.maxUnavailable ?? 1, replicasOf(set), Math.floor))
  const leaving: Pod[] = []
  const first = startOf(set) + partitionOf(set)
  let missing = 0
  let after = endOf(set)
  for (const [ordinal, pod] of [...members].toReversed()) {
    if (isCondemned(set, ordinal)) continue
    // Those between the two that are there are missing.
    missing += after - ordinal - 1
    after = ordinal
    if (ordinal < first || missing >= most) break
    if (revisionOf(pod) !== update && !isLeaving(pod)) {
      leaving.push(pod)
      missing++
    } else if (isLeaving(pod) || !isAvailable(pod, view)) missing++
  }
  return leaving
}

export const planMembers = (view: StatefulView): StatefulPlan => {
  const { set } = view
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel'
  const members = byOrdinal(view)
  const make: number[] = []
  const ended: Pod[] = []
  for (let ordinal = startOf(set); ordinal < endOf(set); ordinal++) {
    const pod = members.get(ordinal)
    if (!pod) make.push(ordinal)
    else if (isFinished(pod) && !isLeaving(pod)) ended.push(pod)
    else if (!isLeaving(pod) && isAvailable(pod, view)) continue
    if (isOrdered || make.length >= burst) return { make, leaving: ended, ended }
  }
  const [firstBroken] = [...members.values()].filter((pod) => !isHealthy(pod))
  const condemned: Pod[] = []
  for (const [ordinal, pod] of [...members].toReversed()) {
    if (!isCondemned(set, ordinal)) continue
    if (isOrdered && (isLeaving(pod) || (pod !== firstBroken && !isAvailable(pod, view))))
      return { make, leaving: ended, ended }
    if (!isLeaving(pod)) condemned.push(pod)
    if (isOrdered) break
  }
  if (isOrdered && condemned.length > 0) return { make, leaving: condemned, ended }
  const outdated = planUpdate(view, members).filter((pod) => !ended.includes(pod))
  return { make, leaving: [...ended, ...condemned, ...outdated], ended }
}

export interface CountedMembers {
  readonly status: Omit<StatefulSetStatus, 'collisionCount' | 'conditions'>
  /** When the next ready pod will count as available. */
  readonly againInMs: number | undefined
}

/** The revision to update to becomes the current one when all pods are of it and work. */
export const countMembers = (view: StatefulView): CountedMembers => {
  const { set, current, update, now } = view
  const members = [...byOrdinal(view).values()]
  const present = members.filter((pod) => !isLeaving(pod))
  const ofRevision = (name: string): number => present.filter((pod) => revisionOf(pod) === name).length
  const waits = members
    .filter(isRunningAndReady)
    .map((pod) => availableIn(pod, set.spec.minReadySeconds ?? 0, now))
    .filter((ms) => ms !== undefined)
  const soon = waits.filter((ms) => ms > 0)
  const [replicas, ready, updated] = [members.length, members.filter(isRunningAndReady).length, ofRevision(update)]
  const isDone =
    set.spec.updateStrategy.type === 'RollingUpdate' &&
    [replicas, ready, updated].every((count) => count === replicasOf(set))
  return {
    againInMs: soon.length > 0 ? Math.min(...soon) : undefined,
    status: {
      observedGeneration: set.metadata.generation ?? 0,
      replicas,
      readyReplicas: ready,
      availableReplicas: waits.length - soon.length,
      currentReplicas: isDone ? updated : ofRevision(current),
      updatedReplicas: updated,
      currentRevision: isDone ? update : current,
      updateRevision: update,
    },
  }
}
