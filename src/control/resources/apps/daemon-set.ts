import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import type {
  DaemonSet,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from '../../../api/types/kubernetes/apps-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { define, withMetadata } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { numberOf, templateColumns, validateCounts, validatePart, validateWorkload } from './workload.ts'

const defaultStrategy = (strategy: DaemonSetUpdateStrategy): DaemonSetUpdateStrategy => {
  const type = strategy.type ?? 'RollingUpdate'
  if (type !== 'RollingUpdate') return { ...strategy, type }
  return { ...strategy, type, rollingUpdate: { maxUnavailable: 1, maxSurge: 0, ...strategy.rollingUpdate } }
}

const validateRolling = (rolling: RollingUpdateDaemonSet, path: string): FieldError[] => {
  const { maxUnavailable, maxSurge } = rolling
  const [isUnavailable, isSurging] = [numberOf(maxUnavailable) !== 0, numberOf(maxSurge) !== 0]
  return [
    ...validatePart(maxUnavailable, `${path}.maxUnavailable`),
    ...validatePart(maxSurge, `${path}.maxSurge`),
    ...(isUnavailable && isSurging
      ? [invalidValue(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')]
      : []),
    ...(isUnavailable || isSurging ? [] : [required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')]),
  ]
}

const validateStrategy = (strategy: DaemonSetUpdateStrategy): FieldError[] => {
  const path = 'spec.updateStrategy'
  switch (strategy.type) {
    case 'OnDelete':
      return []
    case 'RollingUpdate':
      return validateRolling(strategy.rollingUpdate ?? {}, `${path}.rollingUpdate`)
    default:
      return [notSupported(path, strategy, ['OnDelete', 'RollingUpdate'])]
  }
}

/** How often the template has changed: what `kubectl rollout` of old reads. */
const templateGeneration = 'deprecated.daemonset.template.generation'

const withTemplateGeneration = (set: DaemonSet, count: number): DaemonSet =>
  withMetadata(set, { annotations: { ...set.metadata.annotations, [templateGeneration]: String(count) } })

const countOf = ({ metadata }: DaemonSet): number => {
  const count = Number(metadata.annotations?.[templateGeneration] ?? 0)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}

export const daemonSet = define<DaemonSet>({
  group: 'apps',
  version: 'v1',
  plural: 'daemonsets',
  singular: 'daemonset',
  kind: 'DaemonSet',
  namespaced: true,
  shortNames: ['ds'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  columns: [
    nameColumn,
    column('Desired', (d) => d.status?.desiredNumberScheduled ?? 0, 'How many nodes should run its pod', 'integer'),
    column('Current', (d) => d.status?.currentNumberScheduled ?? 0, 'How many of them run it', 'integer'),
    column('Ready', (d) => d.status?.numberReady ?? 0, 'On how many it is ready', 'integer'),
    column(
      'Up-to-date',
      (d) => d.status?.updatedNumberScheduled ?? 0,
      'On how many it is of the current template',
      'integer',
    ),
    column(
      'Available',
      (d) => d.status?.numberAvailable ?? 0,
      'On how many it has been ready for long enough',
      'integer',
    ),
    column(
      'Node Selector',
      ({ spec }) =>
        Object.entries(spec.template.spec.nodeSelector ?? {})
          .map(([name, value]) => `${name}=${value}`)
          .sort()
          .join(',') || '<none>',
      'The labels of nodes that should run its pod',
    ),
    ageColumn,
    ...templateColumns<DaemonSet>(({ spec }) => spec),
  ],
  defaults: (d) => ({
    ...d,
    spec: {
      revisionHistoryLimit: 10,
      ...d.spec,
      updateStrategy: defaultStrategy(d.spec.updateStrategy),
      template: defaultPodTemplate(d.spec.template),
    },
  }),
  onCreate: (d) => ({
    ...withTemplateGeneration(d, Math.max(1, countOf(d))),
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
  adopt: (d, old) => {
    const isSame = deepEqual(defaultPodTemplate(d.spec.template), old.spec.template)
    return withTemplateGeneration(d, countOf(old) + (isSame ? 0 : 1))
  },
  validate: (d) => [
    ...validateWorkload(d, { emptyFor: 'daemonset', owner: 'DaemonSet', quiet: true }),
    ...validateStrategy(d.spec.updateStrategy),
    ...atLeastZero(d.spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...validateCounts(d.status, [
      ...(['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady'] as const),
      ...(['observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable'] as const),
      'collisionCount',
    ]),
  ],
  validateUpdate: (d, old) => immutable('spec.selector', d.spec.selector, old.spec.selector),
})
