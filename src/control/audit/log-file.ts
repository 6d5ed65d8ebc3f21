/**
 * The file of the audit log: lines are kept in memory until they are written, so nobody waits for the disk. What cannot be
 * written, or would take too much memory, is lost, which is counted and said.
 */
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { type Clock, sleep } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'

export interface LogFileSettings {
  readonly path: string
  /** A file larger than this is set aside. */
  readonly maxBytes: number
  /** How many of those are kept; 0: all. */
  readonly maxBackups: number
  /** Older ones go, however many there are; 0: none for its age. */
  readonly maxAgeDays: number
}

/** What is written, and where. */
export interface AuditSettings extends LogFileSettings {
  readonly policyFile: string
}

export interface AuditLog {
  /** Returns at once. */
  write(event: object): void
  readonly counts: { readonly written: number; readonly lost: number }
  /** Resolves when what was given is written, or lost. */
  close(): Promise<void>
}

const pendingLimit = 32 * 1024 * 1024
const retryMs = 1_000
const dayMs = 86_400_000

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

export const createAuditLog = (settings: LogFileSettings, clock: Clock, log: Logger): AuditLog => {
  const { path, maxBytes, maxBackups, maxAgeDays } = settings
  const counts = { written: 0, lost: 0 }
  let pending: string[] = []
  let pendingBytes = 0
  let file: { readonly handle: FileHandle; size: number } | undefined
  let working: Promise<void> | undefined
  let isClosing = false
  /** How many had been lost when it began to fail; undefined while all is well. */
  let failingSince: number | undefined

  const lose = (count: number, error: unknown): void => {
    if (failingSince === undefined) {
      failingSince = counts.lost
      log.error({ path, err: error }, 'cannot write the audit log; events are lost until it can be written again')
    }
    counts.lost += count
  }

  const openFile = async () => {
    const handle = await open(path, 'a', 0o600)
    return { handle, size: (await handle.stat()).size }
  }

  const removeOld = async (): Promise<void> => {
    const backups = await backupsOf(path)
    const tooMany = maxBackups === 0 ? [] : backups.slice(0, Math.max(0, backups.length - maxBackups))
    for (const backup of backups) {
      const isOld = maxAgeDays > 0 && (await stat(backup)).mtimeMs < clock.now() - maxAgeDays * dayMs
      if (isOld || tooMany.includes(backup)) await unlink(backup)
    }
  }

  const rotate = async (): Promise<void> => {
    const old = file
    file = undefined
    await old?.handle.close()
    await rename(path, backupName(path, clock.now()))
    await removeOld()
  }

  const writeAll = async (lines: readonly string[]): Promise<void> => {
    const text = Buffer.from(lines.join(''))
    file ??= await openFile()
    if (file.size > 0 && file.size + text.length > maxBytes) {
      await rotate()
      file = await openFile()
    }
    await file.handle.appendFile(text)
    file.size += text.length
  }

  /** Half of a line must not stand before the next one. */
  const giveUpFile = async (): Promise<void> => {
    const broken = file
    file = undefined
    await broken?.handle.truncate(broken.size).catch(() => undefined)
    await broken?.handle.close().catch(() => undefined)
  }

  const work = async (): Promise<void> => {
    while (pending.length > 0) {
      const lines = pending
      pending = []
      pendingBytes = 0
      try {
        await writeAll(lines)
        counts.written += lines.length
        if (failingSince !== undefined)
          log.warn({ path, lost: counts.lost - failingSince }, 'the audit log is written again')
        failingSince = undefined
      } catch (error) {
        lose(lines.length, error)
        await giveUpFile()
        if (!isClosing) await sleep(retryMs, undefined, clock)
      }
    }
  }

  const start = (): void => {
    working ??= work().finally(() => {
      working = undefined
      if (pending.length > 0) start()
    })
  }

  return {
    counts,
    write: (event) => {
      const line = `${JSON.stringify(event)}\n`
      if (pendingBytes + line.length > pendingLimit) return lose(1, new Error('too much waits to be written'))
      pending.push(line)
      pendingBytes += line.length
      start()
    },
    close: async () => {
      isClosing = true
      while (working) await working
      await file?.handle.close()
    },
  }
}
