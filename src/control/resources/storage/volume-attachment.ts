import { type FieldError, forbiddenField, invalidValue, required, tooLong } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type {
  VolumeAttachment,
  VolumeAttachmentSource,
  VolumeAttachmentStatus,
  VolumeError,
} from '../../../api/types/kubernetes/storage-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { validateDriverName } from '../driver-name.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'

const metadataLimit = 256 * 1024
const messageLimit = 1024

const validateSource = ({ persistentVolumeName, inlineVolumeSpec }: VolumeAttachmentSource): FieldError[] => {
  const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [forbiddenField('spec.source', exactlyOne)]
  if (!inlineVolumeSpec && persistentVolumeName === undefined) return [required('spec.source', exactlyOne)]
  return persistentVolumeName === ''
    ? [
        required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName'),
        invalidValue('spec.source.persistentVolumeName', '', checkSubdomain('') ?? ''),
      ]
    : []
}

const validateNode = (nodeName: string): FieldError[] => {
  const message = nodeName === '' ? checkSubdomain('') : undefined
  return message === undefined ? [] : [invalidValue('spec.nodeName', nodeName, message)]
}

const validateError = (error: VolumeError | undefined, field: string): FieldError[] =>
  Buffer.byteLength(error?.message ?? '') > messageLimit ? [tooLong(`${field}.message`, messageLimit)] : []

const validateStatus = ({
  attachmentMetadata = {},
  attachError,
  detachError,
}: VolumeAttachmentStatus): FieldError[] => {
  const size = Object.entries(attachmentMetadata).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  )
  return [
    ...(size > metadataLimit ? [tooLong('status.attachmentMetadata', metadataLimit)] : []),
    ...validateError(attachError, 'status.attachError'),
    ...validateError(detachError, 'status.detachError'),
  ]
}

const unattached: VolumeAttachmentStatus = { attached: false }

export const volumeAttachment = define<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'volumeattachments',
  singular: 'volumeattachment',
  kind: 'VolumeAttachment',
  namespaced: false,
  nameRule: subdomainName,
  status: 'separate',
  statusKeeps: 'all',
  updateNeedsVersion: true,
  columns: [
    nameColumn,
    { ...column('Attacher', ({ spec }) => spec.attacher, 'Who attaches it'), format: 'name' },
    column('PV', ({ spec }) => spec.source.persistentVolumeName ?? '', 'The volume'),
    column('Node', ({ spec }) => spec.nodeName, 'The node'),
    column('Attached', ({ status }) => status?.attached ?? false, 'Whether it is', 'boolean'),
    ageColumn,
  ],
  onCreate: (attachment) => ({ ...attachment, status: unattached }),
  validate: ({ spec, status }) => [
    ...validateDriverName(spec.attacher ?? '', 'spec.attacher'),
    ...validateSource(spec.source),
    ...validateNode(spec.nodeName ?? ''),
    ...validateStatus(status ?? unattached),
  ],
  validateUpdate: (now, old) => immutable('spec', now.spec, old.spec),
})
