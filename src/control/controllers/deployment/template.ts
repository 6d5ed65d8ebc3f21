/** Pod templates: which replica set has which. Pure. */

import { deepEqual } from '../../../api/deep-equal.ts'
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../../api/types/index.ts'

export const hashLabel = 'pod-template-hash'

const withoutHash = (template: PodTemplateSpec): PodTemplateSpec => {
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

const isSameTemplate = (a: PodTemplateSpec, b: PodTemplateSpec): boolean => deepEqual(withoutHash(a), withoutHash(b))

const born = ({ metadata }: ReplicaSet): string => `${metadata.creationTimestamp}/${metadata.name}`

/** Oldest first. */
export const byAge = (sets: readonly ReplicaSet[]): readonly ReplicaSet[] =>
  sets.toSorted((a, b) => (born(a) < born(b) ? -1 : 1))

/** The replica set that has the deployment's template now; of several the oldest. */
export const findCurrent = (deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  byAge(sets).find(({ spec }) => isSameTemplate(spec.template, deployment.spec.template))
