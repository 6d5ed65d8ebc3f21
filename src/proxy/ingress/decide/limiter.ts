/** Who may ask how often: a bucket for each route and client, refilled as time passes (GCRA: one number each). */
import type { Clock } from '../../../api/clock.ts'

export interface Limiter {
  /**
   * Takes one of `burst` that come at once and are refilled at `perMs`. Returns 0, or the milliseconds after which it
   * is worth asking again.
   */
  take(key: string, perMs: number, burst: number): number
  /** One more at the same time; false when there are `most` already. Each true is to be followed by `leave`. */
  enter(key: string, most: number): boolean
  leave(key: string): void
  /** Forgets who is full again; to be called now and then. */
  sweep(): void
}

/** Clients that are remembered; beyond that the oldest are forgotten first. */
const mostKeys = 100_000

export const createLimiter = (clock: Pick<Clock, 'now'>): Limiter => {
  /** When each bucket will be full again. */
  const fullAt = new Map<string, number>()
  const present = new Map<string, number>()

  return {
    take: (key, perMs, burst) => {
      const now = clock.now()
      const interval = 1 / perMs
      const full = Math.max(fullAt.get(key) ?? 0, now)
      const wait = full + interval - now - burst * interval
      if (wait > 1e-9) return wait
      if (fullAt.size >= mostKeys && !fullAt.has(key)) {
        const [oldest] = fullAt.keys()
        if (oldest !== undefined) fullAt.delete(oldest)
      }
      fullAt.set(key, full + interval)
      return 0
    },
    enter: (key, most) => {
      const count = present.get(key) ?? 0
      if (count >= most) return false
      present.set(key, count + 1)
      return true
    },
    leave: (key) => {
      const count = (present.get(key) ?? 1) - 1
      if (count > 0) present.set(key, count)
      else present.delete(key)
    },
    sweep: () => {
      const now = clock.now()
      for (const [key, at] of fullAt) if (at <= now) fullAt.delete(key)
    },
  }
}
