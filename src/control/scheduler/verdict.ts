/** What is said of a pod that has no node yet: its condition `PodScheduled`, in the words of kube-scheduler. */
import { errorText } from '../../api/errors.ts'

export interface Verdict {
  readonly reason: 'Unschedulable' | 'SchedulingGated' | 'SchedulerError'
  readonly message: string
}

export const gated: Verdict = {
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
}

/** Texts of others may be of any length. */
const mostCharacters = 8_192

export const verdictOf = (reason: Verdict['reason'], message: string): Verdict => ({
  reason,
  message: message.length > mostCharacters ? `${message.slice(0, mostCharacters)}…` : message,
})

/** Of something that went wrong. */
export const failed = (error: unknown): Verdict => verdictOf('SchedulerError', errorText(error))
