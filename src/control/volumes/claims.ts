/** What claims and volumes say of each other. Pure. */
import { parseQuantity } from '../../api/quantity.ts'
import { objectKey } from '../../api/resources.ts'
import type { KubeObject, ObjectReference } from '../../api/types/index.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../api/types/kubernetes/storage-v1.ts'
import { volumeClassAnnotation } from '../resources/core/volume-text.ts'
import { bindCompleted, noProvisioner, selectedNode } from './names.ts'

export const annotationOf = ({ metadata }: KubeObject, name: string): string | undefined => metadata.annotations?.[name]

export const hasAnnotation = (object: KubeObject, name: string): boolean => annotationOf(object, name) !== undefined

/** Empty where it has none: a claim without a class wants a volume without one. */
export const classOf = (object: PersistentVolume | PersistentVolumeClaim): string =>
  annotationOf(object, volumeClassAnnotation) ?? object.spec.storageClassName ?? ''

/** Of an object of either kind: how large it is, or has to be. */
export const bytesOf = (amounts: Readonly<Record<string, string>> | undefined): bigint =>
  parseQuantity(amounts?.['storage'] ?? '0') ?? 0n

export const requestedBytes = ({ spec }: PersistentVolumeClaim): bigint => bytesOf(spec.resources.requests)

export const modeOf = ({ spec }: PersistentVolume | PersistentVolumeClaim): string => spec.volumeMode ?? 'Filesystem'

/** The key of the claim that a volume is for. */
export const claimKeyOf = ({ spec: { claimRef } }: PersistentVolume): string | undefined =>
  claimRef && `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`

/** Also when somebody has named the claim before there was one: then the reference has no uid. */
export const isFor = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => {
  const { claimRef } = volume.spec
  return claimKeyOf(volume) === objectKey(claim) && (!claimRef?.uid || claimRef.uid === claim.metadata.uid)
}

/** Both name each other, and the claim says that it is so. */
export const isBound = (claim: PersistentVolumeClaim): boolean =>
  hasAnnotation(claim, bindCompleted) && (claim.spec.volumeName ?? '') !== ''

export const referenceToClaim = ({ metadata }: PersistentVolumeClaim): ObjectReference => ({
  ...{ kind: 'PersistentVolumeClaim', apiVersion: 'v1', name: metadata.name },
  ...{ namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' },
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
})

/** Whether its volumes are found, or made, when a pod that uses them gets its node. */
export const waitsForConsumer = (storageClass: StorageClass | undefined): boolean =>
  storageClass?.volumeBindingMode === 'WaitForFirstConsumer'

/** Whether a claim of the class is the scheduler's matter until it has chosen a node. */
export const isDelayed = (claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): boolean =>
  waitsForConsumer(storageClass) && !hasAnnotation(claim, selectedNode)

export const isProvisioned = (storageClass: StorageClass): boolean => storageClass.provisioner !== noProvisioner
