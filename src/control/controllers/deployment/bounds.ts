/** How far a rolling update may go above and below the wanted number. Pure. */
import type { Deployment } from '../../../api/types/index.ts'
import { amountOf } from '../amounts.ts'

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
  const surge = amountOf(maxSurge, desired, Math.ceil)
  const unavailable = amountOf(maxUnavailable, desired, Math.floor)
  return { desired, surge, unavailable: Math.min(desired, surge === 0 && unavailable === 0 ? 1 : unavailable) }
}
