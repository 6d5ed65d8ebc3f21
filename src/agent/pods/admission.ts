/** Whether a node takes a pod that was bound to it, in the kubelet's words: who binds pods may not have looked. Pure. */
import { isSameHostPort } from '../../api/host-ports.ts'
import { matchesNodeAffinity } from '../../api/node-affinity.ts'
import { perResource, requestsOf, resourceAmount, resourceKinds } from '../../api/pod-requests.ts'
import { quantityValue } from '../../api/quantity.ts'
import { isTolerated } from '../../api/taints.ts'
import type { Node, Pod, StringMap } from '../../api/types/index.ts'
import type { Pressure } from '../pressure/signals.ts'
import { evictedReason, pressureMessage } from '../pressure/words.ts'
import { isCritical } from './critical.ts'
import type { PodEnding } from './ending.ts'

export interface AdmittingNode {
  readonly name: string
  readonly allocatable: StringMap
  readonly pressures: ReadonlySet<Pressure>
  /** As the API has it; missing while that is not known: then nobody is refused for what it says. */
  readonly node: Pick<Node, 'metadata' | 'spec'> | undefined
}

export interface Rejection {
  readonly reason: string
  readonly message: string
}

const memoryPressureTaint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' } as const

/** A node that is short of memory alone takes pods that say how much they need. */
const pressure = (pod: Pod, { pressures }: AdmittingNode): Rejection | undefined => {
  if (pressures.size === 0 || isCritical(pod)) return undefined
  const isMemoryAlone = pressures.size === 1 && pressures.has('MemoryPressure')
  const asks = pod.status?.qosClass === 'Guaranteed' || pod.status?.qosClass === 'Burstable'
  if (isMemoryAlone && (asks || isTolerated(pod, memoryPressureTaint))) return undefined
  return { reason: evictedReason, message: pressureMessage(pressures) }
}

const outOf = (resource: string, requested: number, used: number, capacity: number): Rejection => ({
  reason: `OutOf${resource}`,
  message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
})

const resources = (pod: Pod, { allocatable }: AdmittingNode, others: readonly Pod[]): Rejection | undefined => {
  const maxPods = quantityValue(allocatable['pods'])
  if (allocatable['pods'] !== undefined && others.length >= maxPods) return outOf('pods', 1, others.length, maxPods)
  const wanted = requestsOf(pod)
  const taken = others.map(requestsOf)
  const used = perResource((kind) => taken.reduce((sum, each) => sum + each[kind], 0))
  const capacity = perResource((kind) => resourceAmount(allocatable, kind))
  const short = resourceKinds.find(
    (kind) => allocatable[kind] !== undefined && wanted[kind] > 0 && wanted[kind] > capacity[kind] - used[kind],
  )
  return short && outOf(short, wanted[short], used[short], capacity[short])
}

const predicate = (name: string): Rejection => ({ reason: name, message: `Predicate ${name} failed` })

const hostPortsOf = ({ spec }: Pod) =>
  spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP ?? '', port: hostPort, protocol }] : [],
    ),
  )

const place = (pod: Pod, { name, node }: AdmittingNode, others: readonly Pod[]): Rejection | undefined => {
  if (pod.spec.nodeName !== name) return predicate('NodeName')
  if (node && !matchesNodeAffinity(pod.spec, node)) return predicate('NodeAffinity')
  const taken = others.flatMap(hostPortsOf)
  if (hostPortsOf(pod).some((port) => taken.some((other) => isSameHostPort(port, other)))) return predicate('NodePorts')
  const repels = node?.spec?.taints?.find((taint) => taint.effect === 'NoExecute' && !isTolerated(pod, taint))
  return repels && predicate('TaintToleration')
}

/** `others`: those that the node has taken and that have not ended. */
export const rejectionOf = (pod: Pod, others: readonly Pod[], node: AdmittingNode): Rejection | undefined =>
  pressure(pod, node) ?? resources(pod, node, others) ?? place(pod, node, others)

/** How a pod ends that was never begun. */
export const rejected = ({ reason, message }: Rejection): PodEnding => ({
  ...{ reason, message: `Pod was rejected: ${message}`, graceMs: 0, isDisruption: false },
})
