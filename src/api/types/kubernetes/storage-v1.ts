/** Types of storage/v1, made by scripts/declare-types.ts. */

import type { PersistentVolumeSpec, TopologySelectorTerm } from './core-v1.ts'
import type { LabelSelector, ObjectMeta } from './meta-v1.ts'

export interface CSIDriver {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: CSIDriverSpec
}

export interface CSIDriverSpec {
  readonly attachRequired?: boolean
  readonly podInfoOnMount?: boolean
  readonly volumeLifecycleModes?: readonly string[]
  readonly storageCapacity?: boolean
  readonly fsGroupPolicy?: string
  readonly tokenRequests?: readonly TokenRequest[]
  readonly requiresRepublish?: boolean
  readonly seLinuxMount?: boolean
  readonly nodeAllocatableUpdatePeriodSeconds?: number
  readonly serviceAccountTokenInSecrets?: boolean
  readonly preventPodSchedulingIfMissing?: boolean
}

export interface CSINode {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: CSINodeSpec
  readonly status: CSINodeStatus
}

export interface CSINodeDriver {
  readonly name: string
  readonly nodeID: string
  readonly topologyKeys: readonly string[]
  readonly allocatable?: VolumeNodeResources
}

export interface CSINodeSpec {
  readonly drivers: readonly CSINodeDriver[]
}

export interface CSINodeStatus {
  readonly storageHealth?: readonly StorageHealth[]
}

export interface CSIStorageCapacity {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly nodeTopology?: LabelSelector
  readonly storageClassName: string
  readonly capacity?: string
  readonly maximumVolumeSize?: string
}

export interface StorageClass {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly provisioner: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly reclaimPolicy?: string
  readonly mountOptions?: readonly string[]
  readonly allowVolumeExpansion?: boolean
  readonly volumeBindingMode?: string
  readonly allowedTopologies?: readonly TopologySelectorTerm[]
}

export interface StorageHealth {
  readonly name: string
  readonly healthConditions?: readonly StorageHealthCondition[]
}

export interface StorageHealthCondition {
  readonly status: string
  readonly reason: string
  readonly message?: string
  readonly accessMode?: string
  readonly volumeMode?: string
  readonly lastTransitionTime?: string | null
}

export interface TokenRequest {
  readonly audience: string
  readonly expirationSeconds?: number
}

export interface VolumeAttachment {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly spec: VolumeAttachmentSpec
  readonly status: VolumeAttachmentStatus
}

export interface VolumeAttachmentSource {
  readonly persistentVolumeName?: string
  readonly inlineVolumeSpec?: PersistentVolumeSpec
}

export interface VolumeAttachmentSpec {
  readonly attacher: string
  readonly source: VolumeAttachmentSource
  readonly nodeName: string
}

export interface VolumeAttachmentStatus {
  readonly attached: boolean
  readonly attachmentMetadata?: Readonly<Record<string, string>>
  readonly attachError?: VolumeError
  readonly detachError?: VolumeError
}

export interface VolumeError {
  readonly time?: string | null
  readonly message?: string
  readonly errorCode?: number
}

export interface VolumeNodeResources {
  readonly count?: number
}
