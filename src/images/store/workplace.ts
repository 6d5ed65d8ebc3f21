/** Folders for what is being made: each is its maker's alone, and goes with it, also when that was killed. */
import { mkdtemp, readdir, readlink, rename, rmdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CommandRunner } from '../../host/command.ts'
import { writeFileAtomic } from '../../host/files.ts'
import { once } from '../../host/once.ts'
import { identify, isRunning } from '../../host/process.ts'

export interface Workplace {
  /** A new folder; what is left in it is removed when `work` has ended. */
  within<T>(work: (folder: string) => Promise<T>): Promise<T>
  /** As `writeFileAtomic`; others may write the same file at the same time. */
  write(file: string, content: string | Uint8Array): Promise<void>
  /** Moves a folder out of sight, and begins to remove it. Rejects when it cannot be moved. */
  discard(folder: string): Promise<void>
  /** Resolves when all that was discarded is removed: many files take their time, and nobody is to wait for them with a lock. */
  idle(): Promise<void>
  /** As `idle`; nothing is made any more. */
  close(): Promise<void>
}

const pidNamespace = async (): Promise<string> => /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0] ?? '0'

/** A process of another namespace cannot be asked for: what it makes is old after so long. */
const foreignMs = 24 * 3_600_000

const isStale = async (folder: string, namespace: string, now: number): Promise<boolean> => {
  const [, space, pid, startTime = ''] = /^(\d+)-(\d+)-(\d+)-\w+$/.exec(basename(folder)) ?? []
  if (space === undefined) return true
  if (space === namespace) return !(await isRunning({ pid: Number(pid), startTime }))
  // Gone: its process is not, and is tidying up.
  const found = await stat(folder).catch(() => undefined)
  return found !== undefined && now - found.mtimeMs > foreignMs
}

/** A layer may have half a million files: `rm` takes a tenth of the time that Node does. */
const removeTree = (runner: CommandRunner, folder: string): Promise<unknown> =>
  runner.run('rm', ['-rf', '--one-file-system', '--', folder])

/**
 * `onTrouble` is told of what cannot be removed; the next start tries again. `rescue` takes what is worth it out of a folder whose
 * work has failed, or whose process was killed.
 */
export const openWorkplace = async (
  temporary: string,
  runner: CommandRunner,
  onTrouble: (message: string) => void,
  rescue: (folder: string) => Promise<void>,
): Promise<Workplace> => {
  const namespace = await pidNamespace()
  const self = await identify(process.pid)
  const prefix = `${namespace}-${process.pid}-${self?.startTime ?? 0}-`
  const remove = (folder: string): Promise<void> =>
    removeTree(runner, folder).then(
      () => undefined,
      (error: unknown) =>
        onTrouble(`cannot remove ${folder}: ${error instanceof Error ? error.message : String(error)}`),
    )

  const removeStale = async (folder: string): Promise<void> => {
    // It may be a file: then there is nothing to rescue, and it is removed all the same.
    for (const name of await readdir(folder).catch(() => [])) await rescue(join(folder, name))
    await remove(folder)
  }
  for (const name of await readdir(temporary))
    if (await isStale(join(temporary, name), namespace, Date.now())) await removeStale(join(temporary, name))

  const removing = new Set<Promise<void>>()
  let made: string | undefined
  const own = once(async () => {
    made = await mkdtemp(join(temporary, prefix))
    return made
  })
  const make = async (): Promise<string> => {
    return mkdtemp(join(await own(), 'w'))
  }
  const leave = (folder: string): Promise<void> => rmdir(folder).catch(() => remove(folder))

  const within: Workplace['within'] = async (work) => {
    const folder = await make()
    try {
      return await work(folder)
    } catch (error) {
      await rescue(folder)
      throw error
    } finally {
      await leave(folder)
    }
  }

  return {
    within,
    write: (file, content) => within((folder) => writeFileAtomic(file, content, 0o600, join(folder, 'new'))),
    discard: async (folder) => {
      const place = await make()
      try {
        await rename(folder, join(place, 'old'))
      } finally {
        const going = leave(place).finally(() => removing.delete(going))
        removing.add(going)
      }
    },
    idle: async () => {
      await Promise.all(removing)
    },
    close: async () => {
      await Promise.all(removing)
      // What could not be removed is still in it, and was told of: the next start tries again.
      if (made !== undefined) await rmdir(made).catch(() => undefined)
    },
  }
}
