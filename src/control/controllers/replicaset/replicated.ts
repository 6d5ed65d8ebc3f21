/** Kinds whose objects keep a number of equal pods. */
import { type Resource, replicaSets, replicationControllers } from '../../../api/resources.ts'
import type { Condition, KubeObject, LabelSelector, PodTemplateSpec, ReplicaSet } from '../../../api/types/index.ts'
import type { ReplicationController } from '../../../api/types/kubernetes/core-v1.ts'
import type { ComponentName } from '../names.ts'

export type ReplicaCondition = Omit<Condition, 'status'> & { readonly status: string }

export interface Replicated extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly template?: PodTemplateSpec
  }
  readonly status?: { readonly conditions?: readonly ReplicaCondition[] }
}

export interface ReplicatedKind<T extends Replicated> {
  readonly controller: ComponentName
  /** Who tells of its pods in Events. */
  readonly source: string
  readonly resource: Resource<T>
  selectorOf(owner: T): LabelSelector
}

export const replicaSetKind: ReplicatedKind<ReplicaSet> = {
  controller: 'replicaset-controller',
  source: 'replicaset-controller',
  resource: replicaSets,
  selectorOf: ({ spec }) => spec.selector,
}

/** Its selector is the labels themselves; admission has filled it in from the template where it was missing. */
export const replicationControllerKind: ReplicatedKind<ReplicationController> = {
  controller: 'replicationcontroller-controller',
  source: 'replication-controller',
  resource: replicationControllers,
  selectorOf: ({ spec }) => ({ matchLabels: spec.selector ?? {} }),
}
