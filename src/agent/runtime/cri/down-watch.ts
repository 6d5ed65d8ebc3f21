/** Tells of a runtime that has not answered for so long that its node should get no more pods. Pure but for the clock. */
import type { Clock } from '../../../api/clock.ts'

/** As long as the kubelet waits. */
const patienceMs = 30_000

/** Told why the runtime is down; undefined when it is back. */
export type OnDown = (why: string | undefined) => void

/** What is returned is told how each look went: why it failed, or undefined. */
export const createDownWatch = (clock: Clock, onDown: OnDown): ((why: string | undefined) => void) => {
  let since: number | undefined
  let isTold = false
  return (why) => {
    if (why === undefined) {
      since = undefined
      if (isTold) onDown(undefined)
      isTold = false
      return
    }
    since ??= clock.now()
    if (isTold || clock.now() - since < patienceMs) return
    isTold = true
    onDown(why)
  }
}
