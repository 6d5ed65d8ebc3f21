/** Types of policy/v1, made by scripts/declare-types.ts. */

import type { Condition, DeleteOptions, LabelSelector, ObjectMeta } from './meta-v1.ts'

export interface Eviction {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly deleteOptions?: DeleteOptions
}

export interface PodDisruptionBudget {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: PodDisruptionBudgetSpec
  readonly status: PodDisruptionBudgetStatus
}

export interface PodDisruptionBudgetSpec {
  readonly minAvailable?: number | string
  readonly selector?: LabelSelector
  readonly maxUnavailable?: number | string
  readonly unhealthyPodEvictionPolicy?: string
}

export interface PodDisruptionBudgetStatus {
  readonly observedGeneration?: number
  readonly disruptedPods?: Readonly<Record<string, string>>
  readonly disruptionsAllowed: number
  readonly currentHealthy: number
  readonly desiredHealthy: number
  readonly expectedPods: number
  readonly conditions?: readonly Condition[]
}
