/** Claims may ask for more only of classes whose volumes can grow. */
import { forbidden } from '../../api/errors.ts'
import { parseQuantity } from '../../api/quantity.ts'
import type { PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../api/types/kubernetes/storage-v1.ts'
import type { Admission } from '../objects/admission.ts'
import { persistentVolumeClaim as claims } from '../resources/core/persistent-volume-claim.ts'
import { bucketOf } from '../resources/definition.ts'
import { storageClass as classes } from '../resources/storage/storage-class.ts'
import type { Store } from '../storage/store.ts'
import { classOf } from '../volumes/claims.ts'

const sizeOf = ({ spec }: PersistentVolumeClaim): bigint =>
  parseQuantity(spec.resources?.requests?.['storage'] ?? '0') ?? 0n

export const claimResize = (store: Store): Admission => ({
  name: 'PersistentVolumeClaimResize',
  admit: ({ operation, definition, object, old }) => {
    if (operation !== 'update' || definition !== claims || !old) return object
    const claim = object as PersistentVolumeClaim
    const before = old as PersistentVolumeClaim
    // What is not bound, or becomes smaller, is told of by the rules of claims.
    if (sizeOf(claim) <= sizeOf(before) || before.status.phase !== 'Bound') return object
    const found = store.get({ bucket: bucketOf(classes), name: classOf(before) })?.object as StorageClass | undefined
    if (found?.allowVolumeExpansion) return object
    throw forbidden(
      definition,
      claim.metadata.name,
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    )
  },
})
