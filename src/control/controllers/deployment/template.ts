/** Pod templates: which replica set has which, and the hash that tells them apart. Pure. */

import { deepEqual } from '../../../api/deep-equal.ts'
import { sortFields } from '../../../api/json.ts'
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../../api/types/index.ts'

export const hashLabel = 'pod-template-hash'

/** No vowels and nothing that looks like another: hashes must not spell words. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** FNV-1a, 32 bits. */
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The hash of a template; `collisions` is counted up when the name that it makes is taken by another template. */
export const templateHash = (template: PodTemplateSpec, collisions = 0): string =>
  [...String(fnv1a(`${JSON.stringify(sortFields(template))}${collisions || ''}`))]
    .map((digit) => safeAlphabet[Number(digit) % safeAlphabet.length])
    .join('')

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
