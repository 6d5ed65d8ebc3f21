/** The form of every text of this group's kinds. */
import { conditionReason, type FieldFormats, line, oneOf, onList, subdomain, word } from '../formats/formats.ts'
import { byKind, foreign, message, object } from '../formats/words.ts'

export const storageFormats: FieldFormats = {
  'storage/v1.StorageClass': {
    ...object,
    mountOptions: word,
    parameters: foreign,
    provisioner: byKind,
    reclaimPolicy: oneOf('Delete', 'Retain'),
    volumeBindingMode: oneOf('Immediate', 'WaitForFirstConsumer'),
  },
  'storage/v1.CSIDriver': object,
  'storage/v1.CSIDriverSpec': {
    fsGroupPolicy: oneOf('File', 'None', 'ReadWriteOnceWithFSType'),
    volumeLifecycleModes: onList(oneOf('Ephemeral', 'Persistent')),
  },
  'storage/v1.TokenRequest': { audience: word },
  'storage/v1.CSINode': object,
  'storage/v1.CSINodeDriver': { name: byKind, nodeID: line, topologyKeys: byKind },
  'storage/v1.StorageHealth': { name: subdomain },
  'storage/v1.StorageHealthCondition': {
    accessMode: oneOf('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'),
    message,
    reason: conditionReason,
    status: word,
    volumeMode: oneOf('Block', 'Filesystem'),
  },
  'storage/v1.CSIStorageCapacity': { ...object, storageClassName: subdomain },
  'storage/v1.VolumeAttachment': object,
  'storage/v1.VolumeAttachmentSpec': { attacher: byKind, nodeName: subdomain },
  'storage/v1.VolumeAttachmentSource': { persistentVolumeName: subdomain },
  'storage/v1.VolumeAttachmentStatus': { attachmentMetadata: foreign },
  'storage/v1.VolumeError': { message },
}
