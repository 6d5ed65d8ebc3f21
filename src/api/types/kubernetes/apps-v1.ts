/** Types of apps/v1, made by scripts/declare-types.ts. */

import type { PersistentVolumeClaim, PodTemplateSpec } from './core-v1.ts'
import type { ConditionStatus, LabelSelector, ObjectMeta } from './meta-v1.ts'

export interface ControllerRevision {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly data: unknown
  readonly revision: number
}

export interface DaemonSet {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: DaemonSetSpec
  readonly status: DaemonSetStatus
}

export interface DaemonSetCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly lastTransitionTime?: string | null
  readonly reason?: string
  readonly message?: string
}

export interface DaemonSetSpec {
  readonly selector?: LabelSelector
  readonly template: PodTemplateSpec
  readonly updateStrategy: DaemonSetUpdateStrategy
  readonly minReadySeconds?: number
  readonly revisionHistoryLimit?: number
}

export interface DaemonSetStatus {
  readonly currentNumberScheduled: number
  readonly numberMisscheduled: number
  readonly desiredNumberScheduled: number
  readonly numberReady: number
  readonly observedGeneration?: number
  readonly updatedNumberScheduled?: number
  readonly numberAvailable?: number
  readonly numberUnavailable?: number
  readonly collisionCount?: number
  readonly conditions?: readonly DaemonSetCondition[]
}

export interface DaemonSetUpdateStrategy {
  readonly type?: string
  readonly rollingUpdate?: RollingUpdateDaemonSet
}

export interface Deployment {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: DeploymentSpec
  readonly status?: DeploymentStatus
}

export interface DeploymentCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly lastUpdateTime?: string | null
  readonly lastTransitionTime?: string | null
  readonly reason?: string
  readonly message?: string
}

export interface DeploymentSpec {
  readonly replicas?: number
  readonly selector: LabelSelector
  readonly template: PodTemplateSpec
  readonly strategy?: DeploymentStrategy
  readonly minReadySeconds?: number
  readonly revisionHistoryLimit?: number
  readonly paused?: boolean
  readonly progressDeadlineSeconds?: number
}

export interface DeploymentStatus {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly terminatingReplicas?: number
  readonly conditions?: readonly DeploymentCondition[]
  readonly collisionCount?: number
}

export interface DeploymentStrategy {
  readonly type?: DeploymentStrategyType
  readonly rollingUpdate?: RollingUpdateDeployment
}

export type DeploymentStrategyType = 'Recreate' | 'RollingUpdate'

export interface ReplicaSet {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: ReplicaSetSpec
  readonly status?: ReplicaSetStatus
}

export interface ReplicaSetCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly lastTransitionTime?: string | null
  readonly reason?: string
  readonly message?: string
}

export interface ReplicaSetSpec {
  readonly replicas?: number
  readonly minReadySeconds?: number
  readonly selector: LabelSelector
  readonly template: PodTemplateSpec
}

export interface ReplicaSetStatus {
  readonly replicas: number
  readonly fullyLabeledReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly terminatingReplicas?: number
  readonly observedGeneration?: number
  readonly conditions?: readonly ReplicaSetCondition[]
}

export interface RollingUpdateDaemonSet {
  readonly maxUnavailable?: number | string
  readonly maxSurge?: number | string
}

export interface RollingUpdateDeployment {
  readonly maxUnavailable?: number | string
  readonly maxSurge?: number | string
}

export interface RollingUpdateStatefulSetStrategy {
  readonly partition?: number
  readonly maxUnavailable?: number | string
}

export interface StatefulSet {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: StatefulSetSpec
  readonly status: StatefulSetStatus
}

export interface StatefulSetCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly lastTransitionTime?: string | null
  readonly reason?: string
  readonly message?: string
}

export interface StatefulSetOrdinals {
  readonly start: number
}

export interface StatefulSetPersistentVolumeClaimRetentionPolicy {
  readonly whenDeleted?: string
  readonly whenScaled?: string
}

export interface StatefulSetSpec {
  readonly replicas?: number
  readonly selector?: LabelSelector
  readonly template: PodTemplateSpec
  readonly volumeClaimTemplates?: readonly PersistentVolumeClaim[]
  readonly serviceName: string
  readonly podManagementPolicy?: string
  readonly updateStrategy: StatefulSetUpdateStrategy
  readonly revisionHistoryLimit?: number
  readonly minReadySeconds?: number
  readonly persistentVolumeClaimRetentionPolicy?: StatefulSetPersistentVolumeClaimRetentionPolicy
  readonly ordinals?: StatefulSetOrdinals
}

export interface StatefulSetStatus {
  readonly observedGeneration?: number
  readonly replicas: number
  readonly readyReplicas?: number
  readonly currentReplicas?: number
  readonly updatedReplicas?: number
  readonly currentRevision?: string
  readonly updateRevision?: string
  readonly collisionCount?: number
  readonly conditions?: readonly StatefulSetCondition[]
  readonly availableReplicas: number
}

export interface StatefulSetUpdateStrategy {
  readonly type?: string
  readonly rollingUpdate?: RollingUpdateStatefulSetStrategy
}
