/** What a Job asks of its pods. Pure. */
import { isFinished } from '../../../api/pods.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Job } from '../../../api/types/kubernetes/batch-v1.ts'

/** A pod carries it until its Job has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'
export const failuresAnnotation = 'batch.kubernetes.io/job-index-failure-count'
export const ignoredFailuresAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false

const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined

/** Its end has been reported, or its node has nothing of it any longer. */
const isOver = (pod: Pod): boolean =>
  isFinished(pod) || (isLeaving(pod) && pod.metadata.deletionGracePeriodSeconds === 0)

/** It has been told to go, and has not ended yet. */
export const isTerminating = (pod: Pod): boolean => isLeaving(pod) && !isOver(pod)

/** Whether a pod is replaced, and its failure judged, only once it has ended. */
const waitsForEnd = ({ spec }: Job): boolean =>
  spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined

export const hasSucceeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded'

/** A pod that was told to go will not succeed any more, unless its end is waited for. */
export const hasFailed = (job: Job, pod: Pod): boolean =>
  !hasSucceeded(pod) && (isOver(pod) || (isLeaving(pod) && !waitsForEnd(job)))

/** Undefined for a pod that has none. */
export const indexOf = ({ metadata }: Pod): number | undefined => {
  const text = metadata.annotations?.[indexAnnotation] ?? ''
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

export const countIn = ({ metadata }: Pod, annotation: string): number => {
  const text = metadata.annotations?.[annotation] ?? ''
  return /^\d{1,9}$/.test(text) ? Number(text) : 0
}

/** When it ended, as far as anybody has said. */
export const endOf = (pod: Pod): number => {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''))
  const known = ends.filter((ms) => !Number.isNaN(ms))
  if (known.length > 0) return Math.max(...known)
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  return Date.parse(ready ?? pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp ?? '') || 0
}
