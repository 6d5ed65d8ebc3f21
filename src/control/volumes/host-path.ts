/** The provisioner that every cluster has: volumes are folders of a node. */
import type { Draft } from '../../api/client.ts'
import type { StorageClass } from '../../api/types/kubernetes/storage-v1.ts'

/** By which classes ask for it. */
export const hostPathProvisioner = 'podway.dev/host-path'

/** Where a node has the folders of a class that says nothing else: where agents keep what outlives a reboot, closed to all but root. */
const defaultFolder = '/var/lib/podway/persistent-volumes'

/** The class of claims that name none. */
export const standardClass: Draft<StorageClass> = {
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: hostPathProvisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
}

/** Of a class with this provisioner: in which folder of its node a volume is. Throws an Error for one that is no place for volumes. */
export const folderOf = ({ parameters = {} }: Pick<StorageClass, 'parameters'>): string => {
  const { path = defaultFolder, ...others } = parameters
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new Error(`invalid parameter ${JSON.stringify(unknown)}: only "path" is known`)
  if (!/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(path))
    throw new Error(`invalid parameter path ${JSON.stringify(path)}: it has to be an absolute path of plain names`)
  return path
}
