/** Which objects a quota counts. Pure. */
import { isJsonObject } from '../../api/json.ts'
import { allContainers } from '../../api/pods.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../api/types/kubernetes/core-v1.ts'
import { qosClass } from '../resources/core/pod-defaults.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'

const isTerminating = ({ spec }: Pod): boolean => (spec.activeDeadlineSeconds ?? -1) >= 0
const isBestEffort = (pod: Pod): boolean => qosClass(allContainers(pod)) === 'BestEffort'

/** Terms of affinity to pods, wherever they stand. */
function* termsIn(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (Array.isArray(value)) for (const item of value) yield* termsIn(item)
  else if (isJsonObject(value)) {
    if (value['topologyKey'] !== undefined) yield value
    for (const below of Object.values(value)) yield* termsIn(below)
  }
}

const crossesNamespaces = ({ spec }: Pod): boolean => {
  const affinity: unknown = spec.affinity
  if (!isJsonObject(affinity)) return false
  return [...termsIn([affinity['podAffinity'], affinity['podAntiAffinity']])].some(
    ({ namespaces, namespaceSelector }) =>
      (Array.isArray(namespaces) && namespaces.length > 0) || namespaceSelector !== undefined,
  )
}

const matchesPriority = (pod: Pod, { operator, values = [] }: ScopedResourceSelectorRequirement): boolean => {
  const { priorityClassName } = pod.spec
  switch (operator) {
    case 'Exists':
      return Boolean(priorityClassName)
    case 'DoesNotExist':
      return !priorityClassName
    case 'In':
      return priorityClassName !== undefined && values.includes(priorityClassName)
    case 'NotIn':
      return !values.includes(priorityClassName ?? '')
    default:
      return false
  }
}

const matchesScope = (pod: Pod, requirement: ScopedResourceSelectorRequirement): boolean => {
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating(pod)
    case 'NotTerminating':
      return !isTerminating(pod)
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'PriorityClass':
      return matchesPriority(pod, requirement)
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod)
    default:
      return false
  }
}

/** A quota with scopes counts pods only, those that are in all of its scopes. */
export const counts = ({ spec }: ResourceQuota, definition: ResourceDefinition, object: KubeObject): boolean => {
  const requirements = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ]
  if (requirements.length === 0) return true
  return bucketOf(definition) === 'pods' && requirements.every((each) => matchesScope(object as Pod, each))
}
