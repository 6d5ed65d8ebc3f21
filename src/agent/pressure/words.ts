/** What is said of pods that a node under pressure ends, or does not take: the kubelet's words. */
import type { Pressure } from './signals.ts'

/** Of pods whose node was short of something, or who took more than they may. */
export const evictedReason = 'Evicted'

/** Of a pod that is not taken. */
export const pressureMessage = (pressures: Iterable<Pressure>): string =>
  `The node had condition: [${[...pressures].toSorted().join(', ')}]. `
