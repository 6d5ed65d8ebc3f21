/**
 * The folders of containers.
 *
 *   bundles/ID/config.json  rootfs/  pid  program.log  exec-N.json     in the volatile state: what the runtime program reads and writes
 *   program/ID/                                                        what it keeps for itself
 *   DISK/ID/upper  work  termination-log                               what the container writes
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../../../host/remove-tree.ts'
import { rootfsName } from './config.ts'
import type { OciConfig, OciProcess } from './config-types.ts'
import type { ContainerPlace } from './program.ts'

export interface BundleFolders {
  readonly stateDir: string
  /** Containers write there: it survives a reboot, and what is in it then is removed. */
  readonly diskDir: string
}

export type Bundles = ReturnType<typeof createBundles>

export const createBundles = ({ stateDir, diskDir }: BundleFolders) => {
  // Both stand in mount options.
  for (const folder of [stateDir, diskDir])
    if (/[,:\\"\s]/.test(folder))
      throw new Error(
        `containers of images cannot be kept in ${folder}: a space, comma, colon, quote or backslash in its name`,
      )
  const bundlesDir = join(stateDir, 'bundles')
  const programDir = join(stateDir, 'program')
  const bundleOf = (id: string): string => join(bundlesDir, id)
  const diskOf = (id: string): string => join(diskDir, id)
  let commands = 0

  const drop = async (id: string): Promise<void> => {
    for (const folder of [bundleOf(id), join(programDir, id), diskOf(id)]) await removeTree(folder)
  }

  return {
    placeOf: (id: string): ContainerPlace => ({ id, bundle: bundleOf(id), state: programDir }),
    rootfsOf: (id: string): string => join(bundleOf(id), rootfsName),
    upperOf: (id: string): string => join(diskOf(id), 'upper'),
    workOf: (id: string): string => join(diskOf(id), 'work'),
    terminationLogOf: (id: string): string => join(diskOf(id), 'termination-log'),

    make: async (id: string): Promise<void> => {
      await drop(id)
      await mkdir(programDir, { recursive: true, mode: 0o700 })
      await mkdir(bundleOf(id), { recursive: true, mode: 0o700 })
      await mkdir(diskOf(id), { recursive: true, mode: 0o700 })
      await mkdir(join(bundleOf(id), rootfsName))
      for (const name of ['upper', 'work']) await mkdir(join(diskOf(id), name), { mode: 0o755 })
    },
    saveConfig: (id: string, config: OciConfig): Promise<void> =>
      writeFile(join(bundleOf(id), 'config.json'), JSON.stringify(config), { mode: 0o600 }),
    /** How the container's own command was started. */
    processOf: async (id: string): Promise<OciProcess> => {
      // Written by us.
      const config = JSON.parse(await readFile(join(bundleOf(id), 'config.json'), 'utf8')) as OciConfig
      return config.process
    },
    /** A file that tells of a command beside the container. */
    saveCommand: async (id: string, command: OciProcess): Promise<string> => {
      const file = join(bundleOf(id), `exec-${process.pid}-${++commands}.json`)
      await writeFile(file, JSON.stringify(command), { mode: 0o600 })
      return file
    },
    dropCommand: (file: string): void => {
      // Read long ago; whatever hinders it now, it goes with the bundle.
      rm(file, { force: true }).catch(() => undefined)
    },
    drop,
    retain: async (ids: readonly string[]): Promise<void> => {
      // Missing before the first container.
      const found = await Promise.all(
        [bundlesDir, programDir, diskDir].map((folder) => readdir(folder).catch(() => [])),
      )
      for (const id of new Set(found.flat())) if (!ids.includes(id)) await drop(id)
    },
  }
}
