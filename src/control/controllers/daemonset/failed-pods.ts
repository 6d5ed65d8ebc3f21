/** A pod that fails again and again is replaced ever later. */
import type { Clock } from '../../../api/clock.ts'

const backoffMs = { base: 1_000, max: 900_000 }

export interface FailureBackoff {
  /** 0: replace it now; else for how long to wait. */
  waitMs(key: string): number
}

interface Failure {
  readonly at: number
  readonly waitMs: number
}

/** A key that has not failed for twice the longest wait begins anew. */
export const createFailureBackoff = (clock: Clock): FailureBackoff => {
  const failures = new Map<string, Failure>()
  return {
    waitMs: (key) => {
      const now = clock.now()
      for (const [each, { at }] of failures) if (now - at > 2 * backoffMs.max) failures.delete(each)
      const last = failures.get(key)
      if (last && now - last.at < last.waitMs) return last.at + last.waitMs - now
      const waitMs = last ? Math.min(last.waitMs * 2, backoffMs.max) : backoffMs.base
      failures.set(key, { at: now, waitMs })
      return 0
    },
  }
}
