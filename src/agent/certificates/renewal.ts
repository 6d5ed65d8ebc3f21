/** When a certificate is renewed: at some time between 70 and 90 % of its life, so that nodes do not all come at once. */
import { validityOf } from '../../api/certificates.ts'
import { type Clock, sleep } from '../../api/clock.ts'

const earliest = 0.7
const spread = 0.2
/** Timers of the runtime count no further than 24 days. */
const longestMs = 86_400_000
const retryBaseMs = 1_000
const retryMaxMs = 300_000

/** `random` is from 0 to 1. */
export const renewAt = (pem: string, random: number): number => {
  const { from, to } = validityOf(pem)
  return from + (to - from) * (earliest + spread * random)
}

export interface RenewalOptions {
  readonly clock: Clock
  readonly random: () => number
  /** The certificate of now; undefined when there is none yet. */
  readonly current: () => string | undefined
  /** Gets the next one, after which `current` is that. A failure is tried again, ever later. */
  readonly renew: (signal: AbortSignal) => Promise<void>
  readonly onError: (error: unknown, retryInMs: number) => void
}

/** Renews again and again until `signal` aborts. */
export const runRenewal = async (options: RenewalOptions, signal: AbortSignal): Promise<void> => {
  const { clock, random, current, renew, onError } = options
  const dueAt = (): number => {
    const pem = current()
    return pem === undefined ? Number.NEGATIVE_INFINITY : renewAt(pem, random())
  }
  for (let failures = 0, due = dueAt(); !signal.aborted; ) {
    const left = due - clock.now()
    if (left > 0) {
      await sleep(Math.min(left, longestMs), signal, clock)
      continue
    }
    try {
      await renew(signal)
      failures = 0
      // One that is old as soon as it is new (a clock is wrong) must not be asked for in a tight loop.
      due = Math.max(dueAt(), clock.now() + retryBaseMs)
    } catch (error) {
      if (signal.aborted) return
      const retryInMs = Math.min(retryBaseMs * 2 ** failures++, retryMaxMs)
      onError(error, retryInMs)
      await sleep(retryInMs, signal, clock)
    }
  }
}
