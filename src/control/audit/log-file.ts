/**
 * The file of the audit log: lines are kept in memory until they are written, so nobody waits for the disk. What cannot be
 * written, or would take too much memory, is lost, which is counted and said.
 */
import { type Clock, sleep } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import { createRotatingFile, type RotationSettings } from '../../host/rotating-file.ts'

/** What is written, and where. */
export interface AuditSettings extends RotationSettings {
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

export const createAuditLog = (settings: RotationSettings, clock: Clock, log: Logger): AuditLog => {
  const { path } = settings
  const file = createRotatingFile(settings, clock.now)
  const counts = { written: 0, lost: 0 }
  let pending: string[] = []
  let pendingBytes = 0
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

  const work = async (): Promise<void> => {
    while (pending.length > 0) {
      const lines = pending
      pending = []
      pendingBytes = 0
      try {
        await file.append(lines.join(''))
        counts.written += lines.length
        if (failingSince !== undefined)
          log.warn({ path, lost: counts.lost - failingSince }, 'the audit log is written again')
        failingSince = undefined
      } catch (error) {
        lose(lines.length, error)
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
      await file.close()
    },
  }
}
