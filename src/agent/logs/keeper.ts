/** Looks after the logs that are being written: notes their growth, and rotates those that got too long. */
import { statSync } from 'node:fs'
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import type { CommandRunner } from '../../host/command.ts'
import type { Logger } from '../../host/log.ts'
import { appendNote, maxNotes, mendIndex, readIndex, trimIndex } from './log-index.ts'
import { cutOff, hardLimit, type RotationLimits, rotate, rotateCri } from './rotate.ts'
import { extentOf, movingFile } from './segments.ts'

/** The log of a container that runs. */
export interface ActiveLog {
  readonly file: string
  /** Where a container runtime writes it: it goes on with a new file, and tells the times itself. */
  readonly reopen?: () => Promise<void>
}

export interface LogKeeperOptions extends Partial<RotationLimits> {
  /** Those of all running containers. */
  readonly active: () => Promise<Iterable<ActiveLog>>
  readonly runner: CommandRunner
  readonly log: Logger
  readonly clock?: Clock
  /** How exact `--timestamps` and `--since` are. */
  readonly noteMs?: number
}

export interface LogKeeper {
  /** One look at every active log. */
  look(): Promise<void>
  /** Looks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** What is remembered of a log between two looks. */
interface Seen {
  readonly base: number
  /** Where the live part begins. */
  readonly head: number
  readonly size: number
  readonly notes: number
}

export const createLogKeeper = (options: LogKeeperOptions): LogKeeper => {
  const { active, runner, log, clock = systemClock, noteMs = 500 } = options
  const limits: RotationLimits = { maxBytes: options.maxBytes ?? 10 * 1024 * 1024, keep: options.keep ?? 4 }
  let seen = new Map<string, Seen>()
  let canPunch = true

  const firstSight = async (file: string): Promise<Seen> => {
    await mendIndex(file, (message) => log.warn(`${message}; times of its lines are less exact`))
    const { base, head } = await extentOf(file)
    return { base, head, size: 0, notes: (await readIndex(file)).notes.length }
  }

  const shrink = async (file: string): Promise<void> => {
    if (canPunch && (await rotate(runner, file, limits)) === 'unpunched') {
      canPunch = false
      const limit = hardLimit(limits)
      log.warn(
        { file, limit },
        'the filesystem of the logs cannot punch holes: logs grow to the limit, then lose lines',
      )
    }
    const { base, end, head } = await extentOf(file)
    if (!canPunch && end - Math.max(base, head) > hardLimit(limits)) await cutOff(file, limits)
  }

  const lookAt = async (file: string): Promise<Seen | undefined> => {
    // A stat of a local file takes microseconds; a thread for each, twice a second, would cost more.
    const size = statSync(file, { throwIfNoEntry: false })?.size
    if (size === undefined) return undefined
    const last = seen.get(file) ?? (await firstSight(file))
    if (size === last.size) return last
    appendNote(file, { offset: last.base + size, time: clock.now() })
    const tooMany = last.notes >= maxNotes
    if (tooMany) await trimIndex(file, 0)
    const tooLong = last.base + size - last.head > (canPunch ? limits.maxBytes : hardLimit(limits))
    if (tooLong) await shrink(file)
    return tooLong || tooMany ? { ...(await firstSight(file)), size } : { ...last, size, notes: last.notes + 1 }
  }

  const lookAtCri = async (file: string, reopen: () => Promise<void>): Promise<void> => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    // An agent before may have been ended in the middle.
    const isMoving = statSync(movingFile(file), { throwIfNoEntry: false }) !== undefined
    if (isMoving || size > limits.maxBytes) await rotateCri(file, limits.keep, reopen)
  }

  const look = async (): Promise<void> => {
    const now = new Map<string, Seen>()
    for (const { file, reopen } of await active()) {
      try {
        if (reopen) {
          await lookAtCri(file, reopen)
          continue
        }
        const found = await lookAt(file)
        if (found) now.set(file, found)
      } catch (error) {
        log.error({ err: error, file }, 'cannot look after a log')
      }
    }
    seen = now
  }

  return {
    look,
    run: async (signal) => {
      while (!signal.aborted) {
        await look()
        await sleep(noteMs, signal, clock)
      }
    },
  }
}
