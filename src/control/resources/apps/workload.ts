/** What Deployments and their kin share: a selector, a template, a number of replicas, amounts of them. */

import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { formatLabelSelector, matchLabelSelector } from '../../../api/selectors.ts'
import type { Container, IntOrString, KubeObject, LabelSelector, PodTemplateSpec } from '../../../api/types/index.ts'
import { list, wide } from '../columns.ts'
import { validateRunningTemplate } from '../core/pod-validation.ts'
import type { Column } from '../definition.ts'
import { isSelector, validateSelector } from '../metadata.ts'
import { atLeastZero } from '../quantities.ts'

export interface Workload extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly selector?: LabelSelector
    readonly template: PodTemplateSpec
  }
  readonly status?: { readonly replicas?: number }
}

const isEmpty = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0

/** How a kind is named in messages, and what more its pods can mount. */
export interface WorkloadRules {
  readonly emptyFor: string
  readonly owner: string
  readonly claims?: readonly string[]
  /** What is wrong with the selector as a whole is told of the template only. */
  readonly quiet?: boolean
}

const mismatch = ({ selector, template }: Workload['spec']): FieldError[] => {
  const labels = template.metadata?.labels ?? {}
  if (selector && (isEmpty(selector) || matchLabelSelector(selector)(labels))) return []
  return [invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
}

/** By a selector that can choose nothing, no template is judged. */
const validateChosen = (spec: Workload['spec'], { owner, claims, quiet }: WorkloadRules): FieldError[] => {
  const isWrong = spec.selector !== undefined && !isSelector(spec.selector)
  if (isWrong && !quiet) return [invalidValue('spec.selector', spec.selector, 'invalid label selector')]
  return [...(isWrong ? [] : mismatch(spec)), ...validateRunningTemplate(spec.template, 'spec.template', owner, claims)]
}

/** ReplicaSets say so, too. */
const deploymentRules = { emptyFor: 'deployment', owner: 'ReplicaSet' }

export const validateWorkload = (
  { spec }: Pick<Workload, 'spec'>,
  rules: WorkloadRules = deploymentRules,
): FieldError[] => [
  ...atLeastZero(spec.replicas, 'spec.replicas'),
  ...atLeastZero(spec.minReadySeconds, 'spec.minReadySeconds'),
  ...(spec.selector || rules.quiet ? [] : [required('spec.selector')]),
  ...validateSelector(spec.selector, 'spec.selector'),
  ...(spec.selector && isEmpty(spec.selector)
    ? [invalidValue('spec.selector', spec.selector, `empty selector is invalid for ${rules.emptyFor}`)]
    : []),
  ...validateChosen(spec, rules),
]

/** Numbers of a status, none of which can be less than nothing. */
export const validateCounts = <T extends object>(status: T | undefined, names: readonly (keyof T & string)[]) =>
  names.flatMap((name) => {
    const count = status?.[name]
    return typeof count === 'number' ? atLeastZero(count, `status.${name}`) : []
  })

const percent = /^\d+%$/
const isPercent = (value: IntOrString): value is string => typeof value === 'string' && percent.test(value)

/** The number of an amount, in pods or in percent; a text that is neither is none. */
export const numberOf = (amount: IntOrString | undefined): number =>
  amount === undefined || (typeof amount === 'string' && !isPercent(amount)) ? 0 : Number.parseInt(String(amount), 10)

/** A number of pods, or a part of them. */
export const validateAmount = (value: IntOrString | undefined, field: string): FieldError[] => {
  if (value === undefined || isPercent(value)) return []
  if (typeof value === 'number') return atLeastZero(value, field)
  return [
    invalidValue(
      field,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ]
}

/** The same, and not more than all of them. */
export const validatePart = (value: IntOrString | undefined, field: string): FieldError[] => [
  ...validateAmount(value, field),
  ...(value !== undefined && isPercent(value) && numberOf(value) > 100
    ? [invalidValue(field, value, 'must not be greater than 100%')]
    : []),
]

export const scaleOf = <T extends Workload>() => ({
  view: ({ spec, status }: T) => ({
    replicas: spec.replicas ?? 1,
    observed: status?.replicas ?? 0,
    selector: spec.selector ? formatLabelSelector(spec.selector) : '',
  }),
  withReplicas: (object: T, replicas: number): T => ({ ...object, spec: { ...object.spec, replicas } }),
})

interface Templated {
  readonly selector?: LabelSelector | undefined
  readonly template: PodTemplateSpec
}

/** What a template's containers are, `-o wide`. */
export const containerColumns = <T extends KubeObject>(
  templateOf: (object: T) => PodTemplateSpec,
): readonly Column<T>[] => [
  wide('Containers', (object) => containersOf(templateOf(object), ({ name }) => name), 'Names of its containers'),
  wide('Images', (object) => containersOf(templateOf(object), ({ image }) => image ?? ''), 'What they run'),
]

const containersOf = (template: PodTemplateSpec, show: (container: Container) => string): string =>
  list((template.spec.containers ?? []).map(show), '')

/** The same, and whose pods are its own. */
export const templateColumns = <T extends KubeObject>(templatedOf: (object: T) => Templated): readonly Column<T>[] => [
  ...containerColumns<T>((object) => templatedOf(object).template),
  wide(
    'Selector',
    (object) => {
      const { selector } = templatedOf(object)
      return selector ? formatLabelSelector(selector) || '<none>' : '<unset>'
    },
    'The labels of its pods',
  ),
]
