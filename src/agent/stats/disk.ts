/** What pods take of the node's disk. It is looked at when somebody asks for it, and no more often than once a minute. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Clock } from '../../api/clock.ts'
import { isJsonObject } from '../../api/json.ts'
import type { Pod } from '../../api/types/index.ts'
import type { CommandRunner } from '../../host/command.ts'
import type { Logger } from '../../host/log.ts'
import { bytesOnDisk, readFilesystem, readOwnRoot } from '../usage/filesystem-usage.ts'
import { measureFolders } from '../usage/folder-usage.ts'
import { textIn } from '../volumes/fields.ts'
import type { MeasuredPod } from './measured-pods.ts'
import type { DiskUsage, VolumeUsage } from './summary.ts'

export interface DiskOptions {
  readonly runner: Pick<CommandRunner, 'run'>
  /** On the disk of logs and volumes. */
  readonly dataDir: string
  /** The folders that hold a pod's volumes, by their names. */
  readonly volumesOf: (uid: string) => readonly string[]
  readonly clock: Clock
  readonly log: Logger
}

const freshMs = 60_000

const claimOf = (pod: Pod | undefined, name: string): string | undefined => {
  const volume: unknown = pod?.spec.volumes?.find((each) => each.name === name)
  const claim = isJsonObject(volume) ? volume['persistentVolumeClaim'] : undefined
  return isJsonObject(claim) ? textIn(claim, 'claimName') : undefined
}

const foldersIn = async (folder: string): Promise<readonly string[]> => {
  // A pod without volumes there has none.
  const names = await readdir(folder).catch(() => [])
  // No volume has a name that begins with a dot: what has is the agent's own.
  return names.filter((name) => !name.startsWith('.')).map((name) => join(folder, name))
}

const volumeUsages = async (
  { runner, volumesOf }: DiskOptions,
  uid: string,
  pod: Pod | undefined,
): Promise<readonly VolumeUsage[]> => {
  const folders = (await Promise.all(volumesOf(uid).map(foldersIn))).flat()
  const bytes = await measureFolders(runner, folders, 'bytes')
  const inodes = await measureFolders(runner, folders, 'inodes')
  return folders
    .map((folder) => {
      const name = basename(folder)
      const claim = claimOf(pod, name)
      const used = { usedBytes: bytes.get(folder) ?? 0, inodesUsed: inodes.get(folder) ?? 0 }
      return { name, ...used, ...(claim === undefined ? {} : { claim }) }
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const logsOf = async ({ containers }: MeasuredPod): Promise<readonly (readonly [id: string, bytes: number])[]> =>
  Promise.all(containers.map(async ({ record }) => [record.id, await bytesOnDisk([record.logFile])] as const))

/** Small things one after the other: nobody is in a hurry, and disks are slow. */
const look = async (options: DiskOptions, pods: readonly MeasuredPod[]): Promise<DiskUsage> => {
  const roots = new Map<string, NonNullable<DiskUsage['node']>>()
  const logBytes = new Map<string, number>()
  const volumes = new Map<string, readonly VolumeUsage[]>()
  for (const measured of pods) {
    const { id, pid } = measured.sandbox
    const root = await readOwnRoot(pid)
    if (root) roots.set(id, root)
    for (const [container, bytes] of await logsOf(measured)) logBytes.set(container, bytes)
    try {
      volumes.set(id, await volumeUsages(options, id, measured.pod))
    } catch (error) {
      // One with files without end does not hide what all others have.
      const { namespace, name } = measured.sandbox
      options.log.warn({ err: error, pod: `${namespace}/${name}` }, 'cannot measure the volumes of a pod')
    }
  }
  return { node: await readFilesystem(options.dataDir), roots, logBytes, volumes }
}

export const createDiskReader = (options: DiskOptions): ((pods: readonly MeasuredPod[]) => Promise<DiskUsage>) => {
  let kept: { readonly at: number; readonly usage: Promise<DiskUsage> } | undefined
  return (pods) => {
    const now = options.clock.now()
    if (!kept || now - kept.at >= freshMs) {
      const usage = look(options, pods)
      // A failure is no answer for a minute.
      usage.catch(() => {
        kept = undefined
      })
      kept = { at: now, usage }
    }
    return kept.usage
  }
}
