/** A queue of keys to reconcile: each key at most once at a time, failures again later, ever later. */
import { type Clock, systemClock } from './clock.ts'

/** `done`, or look again after so many milliseconds. A failure is thrown. */
export type Outcome = 'done' | { readonly againInMs: number }

interface WorkQueueOptions {
  readonly clock?: Clock
  readonly concurrency?: number
  /**
   * How long a run counts as one of `concurrency`, to its end when missing. One that takes longer goes on beside the others, and
   * the next run of its key comes after those of keys that were in time.
   */
  readonly slotMs?: number
  /** Waits after the first, second, … failure in a row: base, 2 × base, … up to max. */
  readonly backoffMs?: { readonly base: number; readonly max: number }
  /** Told about every failure; the queue retries by itself. */
  readonly onError?: (key: string, error: unknown, retryInMs: number) => void
}

export interface WorkQueue {
  /** Marks `key` dirty. A key that is being worked on runs once more afterwards, however often it is added. */
  add(key: string): void
  addAfter(key: string, ms: number): void
  /** Works until `signal` aborts, then resolves once what was running has ended. */
  run(signal: AbortSignal): Promise<void>
  /** Keys that wait or run; for tests and metrics. */
  readonly size: number
}

export const createWorkQueue = (
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>,
  options: WorkQueueOptions = {},
): WorkQueue => {
  const { clock = systemClock, concurrency = 1, slotMs, backoffMs = { base: 50, max: 60_000 }, onError } = options
  const waiting = new Set<string>()
  const running = new Set<string>()
  /** Of those that run: the ones that count. */
  const counted = new Set<string>()
  /** Their last run was longer than its slot. */
  const late = new Set<string>()
  const failures = new Map<string, number>()
  const timers = new Map<string, { at: number; cancel: () => void }>()
  let wake: (() => void) | undefined

  const add = (key: string): void => {
    waiting.add(key)
    wake?.()
  }

  /** One timer per key, the earliest asked for. */
  const addAfter = (key: string, ms: number): void => {
    if (ms <= 0) return add(key)
    const at = clock.now() + ms
    const earlier = timers.get(key)
    if (earlier && earlier.at <= at) return
    earlier?.cancel()
    const cancel = clock.after(ms, () => {
      timers.delete(key)
      add(key)
    })
    timers.set(key, { at, cancel })
  }

  const work = async (key: string, signal: AbortSignal): Promise<void> => {
    try {
      const outcome = await reconcile(key, signal)
      failures.delete(key)
      if (outcome !== 'done') addAfter(key, outcome.againInMs)
    } catch (error) {
      if (signal.aborted) return
      const count = failures.get(key) ?? 0
      failures.set(key, count + 1)
      const retryInMs = Math.min(backoffMs.base * 2 ** count, backoffMs.max)
      onError?.(key, error, retryInMs)
      addAfter(key, retryInMs)
    }
  }

  /** Begins the slot of a run; the returned function ends it. */
  const takeSlot = (key: string): (() => void) => {
    counted.add(key)
    const giveBack = (): void => {
      counted.delete(key)
      late.add(key)
      wake?.()
    }
    const cancel = slotMs === undefined ? undefined : clock.after(slotMs, giveBack)
    return () => {
      cancel?.()
      if (counted.delete(key)) late.delete(key)
    }
  }

  const nextKeys = function* (): Generator<string> {
    for (const key of waiting) if (!late.has(key)) yield key
    if (late.size > 0) for (const key of waiting) if (late.has(key)) yield key
  }

  return {
    add,
    addAfter,
    get size() {
      return waiting.size + running.size
    },
    run: async (signal) => {
      const jobs = new Set<Promise<void>>()
      const stop = () => wake?.()
      signal.addEventListener('abort', stop)
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        for (const key of nextKeys()) {
          if (counted.size >= concurrency) break
          if (running.has(key)) continue
          waiting.delete(key)
          running.add(key)
          const endSlot = takeSlot(key)
          const job = work(key, signal).finally(() => {
            endSlot()
            running.delete(key)
            jobs.delete(job)
            wake?.()
          })
          jobs.add(job)
        }
        if (!signal.aborted) await woken
      }
      signal.removeEventListener('abort', stop)
      await Promise.all(jobs)
      // Last: what ended just now may have asked for another look.
      for (const { cancel } of timers.values()) cancel()
      timers.clear()
    },
  }
}
