/** Claims and volumes are not to go while somebody uses them: they are held from the beginning, until a controller lets go. */

import type { Admission } from '../objects/admission.ts'
import { persistentVolume } from '../resources/core/persistent-volume.ts'
import { persistentVolumeClaim } from '../resources/core/persistent-volume-claim.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { claimProtection, volumeProtection } from '../volumes/names.ts'

const finalizers: ReadonlyMap<ResourceDefinition, string> = new Map([
  [persistentVolumeClaim, claimProtection],
  [persistentVolume, volumeProtection],
])

export const storageProtection: Admission = {
  name: 'StorageObjectInUseProtection',
  admit: ({ operation, definition, object }) => {
    const finalizer = operation === 'create' ? finalizers.get(definition) : undefined
    const held = object.metadata.finalizers ?? []
    if (finalizer === undefined || held.includes(finalizer)) return object
    return { ...object, metadata: { ...object.metadata, finalizers: [...held, finalizer] } }
  },
}
