import { type FieldError, invalidValue, notSupported } from '../../../api/errors.ts'
import type { KubeObject, LabelSelector } from '../../../api/types/index.ts'
import type { PodDisruptionBudget } from '../../../api/types/kubernetes/policy-v1.ts'
import { validateCounts, validatePart } from '../apps/workload.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { type Conversion, define } from '../definition.ts'
import { validateSelector } from '../metadata.ts'
import { subdomainName } from '../names.ts'

/** An empty selector means no pod in v1beta1 and every pod in v1: each says by this label what the other cannot. */
const emptyMatch = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
const noPod: LabelSelector = { matchExpressions: [{ key: emptyMatch, operator: 'Exists' }] }
const everyPod: LabelSelector = { matchExpressions: [{ key: emptyMatch, operator: 'DoesNotExist' }] }

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length + matchExpressions.length === 0

const isOnly = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector, operator: string): boolean =>
  Object.keys(matchLabels).length === 0 &&
  matchExpressions.length === 1 &&
  matchExpressions[0]?.key === emptyMatch &&
  matchExpressions[0].operator === operator

/** The selector of one version in the other: `empty` is what an empty one means there, `operator` says that it is empty here. */
const withSelector =
  (empty: LabelSelector, operator: string) =>
  (object: KubeObject): KubeObject => {
    const budget = object as PodDisruptionBudget
    const selector = budget.spec?.selector
    if (!selector) return object
    const other = isEmpty(selector) ? empty : isOnly(selector, operator) ? {} : selector
    return { ...budget, spec: { ...budget.spec, selector: other } } as KubeObject
  }

const beta: Conversion = {
  toStored: withSelector(noPod, 'DoesNotExist'),
  fromStored: withSelector(everyPod, 'Exists'),
}

const evictionPolicies = ['AlwaysAllow', 'IfHealthyBudget']

const validate = ({ spec, status }: PodDisruptionBudget): FieldError[] => {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set')]
      : []),
    ...validatePart(minAvailable, 'spec.minAvailable'),
    ...validatePart(maxUnavailable, 'spec.maxUnavailable'),
    ...validateSelector(selector, 'spec.selector'),
    ...(policy === undefined || evictionPolicies.includes(policy)
      ? []
      : [notSupported('spec.unhealthyPodEvictionPolicy', policy, evictionPolicies)]),
    ...validateCounts(status, ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods']),
  ]
}

const amount = (value: number | string | undefined): string => (value === undefined ? 'N/A' : String(value))

export const podDisruptionBudget = define<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1', convert: beta }],
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  kind: 'PodDisruptionBudget',
  namespaced: true,
  shortNames: ['pdb'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  updateNeedsVersion: true,
  columns: [
    nameColumn,
    column('Min Available', ({ spec }) => amount(spec.minAvailable), 'How many of its pods stay available'),
    column('Max Unavailable', ({ spec }) => amount(spec.maxUnavailable), 'How many of them may be unavailable'),
    column('Allowed Disruptions', ({ status }) => status.disruptionsAllowed, 'How many may be evicted now', 'integer'),
    ageColumn,
  ],
  onCreate: (budget) => ({
    ...budget,
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  }),
  validate,
})
