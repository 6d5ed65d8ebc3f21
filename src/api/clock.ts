/** Time as a dependency, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `action` once after `ms`; the returned function cancels. */
  after(ms: number, action: () => void): () => void
}

/** About 24 days: a timer that is set for longer ends at once. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, action) => {
    let timer: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      const later = leftMs > longestTimerMs ? () => wait(leftMs - longestTimerMs) : action
      timer = setTimeout(later, Math.min(leftMs, longestTimerMs))
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
}

/**
 * The time until the clock shows a multiple of `periodMs`: rooms that look every so often whether all is in place do so at one time,
 * so that what they ask can be asked together. A beat that is as good as there counts as over: timers may come a little early.
 */
export const untilBeat = (periodMs: number, clock: Clock): number => {
  const left = periodMs - (clock.now() % periodMs)
  return left < periodMs / 10 ? left + periodMs : left
}

/** Time that only goes forward, whatever happens to the wall clock. `now` counts from the start of the thread. */
export const steadyClock: Clock = { now: () => performance.now(), after: systemClock.after }

/** Resolves after `ms`, or at once when `signal` aborts: the caller looks at the signal, nothing is thrown. */
export const sleep = (ms: number, signal?: AbortSignal, clock: Clock = systemClock): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal?.addEventListener('abort', done, { once: true })
  })

/** Resolves when `signal` aborts, at once when it has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** RFC 3339 to the second, as Kubernetes writes metadata times. */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** RFC 3339 with microseconds, as Leases and event times are written. */
export const formatMicroTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d+))?(?:Z|[+-]\d\d:\d\d)$/

const daysOf = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

/** A time as RFC 3339 writes it, in UTC, with its microseconds; undefined for what is none (a thirteenth month). */
export const parseTime = (text: string): { readonly ms: number; readonly micros: string } | undefined => {
  const found = text.length <= 64 ? rfc3339.exec(text) : null
  if (!found) return undefined
  const [, year = '', month = '', day = '', , fraction = ''] = found
  const ms = Date.parse(text)
  if (Number.isNaN(ms) || Number(day) > daysOf(Number(year), Number(month))) return undefined
  return { ms, micros: fraction.slice(0, 6).padEnd(6, '0') }
}

/** A clock that stands still until `advance`; timers due on the way fire in order. */
export interface FakeClock extends Clock {
  advance(ms: number): void
}

export const createFakeClock = (start = Date.UTC(2026, 0, 1)): FakeClock => {
  let now = start
  const timers = new Map<symbol, { at: number; action: () => void }>()
  return {
    now: () => now,
    after: (ms, action) => {
      const id = Symbol('timer')
      timers.set(id, { at: now + Math.max(0, ms), action })
      return () => timers.delete(id)
    },
    advance: (ms) => {
      const end = now + ms
      for (;;) {
        let next: [symbol, { at: number; action: () => void }] | undefined
        for (const entry of timers) if (entry[1].at <= end && (!next || entry[1].at < next[1].at)) next = entry
        if (!next) break
        timers.delete(next[0])
        now = next[1].at
        next[1].action()
      }
      now = end
    },
  }
}
