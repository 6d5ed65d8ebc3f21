/** A claim that names no class gets the default one: of several, the newest. */
import type { PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../api/types/kubernetes/storage-v1.ts'
import type { Admission } from '../objects/admission.ts'
import { persistentVolumeClaim as claims } from '../resources/core/persistent-volume-claim.ts'
import { volumeClassAnnotation } from '../resources/core/volume-text.ts'
import { bucketOf } from '../resources/definition.ts'
import { storageClass as classes, isDefaultClass } from '../resources/storage/storage-class.ts'
import type { Store } from '../storage/store.ts'

/** The newest first; of two that came together, by name. */
const order = (a: StorageClass, b: StorageClass): number => {
  const [first, second] = [a, b].map(({ metadata }) => metadata.creationTimestamp ?? '')
  if (first !== second) return (first ?? '') > (second ?? '') ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}

export const defaultStorageClass = (store: Store): Admission => ({
  name: 'DefaultStorageClass',
  admit: ({ operation, definition, object }) => {
    if (operation !== 'create' || definition !== claims) return object
    const { spec, metadata } = object as PersistentVolumeClaim
    if (spec.storageClassName !== undefined || metadata.annotations?.[volumeClassAnnotation] !== undefined)
      return object
    const all = store.list(bucketOf(classes)).entries.map((entry) => entry.object as StorageClass)
    const [chosen] = all.filter(isDefaultClass).sort(order)
    if (!chosen) return object
    return { ...object, spec: { ...spec, storageClassName: chosen.metadata.name } } as PersistentVolumeClaim
  },
})
