import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, notSupported } from '../../../api/errors.ts'
import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from '../../../api/types/kubernetes/apps-v1.ts'
import type { PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { define } from '../definition.ts'
import { checkLabel, subdomainName } from '../names.ts'
import { atLeastZero } from '../quantities.ts'
import { containerColumns, scaleOf, validateAmount, validateCounts, validateWorkload } from './workload.ts'

const defaultStrategy = (strategy: StatefulSetUpdateStrategy): StatefulSetUpdateStrategy => {
  const { type, rollingUpdate } = strategy
  if (!type) return { type: 'RollingUpdate', rollingUpdate: { partition: 0, ...rollingUpdate } }
  return type === 'RollingUpdate' && rollingUpdate
    ? { ...strategy, rollingUpdate: { partition: 0, ...rollingUpdate } }
    : strategy
}

const defaultClaim = (claim: PersistentVolumeClaim): PersistentVolumeClaim => ({
  ...claim,
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  spec: { volumeMode: 'Filesystem', ...claim.spec },
  status: { phase: 'Pending', ...claim.status },
})

const withDefaults = (set: StatefulSet): StatefulSet => {
  const { spec } = set
  const { volumeClaimTemplates } = spec
  return {
    ...set,
    spec: {
      ...{ podManagementPolicy: 'OrderedReady', replicas: 1, revisionHistoryLimit: 10 },
      ...spec,
      updateStrategy: defaultStrategy(spec.updateStrategy),
      persistentVolumeClaimRetentionPolicy: {
        ...{ whenDeleted: 'Retain', whenScaled: 'Retain' },
        ...spec.persistentVolumeClaimRetentionPolicy,
      },
      template: defaultPodTemplate(spec.template),
      ...(volumeClaimTemplates ? { volumeClaimTemplates: volumeClaimTemplates.map(defaultClaim) } : {}),
    },
  }
}

const validateStrategy = (strategy: StatefulSetUpdateStrategy): FieldError[] => {
  const path = 'spec.updateStrategy'
  const { type, rollingUpdate } = strategy
  switch (type) {
    case 'OnDelete':
      return rollingUpdate
        ? [invalidValue(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")]
        : []
    case 'RollingUpdate':
      return [
        ...atLeastZero(rollingUpdate?.partition, `${path}.rollingUpdate.partition`),
        ...validateAmount(rollingUpdate?.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`),
      ]
    default:
      return [invalidValue(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
  }
}

const retention = ['Retain', 'Delete']

const validateRetention = ({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec): FieldError[] =>
  (['whenDeleted', 'whenScaled'] as const)
    .filter((when) => !retention.includes(policy?.[when] ?? ''))
    .map((when) =>
      notSupported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, policy?.[when] ?? '', [...retention].sort()),
    )

const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const

const validateStatus = ({ status }: StatefulSet): FieldError[] => [
  ...validateCounts(status, [...counts, 'observedGeneration', 'collisionCount']),
  ...counts
    .filter((name) => name !== 'replicas' && (status?.[name] ?? 0) > (status?.replicas ?? 0))
    .map((name) => invalidValue(`status.${name}`, status[name], 'cannot be greater than status.replicas')),
]

const validate = (set: StatefulSet): FieldError[] => {
  const { spec } = set
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)
  return [
    ...(['OrderedReady', 'Parallel'].includes(spec.podManagementPolicy ?? '')
      ? []
      : [invalidValue('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]),
    ...validateStrategy(spec.updateStrategy),
    ...validateRetention(spec),
    ...atLeastZero(spec.ordinals?.start, 'spec.ordinals.start'),
    ...atLeastZero(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...claims.flatMap((name, at) => {
      const message = checkLabel(name ?? '')
      return message === undefined
        ? []
        : [invalidValue(`spec.volumeClaimTemplates[${at}].metadata.name`, name ?? '', message)]
    }),
    ...validateWorkload(set, { emptyFor: 'statefulset', owner: 'StatefulSet', claims }),
    ...validateStatus(set),
  ]
}

const changeable = {
  ...{ replicas: undefined, ordinals: undefined, template: undefined, updateStrategy: undefined },
  ...{ revisionHistoryLimit: undefined, persistentVolumeClaimRetentionPolicy: undefined, minReadySeconds: undefined },
}

const validateUpdate = ({ spec }: StatefulSet, old: StatefulSet): FieldError[] =>
  deepEqual({ ...spec, ...changeable }, { ...old.spec, ...changeable })
    ? []
    : [
        forbiddenField(
          'spec',
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      ]

export const statefulSet = define<StatefulSet>({
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',
  singular: 'statefulset',
  kind: 'StatefulSet',
  namespaced: true,
  shortNames: ['sts'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  scale: scaleOf<StatefulSet>(),
  columns: [
    nameColumn,
    column('Ready', (s) => `${s.status?.readyReplicas ?? 0}/${s.spec.replicas ?? 0}`, 'How many of its pods are ready'),
    ageColumn,
    ...containerColumns<StatefulSet>(({ spec }) => spec.template),
  ],
  defaults: withDefaults,
  onCreate: (s) => ({ ...s, status: { replicas: 0, availableReplicas: 0 } }),
  validate,
  validateUpdate,
})
