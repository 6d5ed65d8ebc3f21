/** What all objects have in common, and how they travel: our own words, for which Kubernetes' schema has no type. */
import type { LifecycleHandler, Probe } from './kubernetes/core-v1.ts'
import type { ConditionStatus, ObjectMeta } from './kubernetes/meta-v1.ts'

export type StringMap = Readonly<Record<string, string>>

export type IntOrString = number | string

/** Any object of the API. Kinds refine `spec`, `status` and their other top-level fields. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
}

export interface KubeList<T> {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly resourceVersion: string
    readonly continue?: string
    readonly remainingItemCount?: number
  }
  readonly items: readonly T[]
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'

export interface WatchEvent<T = KubeObject> {
  readonly type: WatchEventType
  readonly object: T
}

/** What the conditions of every kind have in common. Each kind's own is `PodCondition`, `NodeCondition` and so on. */
export interface AnyCondition {
  readonly type: string
  readonly status: ConditionStatus
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string | null
  readonly observedGeneration?: number
}

/** What a probe or a hook of the life cycle does; exactly one of the fields is set. */
export type Handler = LifecycleHandler & Pick<Probe, 'grpc'>
