/**
 * Brings claims and volumes together: Kubernetes' persistent volume controller, but for making and deleting volumes, which is
 * the matter of provisioners. What is to be done is decided in `plan.ts`.
 */
import { formatTime } from '../../../api/clock.ts'
import { isNotFound } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { objectKey, persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../../../api/resources.ts'
import type { KubeObject, ObjectReference } from '../../../api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { isDefaultClass } from '../../resources/storage/storage-class.ts'
import {
  annotationOf,
  bytesOf,
  claimKeyOf,
  classOf,
  hasAnnotation,
  isBound,
  referenceToClaim,
  requestedBytes,
} from '../../volumes/claims.ts'
import { betaStorageProvisioner, bindCompleted, boundByController, storageProvisioner } from '../../volumes/names.ts'
import { claimKeysOfPod } from '../../volumes/pod-claims.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { writeStatus } from '../write-status.ts'
import { planClaim, planVolume, type Told, type VolumeStep } from './plan.ts'

const name = 'persistentvolume-controller'

/** What waits is told of again, and looked at in case that something was missed. */
const waitMs = 60_000

/** Null takes one away. */
type Annotations = Readonly<Record<string, string | null>>

const claimMark = 'claim '
const volumeMark = 'volume '

export const createVolumeBinder: CreateController = (context) => {
  const { client, clock, informers } = context
  const claims = informers.of(persistentVolumeClaims)
  const volumes = informers.of(persistentVolumes)
  const classes = informers.of(storageClasses)
  const podCopies = informers.of(pods)
  const events = recorderFor(context, name)

  const tell = (object: KubeObject, told: Told | undefined): void => {
    if (told) events.record(referenceTo(object), told.type, told.reason, told.message)
  }

  const setPhase = async (
    volume: PersistentVolume,
    phase: string,
    { reason, message }: { readonly reason?: string; readonly message?: string } = {},
  ): Promise<void> => {
    const lastPhaseTransitionTime =
      volume.status.phase === phase ? volume.status.lastPhaseTransitionTime : formatTime(clock.now())
    await writeStatus(client, persistentVolumes, volume, { phase, reason, message, lastPhaseTransitionTime })
  }

  const annotate = (object: KubeObject, annotations: Annotations) => ({
    metadata: { resourceVersion: object.metadata.resourceVersion, annotations },
  })

  /** The volume names the claim first: whoever comes too late for a volume learns it by a conflict. */
  const takeVolume = async (volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<PersistentVolume> => {
    const { claimRef } = volume.spec
    if (claimRef?.uid === claim.metadata.uid && claimRef?.uid) return volume
    const wanted: ObjectReference = referenceToClaim(claim)
    const mark: Annotations = claimRef ? {} : { [boundByController]: 'yes' }
    return client.patch(persistentVolumes, volume, {
      ...annotate(volume, mark),
      spec: { claimRef: wanted },
    })
  }

  const takeClaim = async (claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> => {
    const { volumeName = '' } = claim.spec
    if (volumeName !== '' && hasAnnotation(claim, bindCompleted)) return claim
    const mark: Annotations = volumeName === '' ? { [boundByController]: 'yes' } : {}
    return client.patch(persistentVolumeClaims, claim, {
      ...annotate(claim, { ...mark, [bindCompleted]: 'yes' }),
      spec: { volumeName: volume.metadata.name },
    })
  }

  const bind = async (claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> => {
    const taken = await takeVolume(volume, claim)
    await setPhase(taken, 'Bound')
    const bound = await takeClaim(claim, taken)
    const { accessModes = [], capacity } = taken.spec
    // How large it has become is told by who makes it larger.
    await writeStatus(client, persistentVolumeClaims, bound, {
      ...{ phase: 'Bound', accessModes, capacity: bound.status.capacity ?? capacity },
    })
  }

  const ask = async (claim: PersistentVolumeClaim, provisioner: string): Promise<void> => {
    const marks = { [betaStorageProvisioner]: provisioner, [storageProvisioner]: provisioner }
    if (
      annotationOf(claim, storageProvisioner) === provisioner &&
      annotationOf(claim, betaStorageProvisioner) === provisioner
    )
      return
    await client.patch(persistentVolumeClaims, claim, annotate(claim, marks))
  }

  const world = (claim: PersistentVolumeClaim) => ({
    volume: (volumeName: string) => volumes.get(volumeName),
    volumesOfClass: (className: string) => volumes.by('class', className),
    storageClass: (className: string) => classes.get(className),
    waitingPods: podCopies
      .by('claim', objectKey(claim))
      .filter(({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name)
      .sort()
      .slice(0, 10),
  })

  /** One that came before there was a default class gets it. */
  const classed = async (claim: PersistentVolumeClaim): Promise<PersistentVolumeClaim> => {
    if (claim.spec.storageClassName !== undefined || claim.spec.volumeName || classOf(claim) !== '') return claim
    const [newest] = [...classes.values()]
      .filter(isDefaultClass)
      .sort((a, b) => ((a.metadata.creationTimestamp ?? '') > (b.metadata.creationTimestamp ?? '') ? -1 : 1))
    if (!newest) return claim
    return client.patch(persistentVolumeClaims, claim, {
      metadata: { resourceVersion: claim.metadata.resourceVersion },
      spec: { storageClassName: newest.metadata.name },
    })
  }

  const syncClaim = async (key: string): Promise<Outcome> => {
    const found = claims.get(key)
    if (!found) return 'done'
    const claim = await classed(found)
    const step = planClaim(claim, world(claim))
    switch (step.do) {
      case 'bind':
        await bind(claim, step.volume)
        return 'done'
      case 'lose':
        if (claim.status.phase !== 'Lost') tell(claim, step.told)
        await writeStatus(client, persistentVolumeClaims, claim, {
          phase: 'Lost',
          accessModes: [],
          capacity: undefined,
        })
        return 'done'
      case 'ask':
        tell(claim, step.told)
        await ask(claim, step.provisioner)
        break
      case 'wait':
        tell(claim, step.told)
    }
    await writeStatus(client, persistentVolumeClaims, claim, { phase: 'Pending' })
    return { againInMs: waitMs }
  }

  const release = async (volume: PersistentVolume, failure: Told | undefined): Promise<void> => {
    if (!failure) {
      if (volume.status.phase !== 'Failed') await setPhase(volume, 'Released')
      return
    }
    if (volume.status.phase !== 'Failed') tell(volume, failure)
    await setPhase(volume, 'Failed', failure)
  }

  const unbind = async (volume: PersistentVolume, forget: 'claim' | 'uid'): Promise<void> => {
    const freed = await client.patch(persistentVolumes, volume, {
      ...annotate(volume, { [boundByController]: null }),
      spec: { claimRef: forget === 'claim' ? null : { uid: null, resourceVersion: null } },
    })
    await setPhase(freed, 'Available')
  }

  const actOn = async (volume: PersistentVolume, step: VolumeStep): Promise<void> => {
    switch (step.do) {
      case 'set':
        return setPhase(volume, step.phase)
      case 'claim':
        tell(volume, step.told)
        if (step.phase) await setPhase(volume, step.phase)
        return queue.add(claimMark + step.key)
      case 'release':
        return release(volume, step.failure)
      case 'unbind':
        return unbind(volume, step.forget)
    }
  }

  const syncVolume = async (key: string): Promise<Outcome> => {
    const volume = volumes.get(key)
    if (!volume) return 'done'
    const claimKey = claimKeyOf(volume)
    let claim = claimKey === undefined ? undefined : claims.get(claimKey)
    if (volume.spec.claimRef?.uid && claim?.metadata.uid !== volume.spec.claimRef.uid)
      // Nothing is released, and then maybe deleted, because a copy lags behind.
      claim = await lookUp(volume.spec.claimRef)
    await actOn(volume, planVolume(volume, claim))
    return 'done'
  }

  const lookUp = ({ name: claimName = '', namespace = '' }: ObjectReference) =>
    client.get(persistentVolumeClaims, claimName, namespace).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })

  const queue = createQueue(context, name, (key) =>
    key.startsWith(claimMark) ? syncClaim(key.slice(claimMark.length)) : syncVolume(key.slice(volumeMark.length)),
  )

  const pending = (className: string): readonly PersistentVolumeClaim[] =>
    claims.by('class', className).filter((claim) => !isBound(claim))

  /** Those who may want a volume that has changed. */
  const wake = (volume: PersistentVolume): void => {
    const key = claimKeyOf(volume)
    if (key !== undefined) return queue.add(claimMark + key)
    for (const claim of pending(classOf(volume)))
      if (bytesOf(volume.spec.capacity) >= requestedBytes(claim)) queue.add(claimMark + objectKey(claim))
  }

  return {
    name,
    run: (signal) => {
      claims.onChange((key, claim, previous) => {
        if (claim) queue.add(claimMark + key)
        for (const volumeName of new Set([claim?.spec.volumeName, previous?.spec.volumeName]))
          if (volumeName) queue.add(volumeMark + volumeName)
        for (const { metadata } of volumes.by('claim', key)) queue.add(volumeMark + metadata.name)
      })
      volumes.onChange((key, volume, previous) => {
        queue.add(volumeMark + key)
        for (const each of [volume, previous]) if (each) wake(each)
        for (const claim of claims.by('volume', key)) queue.add(claimMark + objectKey(claim))
      })
      classes.onChange((key, current) => {
        for (const className of current ? [key, ''] : [key])
          for (const claim of pending(className)) queue.add(claimMark + objectKey(claim))
      })
      podCopies.onChange((_key, pod, previous) => {
        if (pod?.spec.nodeName === previous?.spec.nodeName && pod && previous) return
        for (const each of [pod, previous])
          if (each)
            for (const claimKey of claimKeysOfPod(each)) {
              const claim = claims.get(claimKey)
              if (claim && !isBound(claim)) queue.add(claimMark + claimKey)
            }
      })
      return queue.run(signal)
    },
  }
}
