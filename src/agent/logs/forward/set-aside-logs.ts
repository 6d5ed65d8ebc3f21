/**
 * Logs whose pods or containers are gone while targets have not had all of them: moved out of the way, on the same disk, where they
 * wait within bounds.
 */
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { type ForwardedLog, logsBelow } from './sources.ts'

export interface SetAsideLogs {
  /** Takes a file, or all files below a folder, of the logs' folder. What is not there is no error. */
  take(path: string): Promise<void>
  list(): Promise<readonly ForwardedLog[]>
  /** Removes those that nobody waits for, and the oldest while all take more than they may: `lost` hears of these before. */
  sweep(isNeeded: (log: ForwardedLog) => Promise<boolean>, lost: (log: ForwardedLog) => Promise<void>): Promise<void>
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** A folder without anything in it goes. */
const removeEmpty = async (folder: string): Promise<void> => {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error
  })
}

export const createSetAsideLogs = (logDir: string, folder: string, maxBytes: number): SetAsideLogs => {
  const takeFile = async (file: string): Promise<void> => {
    const to = join(folder, relative(logDir, file))
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    await rename(file, to)
  }

  const take = async (path: string): Promise<void> => {
    try {
      if (!(await stat(path)).isDirectory()) return await takeFile(path)
      for (const name of await readdir(path)) await take(join(path, name))
      await removeEmpty(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  /** A log with its index and its rotated parts. */
  const filesOf = async ({ file }: ForwardedLog): Promise<readonly string[]> =>
    (await readdir(dirname(file)))
      .filter((name) => name === basename(file) || name.startsWith(`${basename(file)}.`))
      .map((name) => join(dirname(file), name))

  /** What it takes of the disk: holes take nothing. */
  const sizeOf = async (log: ForwardedLog): Promise<{ readonly bytes: number; readonly time: number }> => {
    const found = await Promise.all((await filesOf(log)).map((file) => stat(file)))
    return {
      bytes: found.reduce((sum, { blocks }) => sum + blocks * 512, 0),
      time: Math.max(0, ...found.map(({ mtimeMs }) => mtimeMs)),
    }
  }

  const remove = async (log: ForwardedLog): Promise<void> => {
    for (const file of await filesOf(log)) await rm(file, { force: true })
    await removeEmpty(dirname(log.file))
    await removeEmpty(dirname(dirname(log.file)))
  }

  return {
    take,
    list: () => logsBelow(folder),
    sweep: async (isNeeded, lost) => {
      const waiting: { readonly log: ForwardedLog; readonly bytes: number; readonly time: number }[] = []
      for (const log of await logsBelow(folder))
        if (await isNeeded(log)) waiting.push({ log, ...(await sizeOf(log)) })
        else await remove(log)
      let total = waiting.reduce((sum, { bytes }) => sum + bytes, 0)
      for (const { log, bytes } of waiting.toSorted((a, b) => a.time - b.time)) {
        if (total <= maxBytes) return
        await lost(log)
        await remove(log)
        total -= bytes
      }
    },
  }
}
