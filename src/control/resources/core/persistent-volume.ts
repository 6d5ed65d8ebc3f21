import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { validateNodeSelector } from './scheduling-validation.ts'
import { accessModesText, validateAccessModes, volumeClassAnnotation, volumeModes } from './volume-text.ts'

/** What of a spec is not where the data is. */
type About =
  | ('accessModes' | 'capacity' | 'claimRef' | 'mountOptions' | 'nodeAffinity' | 'persistentVolumeReclaimPolicy')
  | ('storageClassName' | 'volumeAttributesClassName' | 'volumeMode')

const sourceOf = (spec: PersistentVolumeSpec): Omit<PersistentVolumeSpec, About> => {
  const { accessModes, capacity, claimRef, mountOptions, nodeAffinity, persistentVolumeReclaimPolicy, ...rest } = spec
  const { storageClassName, volumeAttributesClassName, volumeMode, ...source } = rest
  return source
}

const withDefaults = (volume: PersistentVolume): PersistentVolume => {
  const { hostPath } = volume.spec
  return {
    ...volume,
    spec: {
      ...{ persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', ...volume.spec },
      ...(hostPath ? { hostPath: { type: '', ...hostPath } } : {}),
    },
  }
}

const validateNodes = ({ nodeAffinity }: PersistentVolumeSpec): FieldError[] => {
  if (!nodeAffinity) return []
  const field = 'spec.nodeAffinity.required'
  return nodeAffinity.required
    ? validateNodeSelector(nodeAffinity.required, field)
    : [required(field, 'must specify required node constraints')]
}

const validatePaths = (spec: PersistentVolumeSpec): FieldError[] =>
  (['hostPath', 'local'] as const).flatMap((source) =>
    spec[source] && !spec[source].path ? [required(`spec.${source}.path`)] : [],
  )

const policies = ['Delete', 'Recycle', 'Retain']

const validate = ({ spec }: PersistentVolume): FieldError[] => {
  const { accessModes = [], capacity = {}, persistentVolumeReclaimPolicy: policy = '' } = spec
  const storage = capacity['storage']
  const sources = Object.keys(sourceOf(spec))
  return [
    ...(accessModes.length === 0 ? [required('spec.accessModes')] : []),
    ...validateAccessModes(accessModes),
    ...(accessModes.length > 1 && accessModes.includes('ReadWriteOncePod')
      ? [forbiddenField('spec.accessModes', 'may not use ReadWriteOncePod with other access modes')]
      : []),
    ...(Object.keys(capacity).length === 0 ? [required('spec.capacity')] : []),
    ...(storage === undefined || Object.keys(capacity).length > 1
      ? [notSupported('spec.capacity', Object.keys(capacity), ['storage'])]
      : []),
    ...Object.entries(capacity).flatMap(([name, quantity]) =>
      (parseQuantity(quantity) ?? 0n) <= 0n
        ? [invalidValue(`spec.capacity[${name}]`, quantity, 'must be greater than zero')]
        : [],
    ),
    ...(policies.includes(policy) ? [] : [notSupported('spec.persistentVolumeReclaimPolicy', policy, policies)]),
    ...validateNodes(spec),
    ...(sources.length === 0 ? [required('spec', 'must specify a volume type')] : []),
    ...sources.slice(1).map((name) => forbiddenField(`spec.${name}`, 'may not specify more than 1 volume type')),
    ...validatePaths(spec),
    ...(spec.local && !spec.nodeAffinity ? [required('spec.nodeAffinity', 'Local volume requires node affinity')] : []),
    ...(spec.volumeMode === '' ? [notSupported('spec.volumeMode', '', volumeModes)] : []),
    ...(spec.hostPath?.path === '/' && policy === 'Recycle'
      ? [forbiddenField('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'")]
      : []),
  ]
}

const validateUpdate = ({ spec }: PersistentVolume, old: PersistentVolume): FieldError[] => [
  ...(deepEqual(sourceOf(spec), sourceOf(old.spec))
    ? []
    : [forbiddenField('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')]),
  // So Kubernetes names them.
  ...immutable('volumeMode', spec.volumeMode, old.spec.volumeMode),
  ...(old.spec.nodeAffinity ? immutable('nodeAffinity', spec.nodeAffinity, old.spec.nodeAffinity) : []),
]

const claimText = ({ spec: { claimRef } }: PersistentVolume): string =>
  claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : ''

export const persistentVolume = define<PersistentVolume>({
  group: '',
  version: 'v1',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  kind: 'PersistentVolume',
  namespaced: false,
  shortNames: ['pv'],
  nameRule: subdomainName,
  status: 'separate',
  columns: [
    nameColumn,
    column('Capacity', ({ spec }) => spec.capacity?.['storage'] ?? '', 'How large it is'),
    column('Access Modes', ({ spec }) => accessModesText(spec.accessModes), 'How it may be mounted'),
    column(
      'Reclaim Policy',
      ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
      'What becomes of it without its claim',
    ),
    column(
      'Status',
      ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? '')),
      'Whether a claim has it',
    ),
    column('Claim', claimText, 'The claim that has it'),
    column(
      'StorageClass',
      ({ metadata, spec }) => metadata.annotations?.[volumeClassAnnotation] ?? spec.storageClassName ?? '',
      'Its class',
    ),
    column('Reason', ({ status }) => status.reason ?? '', 'Why it has failed'),
    ageColumn,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>', 'Whether it is a file system or a device'),
  ],
  defaults: withDefaults,
  onCreate: (volume) => ({ ...volume, status: { phase: 'Pending' } }),
  statusDefaults: (volume) => ({ ...volume, status: { ...volume.status, phase: volume.status?.phase || 'Pending' } }),
  validate,
  validateUpdate,
})
