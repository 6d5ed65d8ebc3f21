/** Makes volumes of our own larger when their claims ask for more. Those of others are made larger by who makes them. */
import { referenceTo } from '../../../api/event-recorder.ts'
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../../../api/resources.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { annotationOf, bytesOf, classOf, isBound, requestedBytes } from '../../volumes/claims.ts'
import { hostPathProvisioner } from '../../volumes/host-path.ts'
import { provisionedBy } from '../../volumes/names.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { writeStatus } from '../write-status.ts'

const name = 'volume_expand'

export const createVolumeExpander: CreateController = (context) => {
  const { client, informers } = context
  const claims = informers.of(persistentVolumeClaims)
  const volumes = informers.of(persistentVolumes)
  const classes = informers.of(storageClasses)
  const events = recorderFor(context, name)
  const told = new Map<string, string>()

  const reconcile = async (key: string): Promise<Outcome> => {
    const claim = claims.get(key)
    if (!claim || !isBound(claim) || claim.status.phase !== 'Bound') return 'done'
    const storage = claim.spec.resources.requests?.['storage']
    const volume = volumes.get(claim.spec.volumeName ?? '')
    const storageClass = classes.get(classOf(claim))
    const isSettled = storage === undefined || requestedBytes(claim) <= bytesOf(claim.status.capacity)
    if (isSettled || !volume || volume.spec.claimRef?.uid !== claim.metadata.uid) return 'done'
    if (!storageClass?.allowVolumeExpansion) return 'done'
    if (annotationOf(volume, provisionedBy) !== hostPathProvisioner) {
      if (told.get(key) === storage) return 'done'
      told.set(key, storage)
      const message = 'waiting for an external controller to expand this PVC'
      events.record(referenceTo(claim), 'Normal', 'ExternalExpanding', message)
      return 'done'
    }
    const { resourceVersion } = volume.metadata
    if (bytesOf(volume.spec.capacity) < requestedBytes(claim))
      await client.patch(persistentVolumes, volume, { metadata: { resourceVersion }, spec: { capacity: { storage } } })
    await writeStatus(client, persistentVolumeClaims, claim, { capacity: { ...claim.status.capacity, storage } })
    const message = `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(volume.metadata.name)}`
    events.record(referenceTo(claim), 'Normal', 'FileSystemResizeSuccessful', message)
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      claims.onChange((key, current) => {
        if (current) queue.add(key)
        else told.delete(key)
      }, signal)
      return queue.run(signal)
    },
  }
}
