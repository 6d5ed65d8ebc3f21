/** What pods have on the node's disk. */
import { join } from 'node:path'
import type { Pod } from '../../api/types/index.ts'
import type { CommandRunner } from '../../host/command.ts'
import { podLogDir } from '../logs/paths.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import { type FolderMeasure, measureFolders } from '../usage/folder-usage.ts'
import type { PodStorage } from './storage-limits.ts'

export interface PodDiskOptions {
  readonly runner: Pick<CommandRunner, 'run'>
  readonly logDir: string
  /** The folder of a pod's volumes that are on the disk. */
  readonly volumeDirOf: (uid: string) => string
  readonly sandboxes: () => Promise<readonly SandboxRecord[]>
  /** Where a container's own files are, if they are on the disk. */
  readonly writableOf: (container: string) => string | undefined
}

/** Volumes that are empty when the pod begins. All others on its disk are somebody else's. */
const emptyVolumes = (pod: Pod): readonly string[] =>
  (pod.spec.volumes ?? [])
    .filter((volume) => 'emptyDir' in volume || Object.keys(volume).length === 1)
    .map(({ name }) => name)

interface Place {
  readonly folder: string
  readonly of: 'volumes' | 'containers'
  readonly name: string
}

const placesOf = (options: PodDiskOptions, pod: Pod, sandbox: SandboxRecord | undefined): readonly Place[] => {
  const { uid = '', name, namespace = '' } = pod.metadata
  const logs = podLogDir(options.logDir, { namespace, name, id: uid })
  const containers = sandbox?.containers ?? []
  const names = [...new Set(containers.map((each) => each.name))]
  return [
    ...emptyVolumes(pod).map((volume) => ({
      ...{ folder: join(options.volumeDirOf(uid), volume), of: 'volumes' as const, name: volume },
    })),
    ...names.map((container) => ({ folder: join(logs, container), of: 'containers' as const, name: container })),
    ...containers.flatMap(({ id, name: container, exit }): readonly Place[] => {
      const folder = exit ? undefined : options.writableOf(id)
      return folder === undefined ? [] : [{ folder, of: 'containers', name: container }]
    }),
  ]
}

const totals = (places: readonly Place[], of: Place['of'], sizes: ReadonlyMap<string, number>) => {
  const found = new Map<string, number>()
  for (const { folder, name, of: kind } of places)
    if (kind === of) found.set(name, (found.get(name) ?? 0) + (sizes.get(folder) ?? 0))
  return found
}

export type PodDisk = ReturnType<typeof createPodDisk>

export const createPodDisk = (options: PodDiskOptions) => {
  const measure = async (pod: Pod, what: FolderMeasure) => {
    const { uid } = pod.metadata
    const places = placesOf(
      options,
      pod,
      (await options.sandboxes()).find(({ id }) => id === uid),
    )
    return {
      places,
      sizes: await measureFolders(
        options.runner,
        places.map(({ folder }) => folder),
        what,
      ),
    }
  }
  return {
    /** Rejects when it cannot be measured in a reasonable time. */
    storageOf: async (pod: Pod): Promise<PodStorage> => {
      const { places, sizes } = await measure(pod, 'bytes')
      return { volumes: totals(places, 'volumes', sizes), containers: totals(places, 'containers', sizes) }
    },
    inodesOf: async (pod: Pod): Promise<number> => {
      const { sizes } = await measure(pod, 'inodes')
      return [...sizes.values()].reduce((sum, each) => sum + each, 0)
    },
  }
}
