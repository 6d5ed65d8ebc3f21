import { invalidValue } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { CSIStorageCapacity } from '../../../api/types/kubernetes/storage-v1.ts'
import { column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable, validateSelector } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { notNegative } from '../quantities.ts'

const emptyClass = checkSubdomain('')

export const csiStorageCapacity = define<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  kind: 'CSIStorageCapacity',
  namespaced: true,
  nameRule: subdomainName,
  updateNeedsVersion: true,
  columns: [
    nameColumn,
    column('StorageClassName', (c) => c.storageClassName, 'The class of volumes that it is about'),
    column('Capacity', (c) => c.capacity ?? '<unset>', 'How much there is'),
  ],
  validate: ({ nodeTopology, storageClassName, capacity, maximumVolumeSize }) => [
    ...(nodeTopology ? validateSelector(nodeTopology, 'nodeTopology') : []),
    ...(storageClassName || emptyClass === undefined
      ? []
      : [invalidValue('storageClassName', storageClassName ?? '', emptyClass)]),
    ...notNegative('capacity', capacity),
    ...notNegative('maximumVolumeSize', maximumVolumeSize),
  ],
  validateUpdate: (now, old) => [
    ...immutable('nodeTopology', now.nodeTopology, old.nodeTopology),
    ...immutable('storageClassName', now.storageClassName, old.storageClassName),
  ],
})
