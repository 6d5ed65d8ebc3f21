import { type FieldError, forbiddenField, invalidValue, notSupported } from '../../../api/errors.ts'
import type { Deployment, DeploymentStrategy } from '../../../api/types/index.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { numberOf, scaleOf, templateColumns, validateAmount, validatePart, validateWorkload } from './workload.ts'

const defaultStrategy = (strategy: DeploymentStrategy | undefined): DeploymentStrategy => {
  const type = strategy?.type ?? 'RollingUpdate'
  if (type !== 'RollingUpdate') return { ...strategy, type }
  return { ...strategy, type, rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%', ...strategy?.rollingUpdate } }
}

const validateStrategy = (strategy: DeploymentStrategy): FieldError[] => {
  const path = 'spec.strategy'
  const { type, rollingUpdate } = strategy
  if (type === 'Recreate')
    return rollingUpdate
      ? [forbiddenField(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")]
      : []
  if (type !== 'RollingUpdate')
    return [{ ...notSupported(path, strategy, ['Recreate', 'RollingUpdate']), of: `${path}.type` }]
  return [
    ...validatePart(rollingUpdate?.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`),
    ...validateAmount(rollingUpdate?.maxSurge, `${path}.rollingUpdate.maxSurge`),
    ...(numberOf(rollingUpdate?.maxUnavailable) === 0 && numberOf(rollingUpdate?.maxSurge) === 0
      ? [
          invalidValue(
            `${path}.rollingUpdate.maxUnavailable`,
            rollingUpdate?.maxUnavailable,
            'may not be 0 when `maxSurge` is 0',
          ),
        ]
      : []),
  ]
}

const validateDeployment = (d: Deployment): FieldError[] => [
  ...validateWorkload(d),
  ...validateStrategy(d.spec.strategy ?? {}),
  ...atLeastZero(d.spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ...(d.spec.progressDeadlineSeconds !== undefined && d.spec.progressDeadlineSeconds <= (d.spec.minReadySeconds ?? 0)
    ? [
        invalidValue(
          'spec.progressDeadlineSeconds',
          d.spec.progressDeadlineSeconds,
          'must be greater than minReadySeconds',
        ),
      ]
    : []),
]

export const deployment = define<Deployment>({
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  singular: 'deployment',
  kind: 'Deployment',
  namespaced: true,
  shortNames: ['deploy'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  statusKeeps: ['labels'],
  generation: 'withAnnotations',
  scale: scaleOf<Deployment>(),
  columns: [
    nameColumn,
    column('Ready', (d) => `${d.status?.readyReplicas ?? 0}/${d.spec.replicas ?? 0}`, 'How many of its pods are ready'),
    column('Up-to-date', (d) => d.status?.updatedReplicas ?? 0, 'How many pods have the current template'),
    column('Available', (d) => d.status?.availableReplicas ?? 0, 'How many pods have been ready for long enough'),
    ageColumn,
    ...templateColumns<Deployment>(({ spec }) => spec),
  ],
  defaults: (d) => ({
    ...d,
    spec: {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...d.spec,
      strategy: defaultStrategy(d.spec?.strategy),
      template: defaultPodTemplate(d.spec?.template),
    },
  }),
  onCreate: (d) => ({ ...d, status: {} }),
  validate: validateDeployment,
  validateUpdate: (d, old) => immutable('spec.selector', d.spec.selector, old.spec.selector),
})
