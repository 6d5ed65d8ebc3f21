import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type { PodTemplateSpec, StringMap } from '../../../api/types/index.ts'
import type { ReplicationController } from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, list, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { validateLabels } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { validateRunningTemplate } from './pod-validation.ts'

/** As `kubectl get` and a Scale show it. */
const selectorText = (selector: StringMap = {}): string =>
  Object.entries(selector)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',')

const isEmpty = (map: StringMap | undefined): boolean => Object.keys(map ?? {}).length === 0

/** Labels and selector are those of the template, where nothing else was said. */
const withDefaults = (controller: ReplicationController): ReplicationController => {
  const { metadata, spec } = controller
  const template: PodTemplateSpec | undefined = spec.template && defaultPodTemplate(spec.template)
  const labels = template?.metadata?.labels
  return {
    ...controller,
    metadata: isEmpty(metadata.labels) && labels ? { ...metadata, labels } : metadata,
    spec: {
      ...{ replicas: 1, ...spec },
      ...(isEmpty(spec.selector) && labels ? { selector: labels } : {}),
      ...(template ? { template } : {}),
    },
  }
}

const validate = ({ spec }: ReplicationController): FieldError[] => {
  const { selector = {}, template } = spec
  const labels = template?.metadata?.labels ?? {}
  const isOther = Object.entries(selector).some(([name, value]) => labels[name] !== value)
  return [
    ...atLeastZero(spec.replicas, 'spec.replicas'),
    ...atLeastZero(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...(isEmpty(selector) ? [required('spec.selector')] : validateLabels(selector, 'spec.selector')),
    ...(template
      ? [
          ...(isOther
            ? [invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
            : []),
          ...validateRunningTemplate(template, 'spec.template', 'ReplicationController'),
        ]
      : [required('spec.template')]),
  ]
}

export const replicationController = define<ReplicationController>({
  group: '',
  version: 'v1',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  kind: 'ReplicationController',
  namespaced: true,
  shortNames: ['rc'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  orphans: {},
  scale: {
    view: ({ spec, status }) => ({
      replicas: spec.replicas ?? 1,
      observed: status.replicas,
      selector: selectorText(spec.selector),
    }),
    withReplicas: (controller, replicas) => ({ ...controller, spec: { ...controller.spec, replicas } }),
  },
  fields: { 'status.replicas': ({ status }) => String(status.replicas) },
  columns: [
    nameColumn,
    column('Desired', ({ spec }) => spec.replicas ?? 0, 'How many pods there should be', 'integer'),
    column('Current', ({ status }) => status.replicas, 'How many pods there are', 'integer'),
    column('Ready', ({ status }) => status.readyReplicas ?? 0, 'How many of them are ready', 'integer'),
    ageColumn,
    wide('Containers', ({ spec }) => containersOf(spec.template, ({ name }) => name), 'Names of its containers'),
    wide('Images', ({ spec }) => containersOf(spec.template, ({ image }) => image ?? ''), 'What they run'),
    wide('Selector', ({ spec }) => selectorText(spec.selector) || '<none>', 'The labels of its pods'),
  ],
  defaults: withDefaults,
  onCreate: (controller) => ({ ...controller, status: { replicas: 0 } }),
  validate,
})

function containersOf(
  template: PodTemplateSpec | undefined,
  show: (container: PodTemplateSpec['spec']['containers'][number]) => string,
): string {
  return list((template?.spec.containers ?? []).map(show), '')
}
