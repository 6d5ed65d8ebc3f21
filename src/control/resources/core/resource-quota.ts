import { type FieldError, invalidValue, notSupported } from '../../../api/errors.ts'
import type { ResourceQuota } from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { notNegative } from '../quantities.ts'
import { unattended } from '../unattended.ts'

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

const validateScopes = (given: readonly string[]): FieldError[] => [
  ...given.filter((scope) => !scopes.includes(scope)).map((scope) => notSupported('spec.scopes', scope, scopes)),
  ...contraries
    .filter((pair) => pair.every((scope) => given.includes(scope)))
    .map(() => invalidValue('spec.scopes', given, 'conflicting scopes')),
]

const validate = ({ spec }: ResourceQuota): FieldError[] => [
  ...Object.entries(spec.hard ?? {}).flatMap(([name, text]) => notNegative(`spec.hard[${name}]`, text)),
  ...validateScopes(spec.scopes ?? []),
  ...(spec.scopeSelector?.matchExpressions ?? []).flatMap(({ scopeName, operator, values = [] }, at) => {
    const field = `spec.scopeSelector.matchExpressions[${at}]`
    const needsValues = operator === 'In' || operator === 'NotIn'
    return [
      ...(scopes.includes(scopeName) ? [] : [notSupported(`${field}.scopeName`, scopeName, scopes)]),
      ...(needsValues && values.length === 0
        ? [invalidValue(`${field}.values`, values, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []),
      ...(!needsValues && values.length > 0
        ? [
            invalidValue(
              `${field}.values`,
              values,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          ]
        : []),
    ]
  }),
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
  warnings: unattended('nothing is counted or refused'),
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
