/** When a probe runs. Times are milliseconds. */
import type { Probe } from '../../api/types/index.ts'

export type ProbeKind = 'startup' | 'readiness' | 'liveness'

export interface Timing {
  readonly initialDelayMs: number
  readonly periodMs: number
  readonly timeoutMs: number
}

/** No timer goes further. */
const mostMs = 2 ** 31 - 1

/** With the API's defaults. */
export const timingOf = (probe: Probe): Timing => ({
  initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
  periodMs: (probe.periodSeconds || 10) * 1000,
  timeoutMs: Math.min((probe.timeoutSeconds || 1) * 1000, mostMs),
})

export interface Try {
  /** After the first moment at which the probe may run. */
  readonly afterMs: number
  /** Whether a failure counts. */
  readonly counts: boolean
}

const firstEagerMs = 100

/**
 * The try that follows `tries` tries, of a container that has not passed yet. Most programs are up a moment after they
 * were started, so within the first period those probes that wait for it are made in quick succession (after 0, 100,
 * 300, 700, … ms): such a try can succeed, but its failure does not count.
 */
export const tryAfter = (kind: ProbeKind, periodMs: number, tries: number): Try => {
  if (kind === 'liveness') return { afterMs: tries * periodMs, counts: true }
  const eagerTries = Math.ceil(Math.log2(periodMs / firstEagerMs + 1))
  return tries < eagerTries
    ? { afterMs: firstEagerMs * (2 ** tries - 1), counts: false }
    : { afterMs: (tries - eagerTries + 1) * periodMs, counts: true }
}
