/** Pods that the node itself, or the whole cluster, cannot do without. */
import type { Pod } from '../../api/types/index.ts'

/** `system-cluster-critical` and above: only who may use those classes can make such a pod. */
const leastCriticalPriority = 2_000_000_000

export const isCritical = ({ spec }: Pod): boolean => (spec.priority ?? 0) >= leastCriticalPriority
