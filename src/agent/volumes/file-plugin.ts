/** Volumes of files that the node writes, and goes on writing. */
import { createHash } from 'node:crypto'
import { mkdir, statfs } from 'node:fs/promises'
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import { tmpfsType } from '../../host/linux-constants.ts'
import type { PodConfig } from '../env/config-source.ts'
import type { NodeFacts } from '../env/field-ref.ts'
import { createAccountTokenSource } from './account-tokens.ts'
import { writeAtomicFolder } from './atomic-folder.ts'
import type { FileVolume, TokenSource } from './file-source.ts'
import { fileVolume } from './file-volumes.ts'
import { memory, type NodeMounts } from './node-mounts.ts'
import type { VolumePlugin, VolumeRequest } from './plugin.ts'
import { type VolumeFile, type VolumeInput, volumeFiles } from './volume-files.ts'

export interface FilePluginOptions {
  readonly client: Client
  readonly clock: Clock
  /** Those that the volumes of a pod name. */
  readonly configOf: (pod: Pod) => Promise<PodConfig>
  readonly allocatable: NodeFacts['allocatable']
  readonly mounts: NodeMounts
}

const digestOf = (files: ReadonlyMap<string, VolumeFile>): string => {
  const hash = createHash('sha256')
  for (const [path, { content, mode }] of files)
    hash.update(JSON.stringify([path, mode, content.length])).update(content)
  return hash.digest('hex')
}

/** One for all kinds of volumes of files; they share what is known of tokens. */
export const createFilePlugins = (options: FilePluginOptions): ((kind: string) => VolumePlugin) => {
  const { client, clock, configOf, allocatable, mounts } = options
  const tokens = createAccountTokenSource(client, clock)
  /** What was written last, by pod and volume. */
  const written = new Map<string, Map<string, string>>()

  const filesOf = async (pod: Pod, volume: FileVolume): Promise<ReadonlyMap<string, VolumeFile>> => {
    const found = new Map<TokenSource, string>()
    for (const source of volume.sources) if (source.kind === 'token') found.set(source, await tokens.get(pod, source))
    const input: VolumeInput = {
      ...{ pod, allocatable, ...(await configOf(pod)) },
      tokenOf: (source) => found.get(source) ?? '',
    }
    return volumeFiles(volume, input)
  }

  /** Secrets are never written to a disk. */
  const makeFolder = async (folder: string): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    if ((await statfs(folder)).type !== tmpfsType) await mounts.mountSource(memory(undefined), folder)
  }

  const write = async ({ pod, inMemory }: VolumeRequest, volume: FileVolume): Promise<void> => {
    const { uid = '' } = pod.metadata
    const files = await filesOf(pod, volume)
    const digest = digestOf(files)
    const ofPod = written.get(uid) ?? new Map<string, string>()
    written.set(uid, ofPod)
    if (ofPod.get(volume.name) === digest) return
    await writeAtomicFolder(inMemory, files, pod.spec.securityContext?.fsGroup)
    ofPod.set(volume.name, digest)
  }

  return (kind) => {
    const volumeOf = ({ name, source }: VolumeRequest): FileVolume => fileVolume(name, kind, source)
    return {
      prepare: async (request) => {
        written.get(request.pod.metadata.uid ?? '')?.delete(request.name)
        await makeFolder(request.inMemory)
        await write(request, volumeOf(request))
        return { path: request.inMemory, kind: 'folder', readOnly: true }
      },
      refresh: (request) => write(request, volumeOf(request)),
      forget: (uid) => {
        written.delete(uid)
        tokens.forget(uid)
      },
    }
  }
}
