/** Questions that controllers ask about pods. Pure. */
import { conditionOf, isFinished, isReady } from '../../api/pods.ts'
import type { Pod } from '../../api/types/index.ts'

/** Neither ended nor on its way out. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined

const readySince = (pod: Pod): number => Date.parse(conditionOf(pod, 'Ready')?.lastTransitionTime ?? '')

/** Milliseconds until a pod counts as available; 0 when it does, undefined when it is not even ready. */
export const availableIn = (pod: Pod, minReadySeconds: number, now: number): number | undefined => {
  if (!isReady(pod)) return undefined
  if (minReadySeconds === 0) return 0
  const since = readySince(pod)
  return Number.isNaN(since) ? undefined : Math.max(0, since + minReadySeconds * 1000 - now)
}

/** How often its containers were restarted, all together. */
export const restartsOf = (pod: Pod): number =>
  (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)

/** When it became ready; Infinity when it is not. */
export const readyTime = (pod: Pod): number => (isReady(pod) ? readySince(pod) : Number.POSITIVE_INFINITY)
