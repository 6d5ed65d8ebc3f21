import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type { PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable, validateSelector } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { accessModesText, validateAccessModes, volumeClassAnnotation, volumeModes } from './volume-text.ts'

const validate = ({ spec }: PersistentVolumeClaim): FieldError[] => {
  const { accessModes = [], resources, selector } = spec
  const storage = resources.requests?.['storage']
  return [
    ...(selector ? validateSelector(selector, 'spec.selector') : []),
    ...(accessModes.length === 0 ? [required('spec.accessModes', 'at least 1 access mode is required')] : []),
    ...validateAccessModes(accessModes),
    ...(accessModes.length > 1 && accessModes.includes('ReadWriteOncePod')
      ? [forbiddenField('spec.accessModes', 'may not use ReadWriteOncePod with other access modes')]
      : []),
    ...(storage === undefined ? [required('spec.resources[storage]')] : []),
    ...(storage !== undefined && (parseQuantity(storage) ?? 0n) <= 0n
      ? [invalidValue('spec.resources[storage]', storage, 'must be greater than zero')]
      : []),
    ...(spec.volumeMode === '' ? [notSupported('spec.volumeMode', '', volumeModes)] : []),
  ]
}

interface Open {
  readonly mayBind: boolean
  /** A claim without a class may get the default one later on. */
  readonly mayBeClassed: boolean
}

/** All that is not left open by what may still change: the size that is asked for, and who binds what. */
const settled = ({ spec }: PersistentVolumeClaim, { mayBind, mayBeClassed }: Open): object => ({
  ...spec,
  resources: { ...spec.resources, requests: { ...spec.resources.requests, storage: undefined } },
  volumeAttributesClassName: undefined,
  ...(mayBind ? { volumeName: undefined } : {}),
  ...(mayBeClassed ? { storageClassName: undefined } : {}),
})

const validateUpdate = (claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] => {
  const mayBind = !old.spec.volumeName
  const mayBeClassed =
    mayBind &&
    old.spec.storageClassName === undefined &&
    old.metadata.annotations?.[volumeClassAnnotation] === undefined
  const open = { mayBind, mayBeClassed }
  const [size, before] = [claim, old].map(
    ({ spec }) => parseQuantity(spec.resources.requests?.['storage'] ?? '0') ?? 0n,
  )
  const isBound = old.status.phase === 'Bound'
  const isSettled = deepEqual(settled(claim, open), settled(old, open)) && (size === before || isBound)
  return [
    ...(isSettled
      ? []
      : [
          forbiddenField(
            'spec',
            'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
          ),
        ]),
    ...((size ?? 0n) < (before ?? 0n)
      ? [forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity')]
      : []),
    // So Kubernetes names it.
    ...immutable('volumeMode', claim.spec.volumeMode, old.spec.volumeMode),
  ]
}

const isBound = ({ spec }: PersistentVolumeClaim): boolean => (spec.volumeName ?? '') !== ''

export const persistentVolumeClaim = define<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
  shortNames: ['pvc'],
  nameRule: subdomainName,
  status: 'separate',
  columns: [
    nameColumn,
    column(
      'Status',
      ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? '')),
      'Whether it has a volume',
    ),
    column('Volume', ({ spec }) => spec.volumeName ?? '', 'The volume that it is bound to'),
    column(
      'Capacity',
      (claim) => (isBound(claim) ? (claim.status.capacity?.['storage'] ?? '') : ''),
      'How large that is',
    ),
    column(
      'Access Modes',
      (claim) => (isBound(claim) ? accessModesText(claim.status.accessModes) : ''),
      'How it may be mounted',
    ),
    column(
      'StorageClass',
      ({ metadata, spec }) => metadata.annotations?.[volumeClassAnnotation] ?? spec.storageClassName ?? '',
      'The class of its volume',
    ),
    ageColumn,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>', 'Whether it is a file system or a device'),
  ],
  defaults: (claim) => ({ ...claim, spec: { volumeMode: 'Filesystem', ...claim.spec } }),
  onCreate: (claim) => ({ ...claim, status: { phase: 'Pending' } }),
  statusDefaults: (claim) => ({ ...claim, status: { ...claim.status, phase: claim.status?.phase || 'Pending' } }),
  validate,
  validateUpdate,
})
