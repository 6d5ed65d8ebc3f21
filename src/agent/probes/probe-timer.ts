/** One probe of one container, again and again. */
import type { Clock } from '../../api/clock.ts'
import type { Probe } from '../../api/types/index.ts'
import type { Complaint } from './handler.ts'
import { type ProbeKind, timingOf, tryAfter } from './schedule.ts'
import { count, type Tally, verdict } from './threshold.ts'

export interface ProbeTimerOptions {
  readonly kind: ProbeKind
  readonly probe: Probe
  /** When the container was started, milliseconds since 1970. */
  readonly startedAt: number
  /** It was running before the agent was: there is no hurry, and many others come at the same time. */
  readonly isAdopted: boolean
  readonly run: (probe: Probe, timeoutMs: number) => Promise<Complaint>
  readonly clock: Clock
  readonly random: () => number
  /** Called whenever a threshold is reached, also when that is nothing new. */
  readonly onVerdict: (isGood: boolean) => void
  readonly onFailure: (complaint: Complaint) => void
}

/** Starts the timer; the returned function stops it, and no call follows. */
export const startProbeTimer = (options: ProbeTimerOptions): (() => void) => {
  const { kind, probe, startedAt, isAdopted, run, clock, random, onVerdict, onFailure } = options
  const { initialDelayMs, periodMs, timeoutMs } = timingOf(probe)
  const thresholds = { successThreshold: probe.successThreshold || 1, failureThreshold: probe.failureThreshold || 3 }
  const base = Math.max(clock.now(), startedAt + initialDelayMs)
  let tally: Tally | undefined
  let tries = 0
  let isRegular = isAdopted
  let isStopped = false
  let cancel: () => void

  const planNext = (): void => {
    if (isStopped) return
    const next = isRegular ? { afterMs: 0, counts: true } : tryAfter(kind, periodMs, tries)
    const delay = isRegular ? periodMs : Math.max(0, base + next.afterMs - clock.now())
    cancel = clock.after(delay, () => void attempt(next.counts))
  }

  const attempt = async (counts: boolean): Promise<void> => {
    tries++
    const complaint = await run(probe, timeoutMs)
    if (isStopped) return
    const isGood = complaint === ''
    isRegular ||= isGood
    if (!isGood && counts) onFailure(complaint)
    if (isGood || counts) {
      tally = count(tally, isGood)
      const reached = verdict(tally, thresholds)
      if (reached !== undefined) onVerdict(reached)
    }
    planNext()
  }

  if (isAdopted) cancel = clock.after(base - clock.now() + random() * periodMs, () => void attempt(true))
  else planNext()
  return () => {
    isStopped = true
    cancel()
  }
}
