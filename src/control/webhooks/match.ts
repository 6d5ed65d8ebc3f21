/** Which writes a webhook or a policy is about. Pure. */
import { matchLabelSelector } from '../../api/selectors.ts'
import type { KubeObject, LabelSelector, StringMap } from '../../api/types/index.ts'
import type { NamedRuleWithOperations } from '../../api/types/kubernetes/admissionregistration-v1.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { Attributes } from './attributes.ts'

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
  const { operation, asked, name } = attributes
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

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): boolean =>
  Object.keys(matchLabels).length === 0 && matchExpressions.length === 0

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
  const hasLabels = matchLabelSelector(objectSelector ?? {})
  // What has no metadata has no labels either: only who asks for none gets it.
  const isAbout = (each: Partial<KubeObject> | undefined): boolean =>
    each !== undefined && (isEmpty(objectSelector) || (each.metadata !== undefined && hasLabels(each.metadata.labels)))
  return (namespaceLabels === undefined || inNamespace(namespaceLabels)) && (isAbout(object) || isAbout(old))
}

/** Questions about who may do what: policies are not asked about them, webhooks are. */
export const isQuestion = ({ group }: ResourceDefinition): boolean =>
  ['authentication.k8s.io', 'authorization.k8s.io'].includes(group)

/** What decides about writes is not asked about itself: nobody could mend it any more. */
export const isExempt = (row: ResourceDefinition): boolean => row.group === 'admissionregistration.k8s.io'
