/** The files of a log that a container runtime writes: the live one, and those that were renamed before (`0.log.20260102-030405`). */
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { formatTime } from '../../api/clock.ts'

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** In the order in which they were written. */
export const rotatedFiles = async (log: string): Promise<readonly string[]> => {
  const prefix = `${basename(log)}.`
  const found = (await readdir(dirname(log))).filter(
    (name) => name.startsWith(prefix) && /^\d{8}-\d{6}(?:-\d+)?$/.test(name.slice(prefix.length)),
  )
  return found.sort().map((name) => join(dirname(log), name))
}

/** A file that is read while it may be renamed. */
export interface OpenedLog {
  readonly handle: FileHandle
  readonly inode: number
}

const openLog = async (file: string): Promise<OpenedLog> => {
  const handle = await open(file, 'r')
  return { handle, inode: (await handle.stat()).ino }
}

/** All of them, the live one last. Throws ENOENT when there is none. */
export const openFiles = async (log: string): Promise<readonly OpenedLog[]> => {
  const live = await openLog(log)
  const before: OpenedLog[] = []
  for (const file of await rotatedFiles(log)) {
    const opened = await openLog(file).catch((error: unknown) => {
      if (!isMissing(error)) throw error
      return undefined
    })
    // It was renamed a moment ago.
    if (opened?.inode === live.inode) await opened.handle.close()
    else if (opened) before.push(opened)
  }
  return [...before, live]
}

/** The one that has taken the place of a live file; undefined when none has. */
export const successorOf = async ({ inode }: OpenedLog, log: string): Promise<OpenedLog | undefined> => {
  try {
    const next = await openLog(log)
    if (next.inode !== inode) return next
    await next.handle.close()
    return undefined
  } catch (error) {
    // The runtime makes it a moment after the old one was renamed; or the log was removed.
    if (isMissing(error)) return undefined
    throw error
  }
}

const nameAt = (log: string, now: number, taken: readonly string[]): string => {
  const name = `${log}.${formatTime(now).replace(/[-:Z]/g, '').replace('T', '-')}`
  if (!taken.includes(name)) return name
  for (let more = 2; ; more++) if (!taken.includes(`${name}-${more}`)) return `${name}-${more}`
}

/** Renames the live file, and has the runtime begin another one; of the old ones `keep` stay. */
export const rotateCriLog = async (
  log: string,
  keep: number,
  now: number,
  reopen: () => Promise<void>,
): Promise<void> => {
  const before = await rotatedFiles(log)
  const renamed = nameAt(log, now, before)
  await rename(log, renamed)
  try {
    await reopen()
  } catch (error) {
    // The runtime writes on, under a name that nobody reads as the live one.
    await rename(renamed, log)
    throw error
  }
  for (const file of [...before, renamed].slice(0, -keep || undefined)) await rm(file, { force: true })
}
