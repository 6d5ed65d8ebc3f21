/** Where a pod may go: node selectors, affinity to pods, spread and tolerations. */

import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from '../../../api/errors.ts'
import { checkLabelValue, checkQualifiedName, checkSubdomain } from '../../../api/names.ts'
import type { NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, Toleration } from '../../../api/types/index.ts'
import type {
  Affinity,
  PodAffinity,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../../../api/types/kubernetes/core-v1.ts'
import { validateSelector } from '../metadata.ts'
import { checkLabel, ifWrong } from '../names.ts'

const validateKey = (key: string | undefined, field: string): FieldError[] =>
  ifWrong(checkQualifiedName(key ?? ''), field, key ?? '')

const operatorMessage = 'not a valid selector operator'

const validateValues = ({ operator, values = [] }: NodeSelectorRequirement, path: string): FieldError[] => {
  const field = `${path}.values`
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0 ? [] : [required(field, "must be specified when `operator` is 'In' or 'NotIn'")]
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? []
        : [forbiddenField(field, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
    case 'Gt':
    case 'Lt':
      return values.length === 1
        ? []
        : [required(field, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
    default:
      return [invalidValue(`${path}.operator`, operator ?? '', operatorMessage)]
  }
}

const validateLabelRequirement = (requirement: NodeSelectorRequirement, path: string): FieldError[] => [
  ...validateValues(requirement, path),
  ...validateKey(requirement.key, `${path}.key`),
]

/** The name is the one field of nodes that is selected by. */
const validateFieldRequirement = (requirement: NodeSelectorRequirement, path: string): FieldError[] => {
  const { key, operator, values = [] } = requirement
  const isKnown = operator === 'In' || operator === 'NotIn'
  return [
    ...(isKnown ? [] : [invalidValue(`${path}.operator`, operator ?? '', operatorMessage)]),
    ...(isKnown && values.length !== 1
      ? [
          required(
            `${path}.values`,
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
          ),
        ]
      : []),
    ...(key === 'metadata.name'
      ? values.flatMap((value, at) => ifWrong(checkSubdomain(value), `${path}.values[${at}]`, value))
      : [invalidValue(`${path}.key`, key ?? '', 'not a valid field selector key')]),
  ]
}

const validateNodeSelectorTerm = (term: NodeSelectorTerm, path: string): FieldError[] => [
  ...(term.matchExpressions ?? []).flatMap((each, at) =>
    validateLabelRequirement(each, `${path}.matchExpressions[${at}]`),
  ),
  ...(term.matchFields ?? []).flatMap((each, at) => validateFieldRequirement(each, `${path}.matchFields[${at}]`)),
]

export const validateNodeSelector = (
  { nodeSelectorTerms: terms = [] }: { readonly nodeSelectorTerms?: readonly NodeSelectorTerm[] },
  path: string,
): FieldError[] =>
  terms.length === 0
    ? [required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')]
    : terms.flatMap((term, at) => validateNodeSelectorTerm(term, `${path}.nodeSelectorTerms[${at}]`))

const validateWeight = (weight: number | undefined, field: string): FieldError[] =>
  weight !== undefined && weight > 0 && weight <= 100
    ? []
    : [invalidValue(field, weight ?? 0, 'must be in the range 1-100')]

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution'

const validateNodeAffinity = (affinity: NodeAffinity, path: string): FieldError[] => {
  const { [requiredTerms]: demanded, [preferredTerms]: preferred = [] } = affinity
  return [
    ...(demanded ? validateNodeSelector(demanded, `${path}.${requiredTerms}`) : []),
    ...preferred.flatMap(({ weight, preference }, at) => [
      ...validateWeight(weight, `${path}.${preferredTerms}[${at}].weight`),
      ...validateNodeSelectorTerm(preference, `${path}.${preferredTerms}[${at}].preference`),
    ]),
  ]
}

const validatePodTerm = (term: PodAffinityTerm, path: string): FieldError[] => {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey } = term
  return [
    ...validateSelector(labelSelector, `${path}.labelSelector`),
    ...validateSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...namespaces.flatMap((name) => ifWrong(checkLabel(name), `${path}.namespace`, name)),
    ...(topologyKey ? [] : [required(`${path}.topologyKey`, 'can not be empty')]),
    ...validateKey(topologyKey, `${path}.topologyKey`),
  ]
}

/** Nearness to other pods, or distance from them: one form. */
const validatePodAffinity = (affinity: PodAffinity, path: string): FieldError[] => {
  const { [requiredTerms]: demanded = [], [preferredTerms]: preferred = [] } = affinity
  return [
    ...demanded.flatMap((term, at) => validatePodTerm(term, `${path}.${requiredTerms}[${at}]`)),
    ...preferred.flatMap(({ weight, podAffinityTerm }, at) => [
      ...validateWeight(weight, `${path}.${preferredTerms}[${at}].weight`),
      ...validatePodTerm(podAffinityTerm, `${path}.${preferredTerms}[${at}].podAffinityTerm`),
    ]),
  ]
}

export const validateAffinity = (affinity: Affinity | undefined, path: string): FieldError[] => {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {}
  return [
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity, `${path}.nodeAffinity`) : []),
    ...(podAffinity ? validatePodAffinity(podAffinity, `${path}.podAffinity`) : []),
    ...(podAntiAffinity ? validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`) : []),
  ]
}

const whatElse = ['DoNotSchedule', 'ScheduleAnyway']

export const validateSpread = (constraints: readonly TopologySpreadConstraint[], path: string): FieldError[] =>
  constraints.flatMap(({ maxSkew = 0, topologyKey, whenUnsatisfiable, labelSelector }, at) => {
    const field = `${path}[${at}]`
    const isRepeated = constraints
      .slice(at + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)
    return [
      ...(maxSkew > 0 ? [] : [invalidValue(`${field}.maxSkew`, maxSkew, 'must be greater than zero')]),
      ...(topologyKey ? [] : [required(`${field}.topologyKey`, 'can not be empty')]),
      ...(whatElse.includes(whenUnsatisfiable)
        ? []
        : [notSupported(`${field}.whenUnsatisfiable`, whenUnsatisfiable ?? '', whatElse)]),
      ...(isRepeated
        ? [duplicate(`${field}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`)]
        : []),
      ...validateSelector(labelSelector, `${field}.labelSelector`),
    ]
  })

const effects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule']

/** Of a taint, which must have one, or of a toleration, which need not. */
export const validateTaintEffect = (effect: string, field: string): FieldError[] =>
  effects.includes(effect) ? [] : [notSupported(field, effect, effects)]

const validateTolerationValue = (toleration: Toleration, field: string): FieldError[] => {
  const { operator, value = '' } = toleration
  switch (operator) {
    case undefined:
    case 'Equal':
      return ifWrong(checkLabelValue(value), field, value)
    case 'Exists':
      return value === '' ? [] : [invalidValue(field, toleration, "value must be empty when `operator` is 'Exists'")]
    default:
      return [notSupported(field, operator, ['Equal', 'Exists'])]
  }
}

export const validateToleration = (toleration: Toleration, field: string): FieldError[] => {
  const { key, operator, effect, tolerationSeconds } = toleration
  return [
    ...(key ? validateKey(key, `${field}.key`) : []),
    ...(!key && operator !== 'Exists'
      ? [
          invalidValue(
            `${field}.operator`,
            operator ?? '',
            'operator must be Exists when `key` is empty, which means "match all values and all keys"',
          ),
        ]
      : []),
    ...(tolerationSeconds !== undefined && effect !== 'NoExecute'
      ? [invalidValue(`${field}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set")]
      : []),
    ...validateTolerationValue(toleration, `${field}.operator`),
    ...(effect ? validateTaintEffect(effect, `${field}.effect`) : []),
  ]
}
