import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type {
  ResourceQuota,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { isStandardResource, validateResourceAmount, validateResourceName } from './resource-names.ts'

/** `cpu: 100m/1, pods: 2/10` of what begins with `limits`, or of the rest. */
const usage = ({ status }: ResourceQuota, ofLimits: boolean): string =>
  Object.entries(status.hard ?? {})
    .filter(([name]) => name.startsWith('limits') === ofLimits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${status.used?.[name] ?? '0'}/${hard}`)
    .join(', ')

const scopes = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
]
const contraries = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

/** Scopes of pods that only what pods have can be counted in. */
const isCountedIn = (scope: string, resource: string): boolean => {
  const ofPods = ['cpu', 'memory', 'ephemeral-storage', 'pods']
  const amounts = ofPods.slice(0, 3).flatMap((name) => [name, `requests.${name}`, `limits.${name}`])
  if (scope === 'BestEffort') return resource === 'pods'
  return resource === 'pods' || amounts.includes(resource)
}

const validateCounted = (
  scope: string,
  { hard = {} }: ResourceQuotaSpec,
  field: string,
  value: unknown,
): FieldError[] =>
  scopes.includes(scope)
    ? Object.keys(hard)
        .filter((resource) => isStandardResource(resource) && !isCountedIn(scope, resource))
        .map(() => invalidValue(field, value, 'unsupported scope applied to resource'))
    : []

const validateContraries = (given: readonly string[], field: string): FieldError[] =>
  contraries
    .filter((pair) => pair.every((scope) => given.includes(scope)))
    .map(() => invalidValue(field, given, 'conflicting scopes'))

const validateScopes = (spec: ResourceQuotaSpec): FieldError[] => {
  const given = spec.scopes ?? []
  const field = 'spec.scopes'
  return [
    ...given.flatMap((scope) => [
      ...(scopes.includes(scope) ? [] : [invalidValue(field, given, 'unsupported scope')]),
      ...validateCounted(scope, spec, field, given),
    ]),
    ...validateContraries(given, field),
  ]
}

const onlyThere = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating']

/** Kubernetes names what is wrong without its place. */
const validateRequirement = (requirement: ScopedResourceSelectorRequirement, field: string): FieldError[] => {
  const { scopeName = '', operator = '', values = [] } = requirement
  const wrongOperator = (why: string) => [invalidValue(`${field}.operator`, operator, why)]
  const validateValues = (): FieldError[] => {
    switch (operator) {
      case 'In':
      case 'NotIn':
        return values.length > 0
          ? []
          : [
              required(
                `${field}.values`,
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
              ),
            ]
      case 'Exists':
      case 'DoesNotExist':
        return values.length === 0
          ? []
          : [
              invalidValue(
                `${field}.values`,
                values,
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
              ),
            ]
      default:
        return wrongOperator('not a valid selector operator')
    }
  }
  return [
    ...(scopes.includes(scopeName) ? [] : [invalidValue(`${field}.scopeName`, scopeName, 'unsupported scope')]),
    ...(onlyThere.includes(scopeName) && operator !== 'Exists'
      ? wrongOperator(
          "must be 'Exist' only operator when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort and ResourceQuotaScopeNotBestEffort",
        )
      : []),
    ...validateValues(),
  ]
}

const validateSelector = (spec: ResourceQuotaSpec): FieldError[] => {
  const requirements = spec.scopeSelector?.matchExpressions ?? []
  const field = 'spec.scopeSelector.matchExpressions'
  return [
    ...requirements.flatMap((requirement) => [
      ...validateRequirement(requirement, field),
      ...validateCounted(requirement.scopeName, spec, field, spec.scopeSelector),
    ]),
    ...validateContraries(
      requirements.map(({ scopeName }) => scopeName),
      field,
    ),
  ]
}

const validate = ({ spec }: ResourceQuota): FieldError[] => [
  ...Object.entries(spec.hard ?? {}).flatMap(([name, text]) => [
    ...validateResourceName(name, `spec.hard[${name}]`),
    ...validateResourceAmount(name, text, `spec.hard[${name}]`),
  ]),
  ...validateScopes(spec),
  ...validateSelector(spec),
]

export const resourceQuota = define<ResourceQuota>({
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  kind: 'ResourceQuota',
  namespaced: true,
  shortNames: ['quota'],
  nameRule: subdomainName,
  status: 'separate',
  columns: [
    nameColumn,
    ageColumn,
    column('Request', (quota) => usage(quota, false), 'What is used, and what may be, of requests and numbers'),
    column('Limit', (quota) => usage(quota, true), 'What is used, and what may be, of limits'),
  ],
  onCreate: (quota) => ({ ...quota, status: {} }),
  validate,
  validateUpdate: (quota, old) => immutable('spec.scopes', quota.spec.scopes, old.spec.scopes),
})
