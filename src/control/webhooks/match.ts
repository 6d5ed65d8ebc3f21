/** Which writes a webhook or a policy is about. Pure. */
import { matchLabelSelector } from '../../api/selectors.ts'
import type { KubeObject, LabelSelector, StringMap } from '../../api/types/index.ts'
import type { NamedRuleWithOperations } from '../../api/types/kubernetes/admissionregistration-v1.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { type Attributes, subjectOf } from './attributes.ts'

const includes = (list: readonly string[] = [], value: string): boolean => list.includes('*') || list.includes(value)

const matchesResource = (resources: readonly string[] = [], plural: string, subresource: string): boolean =>
  resources.some((text) => {
    const [resource = '', ...rest] = text.split('/')
    const sub = rest.join('/')
    return (resource === '*' || resource === plural) && (text === '*/*' || sub === '*' || sub === subresource)
  })

const matchesScope = (scope: string | undefined, { namespaced }: ResourceDefinition): boolean =>
  scope === undefined || scope === '*' || scope === (namespaced ? 'Namespaced' : 'Cluster')

const matchesRule = (rule: NamedRuleWithOperations, attributes: Attributes, row: ResourceDefinition): boolean => {
  const { operation, asked } = attributes
  const name = subjectOf(attributes)?.metadata.name ?? ''
  return (
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, row.group) &&
    includes(rule.apiVersions, row.version) &&
    matchesResource(rule.resources, row.plural, asked.subresource) &&
    matchesScope(rule.scope, row) &&
    ((rule.resourceNames ?? []).length === 0 || includes(rule.resourceNames, name))
  )
}

/** The row through which the rules speak of the write: its own, or an equivalent one where the policy allows it. */
export const matchingRow = (
  rules: readonly NamedRuleWithOperations[],
  attributes: Attributes,
  rows: readonly ResourceDefinition[],
): ResourceDefinition | undefined => rows.find((row) => rules.some((rule) => matchesRule(rule, attributes, row)))

const labelsOf = (object: KubeObject | undefined): StringMap => object?.metadata.labels ?? {}

/** `namespaceLabels`: undefined for what is in none. A namespace is in itself. */
export const matchesSelectors = (
  {
    namespaceSelector,
    objectSelector,
  }: { readonly namespaceSelector?: LabelSelector; readonly objectSelector?: LabelSelector },
  { object, old }: Attributes,
  namespaceLabels: StringMap | undefined,
): boolean => {
  const inNamespace = matchLabelSelector(namespaceSelector ?? {})
  const isAbout = matchLabelSelector(objectSelector ?? {})
  return (
    (namespaceLabels === undefined || inNamespace(namespaceLabels)) &&
    ((object !== undefined && isAbout(labelsOf(object))) || (old !== undefined && isAbout(labelsOf(old))))
  )
}

/** What decides about writes is not asked about itself: nobody could mend it any more. */
export const isExempt = (row: ResourceDefinition): boolean => row.group === 'admissionregistration.k8s.io'
