/** How long a container that ended waits before it is started again. */
import type { ContainerRecord } from '../runtime/containers.ts'

export interface BackOff {
  readonly baseMs: number
  readonly maxMs: number
  /** One that ran for so long has its past forgiven. */
  readonly resetMs: number
}

/** The kubelet's: at once, then 10 s after the end, 20 s, … 5 min; from the start again after 10 good minutes. */
export const defaultBackOff: BackOff = { baseMs: 10_000, maxMs: 300_000, resetMs: 600_000 }

/** The label by which an instance remembers how many restarts in a row led to it. */
export const restartsLabel = 'restarts-in-a-row'

export interface Restart {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly delayMs: number
  readonly restartsInARow: number
}

/** The restart that follows an instance that has ended. */
export const restartAfter = (
  { labels, startedAt, exit }: ContainerRecord,
  { baseMs, maxMs, resetMs }: BackOff,
): Restart => {
  const finishedAt = exit?.finishedAt ?? startedAt
  const before = finishedAt - startedAt >= resetMs ? 0 : Number(labels[restartsLabel] ?? 0)
  const delayMs = before === 0 ? 0 : Math.min(baseMs * 2 ** (before - 1), maxMs)
  return { at: finishedAt + delayMs, delayMs, restartsInARow: before + 1 }
}
