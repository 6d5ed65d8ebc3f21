/** What the agent mounts on the node for volumes. It outlives the agent, and is taken back by where it is. */
import { realpath } from 'node:fs/promises'
import type { CommandRunner } from '../../host/command.ts'
import { isIn } from '../../host/is-in.ts'
import { readMounts } from '../../host/mount-table.ts'

/** What mount(8) is told. */
export interface MountSource {
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface NodeMounts {
  /** Whether something is mounted in place of this very folder. */
  isMounted(folder: string): Promise<boolean>
  /** What a filesystem of the kernel names by `source`; nothing happens where something is mounted already. */
  mountSource(what: MountSource, folder: string): Promise<void>
  /** What is mounted below this folder later is seen by all who see it now, whatever namespace they are in. */
  share(folder: string): Promise<void>
  /** Shows what is open here as `target`, a folder or a file as it is itself. */
  mountOpen(fd: number, target: string): Promise<void>
  /** What is mounted in this folder, or at it, is not any longer. Throws when something stays. */
  unmountAll(folder: string): Promise<void>
}

/** Memory, of this size at most. */
export const memory = (sizeBytes: number | undefined): MountSource => ({
  ...{ type: 'tmpfs', source: 'podway-volume' },
  options: ['nosuid', 'nodev', 'mode=0755', ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])],
})

/** As the kernel names it; a folder that is not there holds no mounts. */
const realPathOf = (folder: string): Promise<string> =>
  realpath(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return folder
    throw error
  })

export const createNodeMounts = (runner: CommandRunner): NodeMounts => {
  const mountsIn = async (folder: string): Promise<readonly string[]> => {
    const real = await realPathOf(folder)
    return (await readMounts()).map(({ target }) => target).filter((target) => isIn(target, real))
  }
  const isMounted = async (folder: string): Promise<boolean> =>
    (await mountsIn(folder)).includes(await realPathOf(folder))

  return {
    isMounted,
    mountSource: async ({ type, source, options }, folder) => {
      if (await isMounted(folder)) return
      await runner.run('mount', ['-t', type, '-o', options.join(), '--', source, folder])
    },
    share: async (folder) => {
      if (await isMounted(folder)) return
      await runner.run('mount', ['--bind', folder, folder])
      await runner.run('mount', ['--make-shared', folder])
    },
    // By what is open, and not by a name: names in volumes can be made links at any time.
    mountOpen: async (fd, target) => {
      await runner.run('mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${fd}`, target])
    },
    unmountAll: async (folder) => {
      // The last one that was mounted at a place comes off first. Who still uses it keeps it until it ends.
      for (const target of [...(await mountsIn(folder))].reverse())
        await runner.run('umount', ['--no-canonicalize', '--lazy', target])
      const left = await mountsIn(folder)
      if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
    },
  }
}
