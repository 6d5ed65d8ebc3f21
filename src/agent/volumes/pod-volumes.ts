/** The volumes of pods on disk: filled before the pod starts, and looked at again while it runs. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PodConfig } from '../env/config-source.ts'
import type { NodeFacts } from '../env/field-ref.ts'
import type { Mount } from '../runtime/mounts.ts'
import { createAccountTokenSource } from './account-tokens.ts'
import { writeAtomicFolder } from './atomic-folder.ts'
import { type FileVolume, fileVolumesOf, mountsOf, type Source } from './file-volumes.ts'
import { type VolumeFile, type VolumeInput, volumeFiles } from './volume-files.ts'

export interface PodVolumesOptions {
  readonly client: Client
  readonly clock: Clock
  /** Those that the volumes of a pod name. */
  readonly configOf: (pod: Pod) => Promise<PodConfig>
  readonly allocatable: NodeFacts['allocatable']
  /** The folder of a pod; whoever removes it removes its volumes. */
  readonly folderOf: (uid: string) => string
}

export interface PodVolumes {
  /** Fills them, and tells where they are to be seen. Throws `VolumeError`. */
  make(pod: Pod): Promise<readonly Mount[]>
  /** Writes what has changed, for a pod whose volumes were made. Throws `VolumeError`. */
  refresh(pod: Pod): Promise<void>
  forget(uid: string): void
  /** Where they are, each in a folder of its name. */
  folderOf(uid: string): string
}

/** A volume that cannot be filled, in the kubelet's words. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'

  constructor(volume: string, why: unknown) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${why instanceof Error ? why.message : String(why)}`)
  }
}

const digestOf = (files: ReadonlyMap<string, VolumeFile>): string => {
  const hash = createHash('sha256')
  for (const [path, { content, mode }] of files)
    hash.update(JSON.stringify([path, mode, content.length])).update(content)
  return hash.digest('hex')
}

type TokenOf = Extract<Source, { kind: 'token' }>

export const createPodVolumes = (options: PodVolumesOptions): PodVolumes => {
  const { client, clock, configOf, allocatable } = options
  const tokens = createAccountTokenSource(client, clock)
  /** What was written last, by pod and volume. */
  const written = new Map<string, Map<string, string>>()

  const folderOf = (uid: string): string => join(options.folderOf(uid), 'volumes')
  const folders = (pod: Pod): string => folderOf(pod.metadata.uid ?? '')

  const filesOf = async (pod: Pod, volume: FileVolume, config: PodConfig): Promise<ReadonlyMap<string, VolumeFile>> => {
    const found = new Map<TokenOf, string>()
    for (const source of volume.sources) if (source.kind === 'token') found.set(source, await tokens.get(pod, source))
    const input: VolumeInput = { pod, allocatable, ...config, tokenOf: (source) => found.get(source) ?? '' }
    return volumeFiles(volume, input)
  }

  const fill = async (pod: Pod, volume: FileVolume, config: PodConfig): Promise<void> => {
    const { uid = '' } = pod.metadata
    const ofPod = written.get(uid) ?? new Map<string, string>()
    written.set(uid, ofPod)
    try {
      const files = await filesOf(pod, volume, config)
      const digest = digestOf(files)
      if (ofPod.get(volume.name) === digest) return
      await writeAtomicFolder(join(folders(pod), volume.name), files)
      ofPod.set(volume.name, digest)
    } catch (error) {
      throw new VolumeError(volume.name, error)
    }
  }

  const fillAll = async (pod: Pod): Promise<void> => {
    const volumes = fileVolumesOf(pod)
    if (volumes.length === 0) return
    const config = await configOf(pod)
    for (const volume of volumes) await fill(pod, volume, config)
  }

  return {
    make: async (pod) => {
      written.delete(pod.metadata.uid ?? '')
      // Nobody on the node looks in here; in the pod, the modes of the files say who may read them.
      await mkdir(folders(pod), { recursive: true, mode: 0o700 })
      await fillAll(pod)
      return mountsOf(pod).served.map(({ volume, path }) => ({
        ...{ source: join(folders(pod), volume), target: path, kind: 'folder', readOnly: true },
      }))
    },
    refresh: fillAll,
    forget: (uid) => {
      written.delete(uid)
      tokens.forget(uid)
    },
    folderOf,
  }
}
