/** How far a rolling update may go above and below the wanted number. Pure. */
import type { Deployment, IntOrString } from '../../../api/types/index.ts'

const resolve = (value: IntOrString | undefined, total: number, round: (n: number) => number): number => {
  if (typeof value === 'number') return value
  return value === undefined ? 0 : round((Number.parseInt(value, 10) * total) / 100)
}

export interface Bounds {
  readonly desired: number
  readonly surge: number
  readonly unavailable: number
}

/** Percentages of surge round up, of unavailability down; when both come out as 0, one pod may be missing. */
export const boundsOf = ({ spec }: Deployment): Bounds => {
  const desired = spec.replicas ?? 1
  if (spec.strategy?.type === 'Recreate') return { desired, surge: 0, unavailable: 0 }
  const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {}
  const surge = resolve(maxSurge, desired, Math.ceil)
  const unavailable = resolve(maxUnavailable, desired, Math.floor)
  return { desired, surge, unavailable: Math.min(desired, surge === 0 && unavailable === 0 ? 1 : unavailable) }
}
