/** What to do next with one claim, and with one volume: the rules of Kubernetes' persistent volume controller. Pure. */
import type { EventType } from '../../../api/event-recorder.ts'
import { objectKey } from '../../../api/resources.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../../api/types/kubernetes/storage-v1.ts'
import { annotationOf, classOf, hasAnnotation, isDelayed, isFor, isProvisioned, modeOf } from '../../volumes/claims.ts'
import { bestVolume, mismatch } from '../../volumes/match.ts'
import { bindCompleted, boundByController, provisionedBy } from '../../volumes/names.ts'

export interface Told {
  readonly type: EventType
  readonly reason: string
  readonly message: string
}

export type ClaimStep =
  | { readonly do: 'bind'; readonly volume: PersistentVolume }
  /** Somebody is to make a volume for it. */
  | { readonly do: 'ask'; readonly provisioner: string; readonly told: Told }
  | { readonly do: 'wait'; readonly told?: Told }
  | { readonly do: 'lose'; readonly told: Told }

/** What is known when a claim is looked at. */
export interface ClaimWorld {
  readonly volume: (name: string) => PersistentVolume | undefined
  readonly volumesOfClass: (name: string) => Iterable<PersistentVolume>
  readonly storageClass: (name: string) => StorageClass | undefined
  /** Of pods that use the claim and have no node yet. */
  readonly waitingPods: readonly string[]
}

const normal = (reason: string, message: string): Told => ({ type: 'Normal', reason, message })
const warning = (reason: string, message: string): Told => ({ type: 'Warning', reason, message })

const lost = (message: string): ClaimStep => ({ do: 'lose', told: warning('ClaimLost', message) })

const planBound = (claim: PersistentVolumeClaim, world: ClaimWorld): ClaimStep => {
  const { volumeName = '' } = claim.spec
  if (volumeName === '') return lost('Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = world.volume(volumeName)
  if (!volume) return lost('Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  if (!volume.spec.claimRef || volume.spec.claimRef.uid === claim.metadata.uid) return { do: 'bind', volume }
  return {
    do: 'lose',
    told: warning('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly'),
  }
}

const planNamed = (claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimStep => {
  if (!volume) return { do: 'wait' }
  const name = volume.metadata.name
  if (volume.spec.claimRef && !isFor(volume, claim))
    return {
      do: 'wait',
      told: warning('FailedBinding', `volume ${JSON.stringify(name)} already bound to a different claim.`),
    }
  const why = mismatch(volume, claim)
  if (why === undefined || volume.spec.claimRef?.uid) return { do: 'bind', volume }
  return {
    do: 'wait',
    told: warning('VolumeMismatch', `Cannot bind to requested volume ${JSON.stringify(name)}: ${why}`),
  }
}

const waitingFor = (pods: readonly string[]): Told => {
  const [first] = pods
  return first === undefined
    ? normal('WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
    : normal('WaitForPodScheduled', `waiting for pod${pods.length > 1 ? 's' : ''} ${pods.join(',')} to be scheduled`)
}

const askFor = (name: string, storageClass: StorageClass | undefined): ClaimStep => {
  if (name === '')
    return {
      do: 'wait',
      told: normal('FailedBinding', 'no persistent volumes available for this claim and no storage class is set'),
    }
  if (!storageClass)
    return {
      do: 'wait',
      told: warning('ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(name)} not found`),
    }
  const { provisioner } = storageClass
  if (!isProvisioned(storageClass))
    return {
      do: 'wait',
      told: normal(
        'FailedBinding',
        `no persistent volumes available for this claim, and volumes of the class ${JSON.stringify(name)} are not made dynamically`,
      ),
    }
  return {
    do: 'ask',
    provisioner,
    told: normal(
      'ExternalProvisioning',
      `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
    ),
  }
}

export const planClaim = (claim: PersistentVolumeClaim, world: ClaimWorld): ClaimStep => {
  if (hasAnnotation(claim, bindCompleted)) return planBound(claim, world)
  if (claim.spec.volumeName) return planNamed(claim, world.volume(claim.spec.volumeName))
  const name = classOf(claim)
  const storageClass = name === '' ? undefined : world.storageClass(name)
  const reservedOnly = isDelayed(claim, storageClass)
  const volume = bestVolume({ claim, reservedOnly }, world.volumesOfClass(name))
  if (volume) return { do: 'bind', volume }
  if (claim.metadata.deletionTimestamp !== undefined) return { do: 'wait' }
  return reservedOnly ? { do: 'wait', told: waitingFor(world.waitingPods) } : askFor(name, storageClass)
}

export type VolumeStep =
  | { readonly do: 'set'; readonly phase: 'Available' | 'Bound'; readonly told?: Told }
  /** The claim is to be looked at: it takes the volume, or it does not. */
  | { readonly do: 'claim'; readonly key: string; readonly phase?: 'Available'; readonly told?: Told }
  /** Its claim has gone. */
  | { readonly do: 'release'; readonly failure?: Told }
  /** It was given to a claim that has taken another one. `forget`: the reference as a whole, or its uid alone. */
  | { readonly do: 'unbind'; readonly forget: 'claim' | 'uid' }

const cannotDelete = (volume: PersistentVolume): Told =>
  warning(
    'VolumeFailedDelete',
    `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`,
  )

const cannotRecycle: Told = warning(
  'VolumeFailedRecycle',
  'the reclaim policy Recycle is deprecated and not supported: remove the data by hand, then the claimRef of the volume to make it available again, or use the policy Delete of a class',
)

/** What becomes of a volume whose claim has gone, where that is not the matter of who has made it. */
const reclaim = (volume: PersistentVolume): VolumeStep => {
  switch (volume.spec.persistentVolumeReclaimPolicy) {
    case 'Delete':
      return hasAnnotation(volume, provisionedBy) || volume.spec.csi
        ? { do: 'release' }
        : { do: 'release', failure: cannotDelete(volume) }
    case 'Recycle':
      return { do: 'release', failure: cannotRecycle }
    default:
      return { do: 'release' }
  }
}

/** `claim`: the one that the volume names, whatever its uid is. */
export const planVolume = (volume: PersistentVolume, named: PersistentVolumeClaim | undefined): VolumeStep => {
  const { claimRef } = volume.spec
  if (!claimRef) return { do: 'set', phase: 'Available' }
  if (!claimRef.uid)
    return named ? { do: 'claim', key: objectKey(named), phase: 'Available' } : { do: 'set', phase: 'Available' }
  const claim = named?.metadata.uid === claimRef.uid ? named : undefined
  if (!claim) return reclaim(volume)
  const { volumeName = '' } = claim.spec
  if (volumeName === volume.metadata.name) return { do: 'set', phase: 'Bound' }
  if (volumeName === '') {
    const told =
      modeOf(volume) === modeOf(claim)
        ? undefined
        : warning(
            'VolumeMismatch',
            `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} due to incompatible volumeMode.`,
          )
    return { do: 'claim', key: objectKey(claim), ...(told ? { told } : {}) }
  }
  if (hasAnnotation(volume, provisionedBy) && volume.spec.persistentVolumeReclaimPolicy === 'Delete')
    return { do: 'release' }
  return { do: 'unbind', forget: annotationOf(volume, boundByController) === undefined ? 'uid' : 'claim' }
}
