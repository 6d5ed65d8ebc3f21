/** What makes the volumes of one kind. */
import type { JsonObject } from '../../api/json.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PersistentVolume } from '../../api/types/kubernetes/core-v1.ts'

/** A volume of a pod that some container mounts. */
export interface VolumeRequest {
  readonly pod: Pod
  readonly name: string
  /** What the pod's spec, or that of the claimed volume, says below the name of the kind. */
  readonly source: JsonObject
  /** The volume that is claimed; missing for one that the pod's spec describes itself. */
  readonly claimed?: PersistentVolume
  /** The volume's own folder on the node, in memory or on a disk; whoever wants it makes it. All of it goes with the pod. */
  readonly inMemory: string
  readonly onDisk: string
  /** Keeps what `release` needs, before there is something to release: it outlives the agent, and the node's sleep. */
  note(kind: string, value: JsonObject): Promise<void>
}

export interface PreparedVolume {
  /** On the node. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** Nobody may write to it, whatever the container's mount says. */
  readonly readOnly: boolean
}

export interface VolumePlugin {
  /** Makes it ready for containers; safe to repeat. Throws an Error whose message is for the user. */
  prepare(request: VolumeRequest): Promise<PreparedVolume>
  /** Brings what is in it up to date. Missing where the node has no part in that. */
  refresh?(request: VolumeRequest): Promise<void>
  /** Undoes what was noted under this kind; safe to repeat. */
  release?(value: JsonObject): Promise<void>
  /** Drops what is remembered of a pod. */
  forget?(uid: string): void
}

/** A volume that cannot be had, in the kubelet's words. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'

  constructor(volume: string, why: unknown) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${why instanceof Error ? why.message : String(why)}`)
  }
}
