/**
 * Many time-outs, cheap to set: each is a number, and one timer looks at all of them now and then. A deadline fires late
 * by at most the tick, never early. Short ones, which only routes ask for, have timers of their own: they are not late.
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
  /** Of its own timer. */
  cancel: () => void
}

const nobody = (): void => {}

/** What is shorter would be late by a part of itself that people notice. */
const shortMs = 2_000

/** `onFault` is told of what an expired deadline throws: the others fire all the same. */
export const createDeadlines = (
  clock: Clock,
  tickMs: number,
  onFault: (error: unknown) => void = nobody,
): Deadlines => {
  const entries = new Set<Entry>()
  let cancel: () => void = () => {}
  let isClosed = false

  const fire = (entry: Entry, now: number): void => {
    if (entry.at > now) return
    clear(entry)
    try {
      entry.expired()
    } catch (error) {
      onFault(error)
    }
  }
  const clear = (entry: Entry): void => {
    entry.at = Number.POSITIVE_INFINITY
    entry.cancel()
    entry.cancel = nobody
  }
  const look = (): void => {
    const now = clock.now()
    for (const entry of entries) fire(entry, now)
    cancel = clock.after(tickMs, look)
  }
  cancel = clock.after(tickMs, look)

  return {
    add: (expired) => {
      const entry: Entry = { at: Number.POSITIVE_INFINITY, expired, cancel: nobody }
      entries.add(entry)
      return {
        set: (ms) => {
          clear(entry)
          entry.at = clock.now() + ms
          // A timer may come a little early.
          if (ms < shortMs && !isClosed) entry.cancel = clock.after(Math.ceil(ms) + 1, () => fire(entry, clock.now()))
        },
        clear: () => clear(entry),
        remove: () => {
          clear(entry)
          entries.delete(entry)
          // A table that the set has outgrown still holds its entries: they must not hold whole requests.
          entry.expired = nobody
        },
      }
    },
    close: () => {
      isClosed = true
      cancel()
      for (const entry of entries) clear(entry)
    },
  }
}
