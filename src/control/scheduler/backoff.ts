/** Pods that fitted nowhere: tried again when something has happened that may help, but not too soon, and after a while anyway. */
import type { Clock } from '../../api/clock.ts'
import { objectKey } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import type { ClusterEvent } from './framework/filter.ts'

/** Something may have helped that nobody has told. */
export const flushMs = 60_000

const noEvents: ReadonlySet<ClusterEvent> = new Set()

interface Attempt {
  readonly uid: string | undefined
  readonly count: number
  readonly notBefore: number
  readonly helpedBy: ReadonlySet<ClusterEvent>
  readonly cancel: () => void
  /** By its timer, which may come a moment before the clock says so: whoever asked the clock then would never be woken again. */
  hasWaited: boolean
  isHelped: boolean
}

export interface Backoff {
  /** Without events: time alone helps. */
  postpone(pod: Pod, helpedBy?: ReadonlySet<ClusterEvent>): void
  happened(event: ClusterEvent): void
  isDue(pod: Pod): boolean
  /** Its next attempt is a first one. Without a key all are forgotten. */
  forget(key?: string): void
}

/** How long a pod waits: at first, and at most. */
export interface BackoffLimits {
  readonly base: number
  readonly max: number
}

/** `wake`: something is due. */
export const createBackoff = (clock: Clock, limitsMs: BackoffLimits, wake: (key: string) => void): Backoff => {
  const attempts = new Map<string, Attempt>()
  return {
    postpone: (pod, helpedBy) => {
      const key = objectKey(pod)
      const before = attempts.get(key)
      before?.cancel()
      const count = before?.uid === pod.metadata.uid ? (before?.count ?? 0) : 0
      const waitMs = Math.min(limitsMs.base * 2 ** count, limitsMs.max)
      const notBefore = clock.now() + waitMs
      const cancel = clock.after(waitMs, () => {
        const attempt = attempts.get(key)
        if (!attempt) return
        attempt.hasWaited = true
        if (attempt.isHelped) wake(key)
      })
      attempts.set(key, {
        ...{ uid: pod.metadata.uid, count: count + 1, notBefore, helpedBy: helpedBy ?? noEvents, cancel },
        ...{ hasWaited: false, isHelped: helpedBy === undefined },
      })
    },
    happened: (event) => {
      for (const [key, attempt] of attempts) {
        if (attempt.isHelped || !attempt.helpedBy.has(event)) continue
        attempt.isHelped = true
        if (attempt.hasWaited) wake(key)
      }
    },
    isDue: (pod) => {
      const attempt = attempts.get(objectKey(pod))
      if (!attempt || attempt.uid !== pod.metadata.uid) return true
      return (attempt.hasWaited && attempt.isHelped) || attempt.notBefore + flushMs <= clock.now()
    },
    forget: (key) => {
      for (const each of key === undefined ? [...attempts.keys()] : [key]) {
        attempts.get(each)?.cancel()
        attempts.delete(each)
      }
    },
  }
}
