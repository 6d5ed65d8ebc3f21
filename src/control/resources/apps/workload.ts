/** What Deployments and ReplicaSets share: a selector, a template, a number of replicas. */
import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { formatLabelSelector, matchLabelSelector } from '../../../api/selectors.ts'
import type { KubeObject, LabelSelector, PodTemplateSpec } from '../../../api/types/index.ts'
import { list, wide } from '../columns.ts'
import { validateRunningTemplate } from '../core/pod-validation.ts'
import type { Column } from '../definition.ts'
import { validateSelector } from '../metadata.ts'

export interface Workload extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly selector: LabelSelector
    readonly template: PodTemplateSpec
  }
  readonly status?: { readonly replicas?: number }
}

export const nonNegative = (value: number | undefined, field: string): FieldError[] =>
  value !== undefined && value < 0 ? [invalidValue(field, value, 'must be greater than or equal to 0')] : []

const isEmpty = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0

const validateTemplate = ({ selector, template }: Workload['spec']): FieldError[] => {
  const labels = template.metadata?.labels ?? {}
  return [
    ...(selector && !isEmpty(selector) && !matchLabelSelector(selector)(labels)
      ? [invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
      : []),
    ...validateRunningTemplate(template, 'spec.template'),
  ]
}

export const validateWorkload = ({ spec }: Workload): FieldError[] => [
  ...nonNegative(spec.replicas, 'spec.replicas'),
  ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
  ...(spec.selector ? validateSelector(spec.selector, 'spec.selector') : [required('spec.selector')]),
  ...(spec.selector && isEmpty(spec.selector)
    ? [invalidValue('spec.selector', spec.selector, 'empty selector is invalid for deployment')]
    : []),
  ...validateTemplate(spec),
]

export const scaleOf = <T extends Workload>() => ({
  view: ({ spec, status }: T) => ({
    replicas: spec.replicas ?? 1,
    observed: status?.replicas ?? 0,
    selector: formatLabelSelector(spec.selector),
  }),
  withReplicas: (object: T, replicas: number): T => ({ ...object, spec: { ...object.spec, replicas } }),
})

export const templateColumns = <T extends Workload>(): readonly Column<T>[] => [
  wide(
    'Containers',
    ({ spec }) =>
      list(
        spec.template.spec.containers.map(({ name }) => name),
        '',
      ),
    'Names of its containers',
  ),
  wide(
    'Images',
    ({ spec }) =>
      list(
        spec.template.spec.containers.map(({ image }) => image ?? ''),
        '',
      ),
    'What they run',
  ),
  wide('Selector', ({ spec }) => formatLabelSelector(spec.selector) || '<none>', 'The labels of its pods'),
]
