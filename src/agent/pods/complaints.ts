/** What a plan gives reason to complain about. Pure. */
import type { Plan } from './plan.ts'
import { latestOf, type PodView, podLabel } from './view.ts'

export interface Complaint {
  /** The same complaint has the same key: it is made once. */
  readonly key: string
  readonly reason: string
  readonly message: string
  readonly container?: string
}

const networkComplaints = ({ networkTrouble }: PodView): readonly Complaint[] =>
  networkTrouble === undefined ? [] : [{ key: networkTrouble, reason: 'NetworkNotReady', message: networkTrouble }]

/** For Warning Events. A back-off is complained about once for each instance it follows. */
export const complaintsOf = (view: PodView, plan: Plan): readonly Complaint[] => [
  ...networkComplaints(view),
  ...[...plan.waiting].flatMap(([container, { reason, message = '' }]): readonly Complaint[] => {
    if (reason === 'Unsupported') return [{ key: reason, reason, message }]
    if (reason !== 'CrashLoopBackOff') return []
    const text = `Back-off restarting failed container ${container} in pod ${podLabel(view.pod)}`
    return [{ key: latestOf(view, container)?.id ?? container, reason: 'BackOff', message: text, container }]
  }),
]
