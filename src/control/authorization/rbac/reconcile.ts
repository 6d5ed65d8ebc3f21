/**
 * A default role or binding as it is to be, given what is there: what is missing comes back, what was added stays. Pure;
 * undefined when there is nothing to do.
 */
import type { Draft } from '../../../api/client.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import type { KubeObject, ObjectMeta } from '../../../api/types/index.ts'
import type {
  AggregationRule,
  ClusterRoleBinding,
  PolicyRule,
  RoleBinding,
  Subject,
} from '../../../api/types/kubernetes/rbac-v1.ts'
import { autoUpdateAnnotation } from './defaults.ts'
import { missingRules } from './rules.ts'

/** A ClusterRole, or a Role, which gathers nothing. */
export interface AnyRole extends KubeObject {
  readonly rules: readonly PolicyRule[]
  readonly aggregationRule?: AggregationRule
}

const isKeptAsItIs = ({ metadata }: KubeObject): boolean =>
  (metadata.annotations?.[autoUpdateAnnotation] ?? 'true') !== 'true'

/** What is there counts; what is missing is added. */
const mergedMetadata = (found: ObjectMeta, wanted: ObjectMeta): ObjectMeta => ({
  ...found,
  labels: { ...wanted.labels, ...found.labels },
  annotations: { ...wanted.annotations, ...found.annotations },
})

const unlessEqual = <T extends KubeObject>(next: T, found: T): T | undefined =>
  deepEqual(next, found) ? undefined : next

export const reconciledRole = <T extends AnyRole>(found: T, wanted: Draft<T>): T | undefined => {
  if (isKeptAsItIs(found)) return undefined
  const { aggregationRule } = wanted
  const rules = aggregationRule
    ? found.rules
    : [...(found.rules ?? []), ...missingRules(found.rules ?? [], wanted.rules)]
  const next = { ...found, metadata: mergedMetadata(found.metadata, wanted.metadata), rules }
  return unlessEqual(aggregationRule ? { ...next, aggregationRule } : next, found)
}

const isSame = (a: Subject, b: Subject): boolean =>
  a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '')

/** `replace`: a binding to another role has to go first, as nobody may change where one leads. */
export const reconciledBinding = <T extends RoleBinding | ClusterRoleBinding>(
  found: T,
  wanted: Draft<T>,
): { readonly binding: T; readonly replace: boolean } | undefined => {
  if (isKeptAsItIs(found)) return undefined
  const subjects = found.subjects ?? []
  const missing = (wanted.subjects ?? []).filter((each) => !subjects.some((other) => isSame(each, other)))
  const next = {
    ...found,
    metadata: mergedMetadata(found.metadata, wanted.metadata),
    ...(missing.length === 0 ? {} : { subjects: [...subjects, ...missing] }),
    roleRef: wanted.roleRef,
  }
  const binding = unlessEqual(next, found)
  return binding && { binding, replace: !deepEqual(found.roleRef, wanted.roleRef) }
}
