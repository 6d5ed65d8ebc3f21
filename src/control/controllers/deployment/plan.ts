/** What sizes the replica sets of a deployment should have next. Pure: kube-controller-manager's arithmetic. */
import type { Deployment, ReplicaSet } from '../../../api/types/index.ts'
import { type Bounds, boundsOf } from './bounds.ts'
import { desiredAnnotation, maxAnnotation } from './revisions.ts'
import { byAge } from './template.ts'

/** A replica set and the size it should get. */
export interface Resize {
  readonly set: ReplicaSet
  readonly replicas: number
}

const sizeOf = ({ spec }: ReplicaSet): number => spec.replicas ?? 1
/** What a set has above its size is on its way out. */
const availableOf = (set: ReplicaSet): number => Math.min(set.status?.availableReplicas ?? 0, sizeOf(set))
/** Whether its pods were counted since it got its size. */
const isCounted = ({ metadata, status }: ReplicaSet): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0)

/** The size with which a new replica set starts, or to which it may grow now. */
export const growthOf = (bounds: Bounds, all: readonly ReplicaSet[], current: number): number => {
  const room = bounds.desired + bounds.surge - sum(all, sizeOf)
  return room <= 0 ? current : current + Math.min(room, bounds.desired - current)
}

/** The current set grows first (or shrinks, when it is too large); only then the old ones make room. */
export const planRollingUpdate = (
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Resize[] => {
  const bounds = boundsOf(deployment)
  const size = sizeOf(current)
  const wanted = size > bounds.desired ? bounds.desired : growthOf(bounds, [current, ...old], size)
  if (wanted !== size) return [{ set: current, replicas: wanted }]
  // By counts of other sizes too many would go; the new ones come as a change of a status.
  if (![current, ...old].every(isCounted)) return []
  return shrinkOld(bounds, current, byAge(old.filter((set) => sizeOf(set) > 0)))
}

/** Pods that do not work are no loss; of those that do, only as many go as may be missing. */
const shrinkOld = (bounds: Bounds, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Resize[] => {
  const least = bounds.desired - bounds.unavailable
  const total = sizeOf(current) + sum(old, sizeOf)
  let broken = total - least - (sizeOf(current) - availableOf(current))
  if (broken <= 0) return []
  const left = new Map(old.map((set) => [set, sizeOf(set)]))
  for (const set of old) {
    const removed = Math.min(broken, Math.max(0, sizeOf(set) - availableOf(set)))
    left.set(set, sizeOf(set) - removed)
    broken -= removed
  }
  let spare = availableOf(current) + sum(old, availableOf) - least
  for (const set of old) {
    const size = left.get(set) ?? 0
    const removed = Math.min(Math.max(spare, 0), size)
    left.set(set, size - removed)
    spare -= removed
  }
  return old
    .map((set) => ({ set, replicas: left.get(set) ?? 0 }))
    .filter(({ set, replicas }) => replicas !== sizeOf(set))
}

/** Whether the wanted number changed since the sets were sized. */
export const isScaled = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  sets.some((set) => {
    const sizedFor = set.metadata.annotations?.[desiredAnnotation]
    return sizeOf(set) > 0 && sizedFor !== undefined && Number(sizedFor) !== (deployment.spec.replicas ?? 1)
  })

const isSaturated = (deployment: Deployment, set: ReplicaSet | undefined): boolean => {
  const desired = deployment.spec.replicas ?? 1
  return (
    set !== undefined &&
    sizeOf(set) === desired &&
    Number(set.metadata.annotations?.[desiredAnnotation]) === desired &&
    availableOf(set) === desired
  )
}

/** The share of one set in a change of the wanted number, by its share in the number before. */
const shareOf = (deployment: Deployment, bounds: Bounds, set: ReplicaSet): number => {
  if (bounds.desired === 0) return -sizeOf(set)
  const sizedFor = Number(set.metadata.annotations?.[maxAnnotation]) || deployment.status?.replicas || bounds.desired
  return Math.round((sizeOf(set) * (bounds.desired + bounds.surge)) / sizedFor) - sizeOf(set)
}

/** In the middle of a rollout every set grows or shrinks in proportion; the largest takes what is left over. */
const proportional = (deployment: Deployment, sets: readonly ReplicaSet[]): readonly Resize[] => {
  const bounds = boundsOf(deployment)
  const allowed = bounds.desired > 0 ? bounds.desired + bounds.surge : 0
  const toAdd = allowed - sum(sets, sizeOf)
  const aged = toAdd > 0 ? byAge(sets).toReversed() : byAge(sets)
  const largestFirst = aged.toSorted((a, b) => sizeOf(b) - sizeOf(a))
  let added = 0
  const resized = largestFirst.map((set) => {
    const rest = toAdd - added
    const share = shareOf(deployment, bounds, set)
    const change = toAdd === 0 ? 0 : toAdd > 0 ? Math.min(share, rest) : Math.max(share, rest)
    added += change
    return { set, replicas: sizeOf(set) + change }
  })
  return resized.map(({ set, replicas }, at) => ({
    set,
    replicas: Math.max(0, at === 0 ? replicas + toAdd - added : replicas),
  }))
}

/** The sizes after the wanted number changed (or while paused), without any progress of the rollout. */
export const planScale = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Resize[] => {
  const all = current ? [...old, current] : old
  const active = all.filter((set) => sizeOf(set) > 0)
  if (active.length <= 1) {
    const only = active[0] ?? current ?? byAge(old).at(-1)
    return only ? [{ set: only, replicas: deployment.spec.replicas ?? 1 }] : []
  }
  if (isSaturated(deployment, current)) return old.filter((set) => sizeOf(set) > 0).map((set) => ({ set, replicas: 0 }))
  return deployment.spec.strategy?.type === 'Recreate' ? [] : proportional(deployment, active)
}
