/** Kinds whose objects keep a number of equal pods. */
import { replicaSets, replicationControllers } from '../../../api/resources.ts'
import { matchLabelSelector, matchMap } from '../../../api/selectors.ts'
import type { AnyCondition, KubeObject, PodTemplateSpec, ReplicaSet } from '../../../api/types/index.ts'
import type { ReplicationController } from '../../../api/types/kubernetes/core-v1.ts'
import type { ComponentName } from '../names.ts'
import type { WorkloadKind } from '../pod-control/workload.ts'

export interface Replicated extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly template?: PodTemplateSpec
  }
  readonly status?: { readonly conditions?: readonly AnyCondition[] }
}

export interface ReplicatedKind<T extends Replicated> extends WorkloadKind<T> {
  readonly controller: ComponentName
}

export const replicaSetKind: ReplicatedKind<ReplicaSet> = {
  controller: 'replicaset-controller',
  source: 'replicaset-controller',
  resource: replicaSets,
  matcherOf: ({ spec }) => matchLabelSelector(spec.selector),
}

/** Its selector is the labels themselves; admission has filled it in from the template where it was missing. */
export const replicationControllerKind: ReplicatedKind<ReplicationController> = {
  controller: 'replicationcontroller-controller',
  source: 'replication-controller',
  resource: replicationControllers,
  matcherOf: ({ spec }) => matchMap(spec.selector),
}
