/** What a deployment's status says. Pure. */
import { formatTime } from '../../../api/clock.ts'
import { isSaid, withCondition } from '../../../api/conditions.ts'
import type { Deployment, DeploymentCondition, ReplicaSet } from '../../../api/types/index.ts'
import { boundsOf } from './bounds.ts'

export type DeploymentStatus = NonNullable<Deployment['status']>

/** A deadline nobody lives to see means that there is none. */
const noDeadline = 2 ** 31 - 1

const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, set) => total + (of(set) ?? 0), 0)

const find = (conditions: readonly DeploymentCondition[], type: string): DeploymentCondition | undefined =>
  conditions.find((condition) => condition.type === type)

type Finding = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>

/** A condition keeps its times while status and reason stay; `touch` renews the update time all the same. */
const set = (
  conditions: readonly DeploymentCondition[],
  finding: Finding,
  now: number,
  touch = false,
): readonly DeploymentCondition[] => {
  if (isSaid(conditions, finding) && !touch) return conditions
  return withCondition(conditions, { ...finding, lastUpdateTime: formatTime(now) }, now)
}

const availability = (deployment: Deployment, available: number): Finding => {
  const { desired, unavailable } = boundsOf(deployment)
  return available >= desired - unavailable
    ? {
        ...{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
        message: 'Deployment has minimum availability.',
      }
    : {
        ...{ type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable' },
        message: 'Deployment does not have minimum availability.',
      }
}

/** Everything but the Progressing condition. */
export const countReplicas = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: number,
): DeploymentStatus => {
  const available = sum(all, ({ status }) => status?.availableReplicas)
  const failure = all.flatMap(({ status }) => status?.conditions ?? []).find(({ type }) => type === 'ReplicaFailure')
  const before = (deployment.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure')
  const known = find(deployment.status?.conditions ?? [], 'ReplicaFailure')
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(all, ({ status }) => status?.replicas),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, ({ spec }) => spec.replicas) - available),
    conditions: [
      ...set(before, availability(deployment, available), now),
      ...(failure ? [known && known.message === failure.message ? known : failure] : []),
    ],
  }
}

/** All pods are of the current template and work. */
export const isComplete = ({ spec }: Deployment, status: DeploymentStatus): boolean => {
  const desired = spec.replicas ?? 1
  return status.updatedReplicas === desired && status.replicas === desired && status.availableReplicas === desired
}

const hasProgressed = (before: DeploymentStatus, after: DeploymentStatus): boolean => {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  const grew = (field: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'): boolean =>
    (after[field] ?? 0) > (before[field] ?? 0)
  return grew('updatedReplicas') || old(after) < old(before) || grew('readyReplicas') || grew('availableReplicas')
}

const completed = 'NewReplicaSetAvailable'
const timedOut = 'ProgressDeadlineExceeded'

const hasDeadline = ({ spec }: Deployment): boolean =>
  spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noDeadline

/** When the deadline of a rollout that goes on is over; undefined when none is running. */
const deadline = (deployment: Deployment, conditions: readonly DeploymentCondition[]): number | undefined => {
  const progress = find(conditions, 'Progressing')
  if (!progress || !hasDeadline(deployment) || deployment.spec.paused) return undefined
  if (progress.reason === completed || progress.reason === timedOut) return undefined
  return Date.parse(progress.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000
}

const progressing = (reason: string, message: string, status: DeploymentCondition['status'] = 'True'): Finding => ({
  ...{ type: 'Progressing', status, reason, message },
})

/** `event` is what this look at the deployment did: a replica set made or found, paused, resumed. */
export type RolloutEvent = {
  readonly reason: string
  readonly message: string
  readonly status: DeploymentCondition['status']
}

/** The status with the Progressing condition. */
export const withProgress = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  counted: DeploymentStatus,
  event: RolloutEvent | undefined,
  now: number,
): DeploymentStatus => {
  const conditions = counted.conditions ?? []
  const before = deployment.status ?? {}
  const known = find(conditions, 'Progressing')
  const subject = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  const told = (finding: Finding, touch = false): DeploymentStatus => ({
    ...counted,
    conditions: set(conditions, finding, now, touch),
  })
  if (!hasDeadline(deployment))
    return { ...counted, conditions: conditions.filter(({ type }) => type !== 'Progressing') }
  if (event) return told(progressing(event.reason, event.message, event.status))
  if (deployment.spec.paused) return counted
  if (counted.replicas === counted.updatedReplicas && known?.reason === completed) return counted
  if (isComplete(deployment, counted)) return told(progressing(completed, `${subject} has successfully progressed.`))
  if (hasProgressed(before, counted)) return told(progressing('ReplicaSetUpdated', `${subject} is progressing.`), true)
  const end = deadline(deployment, conditions)
  if (end !== undefined && end <= now)
    return told(progressing(timedOut, `${subject} has timed out progressing.`, 'False'))
  return counted
}

/** Milliseconds until the deadline has to be looked at, if one is running. */
export const deadlineIn = (deployment: Deployment, status: DeploymentStatus, now: number): number | undefined => {
  const end = deadline(deployment, status.conditions ?? [])
  return end === undefined ? undefined : Math.max(1_000, end - now)
}
