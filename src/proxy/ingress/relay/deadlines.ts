/**
 * Many time-outs, cheap to set: each is a number, and one timer looks at all of them now and then. A deadline fires late
 * by at most the tick, never early.
 */
import type { Clock } from '../../../api/clock.ts'

export interface Deadline {
  /** Fires once after `ms` unless it is set again or cleared. */
  set(ms: number): void
  clear(): void
  /** Ends this deadline for good. */
  remove(): void
}

export interface Deadlines {
  add(expired: () => void): Deadline
  /** Stops the timer; nothing fires any more. */
  close(): void
}

interface Entry {
  at: number
  expired: () => void
}

const nobody = (): void => {}

/** `onFault` is told of what an expired deadline throws: the others fire all the same. */
export const createDeadlines = (
  clock: Clock,
  tickMs: number,
  onFault: (error: unknown) => void = nobody,
): Deadlines => {
  const entries = new Set<Entry>()
  let cancel: () => void = () => {}

  const look = (): void => {
    const now = clock.now()
    for (const entry of entries) {
      if (entry.at > now) continue
      entry.at = Number.POSITIVE_INFINITY
      try {
        entry.expired()
      } catch (error) {
        onFault(error)
      }
    }
    cancel = clock.after(tickMs, look)
  }
  cancel = clock.after(tickMs, look)

  return {
    add: (expired) => {
      const entry: Entry = { at: Number.POSITIVE_INFINITY, expired }
      entries.add(entry)
      return {
        set: (ms) => {
          entry.at = clock.now() + ms
        },
        clear: () => {
          entry.at = Number.POSITIVE_INFINITY
        },
        remove: () => {
          entry.at = Number.POSITIVE_INFINITY
          entries.delete(entry)
          // A table that the set has outgrown still holds its entries: they must not hold whole requests.
          entry.expired = nobody
        },
      }
    },
    close: () => cancel(),
  }
}
