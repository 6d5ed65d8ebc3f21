/** Kinds whose objects own pods. */

import type { Draft } from '../../../api/client.ts'
import type { Resource } from '../../../api/resources.ts'
import type { LabelMatcher } from '../../../api/selectors.ts'
import type { KubeObject, ObjectMeta, Pod, PodSpec } from '../../../api/types/index.ts'
import { controllerReference } from '../../../controller/ownership.ts'

export interface WorkloadKind<T extends KubeObject> {
  readonly resource: Resource<T>
  /** Who tells of its pods in Events. */
  readonly source: string
  /** Which pods of its namespace are the owner's. */
  matcherOf(owner: T): LabelMatcher
  /** Beyond its labels, what a pod without an owner must be like to be adopted. */
  mayAdopt?(owner: T, pod: Pod): boolean
  /** What every pod carries as long as it is the owner's. */
  readonly finalizer?: string
}

export type PodDraft = Draft<Pod>

export interface Template {
  readonly metadata?: Partial<ObjectMeta>
  readonly spec: PodSpec
}

/** A pod of the template, with its owner in it. Of the template's metadata labels, annotations and finalizers count. */
export const podOf = (owner: KubeObject, resource: Resource, { metadata = {}, spec }: Template): PodDraft => {
  const { labels, annotations, finalizers } = metadata
  return {
    metadata: {
      ...{ name: '', generateName: `${owner.metadata.name}-`, namespace: owner.metadata.namespace ?? '' },
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(owner, resource)],
    },
    spec,
  }
}
