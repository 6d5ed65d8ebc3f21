/** A file that lines are added to, and that is set aside when it gets too large. */
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'

export interface RotationSettings {
  readonly path: string
  /** A file larger than this is set aside. */
  readonly maxBytes: number
  /** How many of those are kept; 0: all. */
  readonly maxBackups: number
  /** Older ones go, however many there are; 0: none for its age. */
  readonly maxAgeDays: number
}

export interface RotatingFile {
  /**
   * Adds whole lines, one call after the other. When it rejects, nothing of them is there, as far as the disk lets. `durably`: they
   * are on the disk when it resolves.
   */
  append(lines: string, durably?: boolean): Promise<void>
  close(): Promise<void>
}

const dayMs = 86_400_000
const lookBack = 1024 * 1024
const newline = 10

/** `audit.log` → `audit-2026-01-31T12-00-00.000.log` */
const backupName = (path: string, now: number): string => {
  const extension = extname(path)
  const time = new Date(now).toISOString().slice(0, 23).replaceAll(':', '-')
  return join(dirname(path), `${basename(path, extension)}-${time}${extension}`)
}

/** Oldest first. */
const backupsOf = async (path: string): Promise<readonly string[]> => {
  const extension = extname(path)
  const prefix = `${basename(path, extension)}-`
  const isBackup = (name: string): boolean =>
    name.startsWith(prefix) &&
    name.endsWith(extension) &&
    /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(name.slice(prefix.length, name.length - extension.length))
  const names = (await readdir(dirname(path))).filter(isBackup).sort()
  return names.map((name) => join(dirname(path), name))
}

const removeOld = async ({ path, maxBackups, maxAgeDays }: RotationSettings, now: number): Promise<void> => {
  const backups = await backupsOf(path)
  const tooMany = maxBackups === 0 ? [] : backups.slice(0, Math.max(0, backups.length - maxBackups))
  for (const backup of backups) {
    const isOld = maxAgeDays > 0 && (await stat(backup)).mtimeMs < now - maxAgeDays * dayMs
    if (isOld || tooMany.includes(backup)) await unlink(backup)
  }
}

/** The size without the half of a line that a writer who was killed has left. */
const wholeLines = async (handle: FileHandle, size: number): Promise<number> => {
  const from = Math.max(0, size - lookBack)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
  const end = buffer.subarray(0, bytesRead).lastIndexOf(newline)
  return end < 0 ? size : from + end + 1
}

interface Opened {
  readonly handle: FileHandle
  size: number
}

const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK

/** A pipe or a device has no size, cannot be set aside, and may hold up whoever opens it for ever. */
const openFile = async (path: string): Promise<Opened> => {
  const handle = await open(path, flags, 0o600)
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new Error(`${path} is no file`)
    const size = found.size === 0 ? 0 : await wholeLines(handle, found.size)
    if (size < found.size) await handle.truncate(size)
    return { handle, size }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Opens nothing before the first lines. */
export const createRotatingFile = (settings: RotationSettings, now: () => number = Date.now): RotatingFile => {
  const { path, maxBytes } = settings
  let file: Opened | undefined

  const rotate = async (): Promise<void> => {
    const old = file
    file = undefined
    await old?.handle.close()
    await rename(path, backupName(path, now()))
    await removeOld(settings, now())
  }

  /** Half of a line must not stand before the next one. */
  const giveUp = async (): Promise<void> => {
    const broken = file
    file = undefined
    await broken?.handle.truncate(broken.size).catch(() => undefined)
    await broken?.handle.close().catch(() => undefined)
  }

  return {
    append: async (lines, durably = false) => {
      try {
        const bytes = Buffer.from(lines)
        file ??= await openFile(path)
        if (file.size > 0 && file.size + bytes.length > maxBytes) {
          await rotate()
          file = await openFile(path)
        }
        await file.handle.appendFile(bytes)
        if (durably) await file.handle.datasync()
        file.size += bytes.length
      } catch (error) {
        await giveUp()
        throw error
      }
    },
    close: async () => {
      await file?.handle.close()
      file = undefined
    },
  }
}
