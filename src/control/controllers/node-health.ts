/** Whether nodes are heard of, and what follows from it for them. Pure. */
import { formatTime } from '../../api/clock.ts'
import { tolerates } from '../../api/taints.ts'
import type { ConditionStatus, Node, NodeCondition, Pod, PodCondition, Taint } from '../../api/types/index.ts'

export const unreachableTaint = 'node.kubernetes.io/unreachable'
export const notReadyTaint = 'node.kubernetes.io/not-ready'

/** The taint of nodes in either state; a node that is ready has neither. */
const taintOf: Readonly<Record<string, string>> = { Unknown: unreachableTaint, False: notReadyTaint }
/** Of nodes that are short of something; pods that are there may stay. */
const pressureTaints: ReadonlyMap<string, string> = new Map([
  ['MemoryPressure', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'node.kubernetes.io/network-unavailable'],
])
const lifecycleTaints: ReadonlySet<string> = new Set([...Object.values(taintOf), ...pressureTaints.values()])

/** What an agent reports, and nobody reports any longer when it is silent. */
const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** A node that has never said anything is not ready yet. */
export const readiness = (node: Node): ConditionStatus =>
  node.status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'False'

/** The conditions of a node that is not heard of any longer; undefined when they are so already. */
export const silentConditions = (node: Node, now: number): readonly NodeCondition[] | undefined => {
  const before = node.status?.conditions ?? []
  if (before.some(({ type }) => type === 'Ready') && reported.every((type) => isUnknown(before, type))) return undefined
  const silent = reported.map((type): NodeCondition => {
    const known = before.find((condition) => condition.type === type)
    if (known?.status === 'Unknown') return known
    return {
      ...known,
      ...{ type, status: 'Unknown', lastTransitionTime: formatTime(now) },
      ...(known
        ? { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
        : { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' }),
    }
  })
  return [...before.filter(({ type }) => !reported.includes(type)), ...silent]
}

const isUnknown = (conditions: readonly NodeCondition[], type: string): boolean =>
  conditions.find((condition) => condition.type === type)?.status === 'Unknown'

/** The taints of a node in this state and with these conditions; undefined when it has them already. */
export const lifecycleTaintsFor = (node: Node, status: ConditionStatus, now: number): readonly Taint[] | undefined => {
  const before = node.spec?.taints ?? []
  const key = taintOf[status]
  const others = before.filter((taint) => !lifecycleTaints.has(taint.key))
  const pressures = (node.status?.conditions ?? []).flatMap(({ type, status: has }) => {
    const pressure = has === 'True' ? pressureTaints.get(type) : undefined
    return pressure === undefined ? [] : [[pressure, 'NoSchedule'] as const]
  })
  const keys: readonly (readonly [string, 'NoSchedule' | 'NoExecute'])[] =
    key === undefined ? pressures : [[key, 'NoSchedule'], [key, 'NoExecute'], ...pressures]
  const wanted = keys.map(([each, effect]): Taint => {
    const known = before.find((taint) => taint.key === each && taint.effect === effect)
    return known ?? { key: each, effect, ...(effect === 'NoExecute' ? { timeAdded: formatTime(now) } : {}) }
  })
  const isSame = before.length === others.length + wanted.length && wanted.every((taint) => before.includes(taint))
  return isSame ? undefined : [...others, ...wanted]
}

/** When a pod has to leave its tainted node: at once, unless it tolerates the taint; Infinity when it may stay. */
export const evictionTime = (pod: Pod, taints: readonly Taint[]): number =>
  Math.min(
    Number.POSITIVE_INFINITY,
    ...taints.filter(({ effect }) => effect === 'NoExecute').map((taint) => leaveAt(pod, taint)),
  )

const leaveAt = (pod: Pod, taint: Taint): number => {
  const since = Date.parse(taint.timeAdded ?? '') || 0
  const tolerations = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
  if (tolerations.length === 0) return since
  const seconds = tolerations.flatMap(({ tolerationSeconds: s }) => (s === undefined ? [] : [Number(s)]))
  return seconds.length === 0 ? Number.POSITIVE_INFINITY : since + Math.max(0, Math.min(...seconds)) * 1000
}

/** The pod's conditions once nobody vouches for it; undefined when they say so already. */
export const lostPodConditions = (pod: Pod, now: number): readonly PodCondition[] | undefined => {
  const conditions = pod.status?.conditions ?? []
  if (!conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return undefined
  return conditions.map((condition) =>
    condition.type === 'Ready'
      ? {
          ...condition,
          ...{ status: 'False', reason: 'NodeNotReady', lastTransitionTime: formatTime(now) },
          message: 'the node of the pod is not ready',
        }
      : condition,
  )
}
