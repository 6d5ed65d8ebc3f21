/**
 * Remembers which questions cannot be answered, so that clients who ask again and again do not become load for servers that
 * are in trouble: five seconds, and twice as long after each further failure (RFC 9520, 3.2), but never so long that a name
 * stays away when its servers are back.
 */
import type { Clock } from '../../api/clock.ts'

const firstMs = 5_000
const mostMs = 60_000

export interface Failures<T> {
  /** What failed, for as long as it shall not be tried again. */
  get(key: string): T | undefined
  add(key: string, failure: T): void
  /** There is an answer again. */
  delete(key: string): void
}

interface Failure<T> {
  readonly failure: T
  readonly until: number
  readonly waitMs: number
}

export const createFailures = <T>(clock: Pick<Clock, 'now'>, maxEntries: number): Failures<T> => {
  const known = new Map<string, Failure<T>>()
  return {
    get: (key) => {
      const found = known.get(key)
      return found && clock.now() < found.until ? found.failure : undefined
    },
    add: (key, failure) => {
      const before = known.get(key)
      const now = clock.now()
      // Who asks after a long time only starts anew.
      const isRepeated = before !== undefined && now < before.until + mostMs
      const waitMs = isRepeated ? Math.min(before.waitMs * 2, mostMs) : firstMs
      known.delete(key)
      known.set(key, { failure, until: now + waitMs, waitMs })
      const [oldest] = known.keys()
      if (known.size > maxEntries && oldest !== undefined) known.delete(oldest)
    },
    delete: (key) => {
      known.delete(key)
    },
  }
}
