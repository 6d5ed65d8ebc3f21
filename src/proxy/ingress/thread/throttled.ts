import type { Clock } from '../../../api/clock.ts'

/** Lets at most `count` lines pass in each period, and says with the next one how many it kept back. */
export const throttled = (
  pass: (line: string) => void,
  clock: Clock,
  count: number,
  periodMs: number,
): ((line: string) => void) => {
  let periodEnd = Number.NEGATIVE_INFINITY
  let passed = 0
  let kept = 0
  return (line) => {
    if (clock.now() >= periodEnd) {
      periodEnd = clock.now() + periodMs
      passed = 0
    }
    if (passed++ >= count) return void kept++
    pass(kept === 0 ? line : `${line} (and ${kept} more that were not written)`)
    kept = 0
  }
}
