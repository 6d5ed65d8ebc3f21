import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type { ClusterRole, PolicyRule, Role } from '../../../api/types/kubernetes/rbac-v1.ts'
import { createdColumn, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { isSelector, validateSelector } from '../metadata.ts'
import { pathSegmentName } from '../names.ts'

const isEmpty = (list: readonly string[] | undefined): boolean => (list ?? []).length === 0

const validateRule = (rule: PolicyRule, namespaced: boolean, field: string): FieldError[] => {
  const noVerbs = isEmpty(rule.verbs) ? [required(`${field}.verbs`, 'verbs must contain at least one value')] : []
  if (!isEmpty(rule.nonResourceURLs)) {
    const wrong = (why: string) => invalidValue(`${field}.nonResourceURLs`, rule.nonResourceURLs, why)
    const isMixed = ![rule.apiGroups, rule.resources, rule.resourceNames].every(isEmpty)
    return [
      ...noVerbs,
      ...(namespaced ? [wrong('namespaced rules cannot apply to non-resource URLs')] : []),
      ...(isMixed ? [wrong('rules cannot apply to both regular resources and non-resource URLs')] : []),
    ]
  }
  return [
    ...noVerbs,
    ...(isEmpty(rule.apiGroups)
      ? [required(`${field}.apiGroups`, 'resource rules must supply at least one api group')]
      : []),
    ...(isEmpty(rule.resources)
      ? [required(`${field}.resources`, 'resource rules must supply at least one resource')]
      : []),
  ]
}

const validateRules = (rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] =>
  (rules ?? []).flatMap((rule, at) => validateRule(rule, namespaced, `rules[${at}]`))

const validateAggregation = ({ aggregationRule }: ClusterRole): FieldError[] => {
  if (!aggregationRule) return []
  const field = 'aggregationRule.clusterRoleSelectors'
  const selectors = aggregationRule.clusterRoleSelectors ?? []
  return selectors.length === 0
    ? [required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
    : selectors.flatMap((selector, at) => [
        ...validateSelector(selector, `${field}[${at}]`),
        ...(isSelector(selector) ? [] : [invalidValue(`${field}[${at}]`, selector, 'invalid label selector.')]),
      ])
}

const group = 'rbac.authorization.k8s.io'

export const role = define<Role>({
  group,
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'roles',
  singular: 'role',
  kind: 'Role',
  namespaced: true,
  nameRule: pathSegmentName,
  columns: [nameColumn, createdColumn],
  validate: ({ rules }) => validateRules(rules, true),
})

export const clusterRole = define<ClusterRole>({
  group,
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'clusterroles',
  singular: 'clusterrole',
  kind: 'ClusterRole',
  namespaced: false,
  nameRule: pathSegmentName,
  columns: [nameColumn, createdColumn],
  validate: (object) => [...validateRules(object.rules, false), ...validateAggregation(object)],
})
