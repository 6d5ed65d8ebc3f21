/** The volumes of pods: made before the pod starts, looked at while it runs, and gone with it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorText } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Container, Pod, StringMap } from '../../api/types/index.ts'
import { removeTree } from '../../host/remove-tree.ts'
import type { Device } from '../runtime/containers.ts'
import type { Mount } from '../runtime/mounts.ts'
import { absentPlugin } from './absent.ts'
import { sharedMountsOf, usedVolumes, usesParts, type VolumeMount, volumeMountsOf } from './container-mounts.ts'
import type { NodeMounts } from './node-mounts.ts'
import { dropNote, readNotes, type VolumeNote, writeNote } from './notes.ts'
import { type PreparedVolume, VolumeError, type VolumePlugin, type VolumeRequest } from './plugin.ts'
import { openSubPath } from './sub-path.ts'

/** Where the volumes of pods are, each in a folder of its name. */
export interface VolumePlaces {
  /** The folder of a pod, in memory. */
  readonly folderOf: (uid: string) => string
  /** Where pods have their folders on a disk. */
  readonly diskDir: string
}

export interface PodVolumesOptions extends VolumePlaces {
  readonly plugins: ReadonlyMap<string, VolumePlugin>
  readonly mounts: NodeMounts
}

/** The folder of a pod's volumes that are in memory, and of those on a disk. */
export const volumeFolders = (
  { folderOf, diskDir }: VolumePlaces,
  uid: string,
): { readonly inMemory: string; readonly onDisk: string } => ({
  inMemory: join(folderOf(uid), 'volumes'),
  onDisk: join(diskDir, uid),
})

export interface PodVolumes {
  /** Makes all that some container uses, and tells what is to be seen where all containers share a root. Throws `VolumeError`. */
  prepare(pod: Pod): Promise<readonly Mount[]>
  /** What one container sees, with its environment. Throws `VolumeError`. */
  ofContainer(pod: Pod, container: Container, env: StringMap): Promise<ContainerVolumes>
  /** Writes what has changed, for a pod whose volumes were made: each volume on its own. Throws what could not be. */
  refresh(pod: Pod): Promise<void>
  /** Nothing of the pod's volumes is left on the node; safe to repeat, and for pods that nobody remembers. */
  remove(uid: string): Promise<void>
}

export interface ContainerVolumes {
  readonly mounts: readonly Mount[]
  readonly devices: readonly Device[]
}

interface Volume {
  readonly plugin: VolumePlugin
  readonly request: VolumeRequest
}

/** It becomes the name of a folder. */
const isName = (name: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)

export const createPodVolumes = (options: PodVolumesOptions): PodVolumes => {
  const { plugins, mounts, folderOf } = options
  const prepared = new Map<string, ReadonlyMap<string, PreparedVolume>>()

  const partsDir = (uid: string): string => join(folderOf(uid), 'sub-paths')

  /** One without any kind is empty, as the API has it. */
  const kindOf = (volume: object): readonly [kind: string, source: unknown] =>
    Object.entries(volume).find(([field, value]) => field !== 'name' && isJsonObject(value)) ?? ['emptyDir', {}]

  const volumeOf = (pod: Pod, volume: { readonly name: string }): Volume => {
    const { uid = '' } = pod.metadata
    const { name } = volume
    const [kind, source] = kindOf(volume)
    const plugin = plugins.get(kind) ?? absentPlugin(kind)
    if (!isName(name)) throw new VolumeError(name, 'it has no name of a volume')
    if (!isJsonObject(source)) throw new VolumeError(name, `its ${kind} is no object`)
    const { inMemory, onDisk } = volumeFolders(options, uid)
    const folders = { inMemory: join(inMemory, name), onDisk: join(onDisk, name) }
    const note = (noted: string, value: JsonObject) => writeNote(onDisk, { volume: name, kind: noted, value })
    return { plugin, request: { pod, name, source, ...folders, note } }
  }

  const volumesOf = (pod: Pod): readonly Volume[] => {
    const used = usedVolumes(pod)
    return (pod.spec.volumes ?? []).filter(({ name }) => used.has(name)).map((volume) => volumeOf(pod, volume))
  }

  const told = async <T>(name: string, make: () => Promise<T>): Promise<T> => {
    try {
      return await make()
    } catch (error) {
      throw error instanceof VolumeError ? error : new VolumeError(name, error)
    }
  }

  const prepareAll = async (pod: Pod): Promise<ReadonlyMap<string, PreparedVolume>> => {
    const { uid = '' } = pod.metadata
    const all = new Map<string, PreparedVolume>()
    for (const { plugin, request } of volumesOf(pod)) {
      // Nobody on the node looks in here; in the pod, the modes of the files say who may read them.
      for (const folder of Object.values(volumeFolders(options, uid)))
        await mkdir(folder, { recursive: true, mode: 0o700 })
      all.set(request.name, await told(request.name, () => plugin.prepare(request)))
    }
    if (usesParts(pod)) {
      await mkdir(partsDir(uid), { recursive: true, mode: 0o700 })
      // Parts are found when their container starts, and its sandbox is there by then.
      await mounts.share(partsDir(uid))
    }
    prepared.set(uid, all)
    return all
  }

  const isPrepared = (known: ReadonlyMap<string, PreparedVolume>, { request }: Volume): boolean =>
    known.has(request.name)

  /** Those of a pod from before the agent, or from before a container that uses more, are made again, which changes nothing of them. */
  const preparedOf = async (pod: Pod): Promise<ReadonlyMap<string, PreparedVolume>> => {
    const known = prepared.get(pod.metadata.uid ?? '')
    return known && volumesOf(pod).every((volume) => isPrepared(known, volume)) ? known : prepareAll(pod)
  }

  /** A part of a volume, as a mount of its own that leads nowhere else, whatever the pod does. */
  const partOf = async (
    uid: string,
    { path }: PreparedVolume,
    subPath: string,
    name: string,
  ): Promise<PreparedVolume> => {
    const { handle, kind } = await openSubPath(path, subPath)
    try {
      const target = join(partsDir(uid), name)
      await mounts.unmountAll(target)
      // What was below it is a place for a mount, and empty.
      await removeTree(target)
      await mkdir(kind === 'folder' ? target : dirname(target), { recursive: true, mode: 0o700 })
      if (kind === 'file') await writeFile(target, '')
      await mounts.mountOpen(handle.fd, target)
      return { path: target, kind, readOnly: false }
    } finally {
      await handle.close()
    }
  }

  /** `owner`: whose mounts they are; parts of volumes are kept by it. */
  const toMount = async (
    uid: string,
    volumes: ReadonlyMap<string, PreparedVolume>,
    mount: VolumeMount,
    name: string,
  ): Promise<Mount> => {
    const whole = volumes.get(mount.volume)
    if (!whole) throw new Error('the pod has no volume of this name')
    const { path: source, kind } = mount.subPath === '' ? whole : await partOf(uid, whole, mount.subPath, name)
    return {
      ...{ source, target: mount.path, kind, readOnly: mount.readOnly || whole.readOnly },
      ...(mount.propagation ? { propagation: mount.propagation } : {}),
    }
  }

  /** Shallow places come first: a volume may be mounted in another one. */
  const toMounts = async (pod: Pod, all: readonly VolumeMount[], owner: string): Promise<readonly Mount[]> => {
    const { uid = '' } = pod.metadata
    const volumes = await preparedOf(pod)
    const made: Mount[] = []
    for (const [at, mount] of all.toSorted((a, b) => a.path.split('/').length - b.path.split('/').length).entries())
      made.push(await told(mount.volume, () => toMount(uid, volumes, mount, join(owner, String(at)))))
    return made
  }

  const devicesOf = async (pod: Pod, { volumeDevices = [] }: Container): Promise<readonly Device[]> => {
    const volumes = volumeDevices.length > 0 ? await preparedOf(pod) : undefined
    return volumeDevices.map(({ name, devicePath: target }) => {
      const volume = volumes?.get(name)
      if (!volume) throw new VolumeError(name, 'the pod has no volume of this name')
      return { source: volume.path, target, readOnly: volume.readOnly }
    })
  }

  /** Those that take longer than until the next look are waited for. */
  const refreshing = new Set<string>()
  const refreshOne = async ({ plugin, request }: Volume): Promise<void> => {
    const key = `${request.pod.metadata.uid}/${request.name}`
    if (refreshing.has(key)) return
    refreshing.add(key)
    try {
      await told(request.name, async () => plugin.refresh?.(request))
    } finally {
      refreshing.delete(key)
    }
  }

  const releaseOne = async (podFolder: string, { volume, kind, value }: VolumeNote): Promise<void> => {
    const plugin = plugins.get(kind)
    if (!plugin?.release) throw new Error(`nothing here undoes what ${kind} has made for volume ${volume}`)
    await plugin.release(value)
    await dropNote(podFolder, volume)
  }

  /** What others have made, they undo. One of them that is away keeps no other from it. */
  const release = async (podFolder: string): Promise<void> => {
    const failures: string[] = []
    for (const note of await readNotes(podFolder))
      await releaseOne(podFolder, note).catch((error: unknown) => failures.push(errorText(error)))
    if (failures.length > 0) throw new Error(failures.join('; '))
  }

  return {
    prepare: async (pod) => {
      await prepareAll(pod)
      return toMounts(pod, sharedMountsOf(pod), 'all')
    },
    ofContainer: async (pod, container, env) => {
      const mounts = await told(container.name, async () => volumeMountsOf(container, env))
      return {
        mounts: await toMounts(pod, mounts, join('containers', container.name)),
        devices: await devicesOf(pod, container),
      }
    },
    refresh: async (pod) => {
      const known = prepared.get(pod.metadata.uid ?? '')
      // One that a container will use that was added just now is made when that starts.
      const all = volumesOf(pod).filter((volume) => !known || isPrepared(known, volume))
      const failures: string[] = []
      const failed = (error: unknown): void => void failures.push(errorText(error))
      await Promise.all(all.map((volume) => refreshOne(volume).catch(failed)))
      if (failures.length > 0) throw new Error(failures.join('; '))
    },
    remove: async (uid) => {
      prepared.delete(uid)
      for (const plugin of plugins.values()) plugin.forget?.(uid)
      const { inMemory, onDisk } = volumeFolders(options, uid)
      await release(onDisk)
      // First of all that is ours: what is removed must be the pod's, and not what was mounted there.
      for (const folder of [folderOf(uid), onDisk]) await mounts.unmountAll(folder)
      for (const folder of [inMemory, partsDir(uid), onDisk]) await removeTree(folder)
    },
  }
}
