/** Volumes that no part of Podway mounts: kept and shown, of pods and of the cluster. */
import type { FieldFormats } from '../formats/formats.ts'
import { foreign } from '../formats/words.ts'

interface ForeignVolume {
  readonly fields: readonly string[]
  /** What only a volume of the cluster has. */
  readonly ofCluster?: readonly string[]
}

const volumes: Readonly<Record<string, ForeignVolume>> = {
  AzureFile: { fields: ['secretName', 'shareName'], ofCluster: ['secretNamespace'] },
  CSI: { fields: ['driver', 'fsType', 'volumeAttributes'], ofCluster: ['volumeHandle'] },
  CephFS: { fields: ['monitors', 'path', 'secretFile', 'user'] },
  Cinder: { fields: ['fsType', 'volumeID'] },
  Flex: { fields: ['driver', 'fsType', 'options'] },
  Glusterfs: { fields: ['endpoints', 'path'], ofCluster: ['endpointsNamespace'] },
  ISCSI: { fields: ['fsType', 'initiatorName', 'iqn', 'iscsiInterface', 'portals', 'targetPortal'] },
  RBD: { fields: ['fsType', 'image', 'keyring', 'monitors', 'pool', 'user'] },
  ScaleIO: { fields: ['fsType', 'gateway', 'protectionDomain', 'storageMode', 'storagePool', 'system', 'volumeName'] },
  StorageOS: { fields: ['fsType', 'volumeName', 'volumeNamespace'] },
}

const formsOf = (fields: readonly string[]) => Object.fromEntries(fields.map((field) => [field, foreign]))

export const foreignVolumeFormats: FieldFormats = Object.fromEntries(
  Object.entries(volumes).flatMap(([name, { fields, ofCluster = [] }]) => [
    [`core/v1.${name}VolumeSource`, formsOf(fields)],
    [`core/v1.${name}PersistentVolumeSource`, formsOf([...fields, ...ofCluster])],
  ]),
)
