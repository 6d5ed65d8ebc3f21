/** What a node has and what its pods take of it, as the scheduler sees it. */
import { allAmounts, allRequestsOf, type ResourceAmounts } from '../../../api/pod-requests.ts'
import { objectKey } from '../../../api/resources.ts'
import type { Node, Pod, Protocol } from '../../../api/types/index.ts'
import { controllerOf } from '../../../controller/ownership.ts'

export interface HostPort {
  readonly ip: string
  readonly port: number
  readonly protocol: Protocol
}

export interface NodeState {
  readonly node: Node
  /** All by the names of resources, `pods` among them. */
  readonly allocatable: ResourceAmounts
  /** Bytes of the images that it has, by each of their names. */
  readonly images: ReadonlyMap<string, number>
  readonly requested: Map<string, number>
  /** By their keys. */
  readonly pods: Map<string, Pod>
  /** How many pods of each owner run here. */
  readonly perOwner: Map<string, number>
  /** Those of the pods that take ports of the node. */
  readonly withHostPorts: Set<Pod>
  /** Those of the pods that want to be near others, or far from them. */
  readonly withAffinity: Set<Pod>
}

export const hostPortsOf = ({ spec }: Pod): readonly HostPort[] =>
  spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', port: hostPort, protocol }] : [],
    ),
  )

/** Pods of one owner are to be spread. A pod without one is its own. */
export const ownerOf = (pod: Pod): string => controllerOf(pod)?.uid ?? objectKey(pod)

const add = (counts: Map<string, number>, name: string, amount: number): void => {
  const sum = (counts.get(name) ?? 0) + amount
  if (sum === 0) counts.delete(name)
  else counts.set(name, sum)
}

const count = (state: NodeState, pod: Pod, change: 1 | -1): void => {
  for (const [name, amount] of allRequestsOf(pod)) add(state.requested, name, change * amount)
  add(state.perOwner, ownerOf(pod), change)
}

/** Counts a pod in. */
export const addPod = (state: NodeState, pod: Pod): void => {
  count(state, pod, 1)
  state.pods.set(objectKey(pod), pod)
  if (hostPortsOf(pod).length > 0) state.withHostPorts.add(pod)
  if (pod.spec.affinity?.podAffinity || pod.spec.affinity?.podAntiAffinity) state.withAffinity.add(pod)
}

/** Counts one out that is in. */
export const removePod = (state: NodeState, pod: Pod): void => {
  const key = objectKey(pod)
  if (state.pods.get(key) !== pod) return
  count(state, pod, -1)
  state.pods.delete(key)
  state.withHostPorts.delete(pod)
  state.withAffinity.delete(pod)
}

const imagesOf = ({ status }: Node): ReadonlyMap<string, number> =>
  new Map((status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, sizeBytes])))

/** What the Node alone tells: read once for each change of it, and not for each pod. */
export const factsOf = (node: Node): Pick<NodeState, 'node' | 'allocatable' | 'images'> => ({
  node,
  allocatable: allAmounts(node.status?.allocatable),
  images: imagesOf(node),
})

export const emptyState = (node: Node): NodeState => ({
  ...factsOf(node),
  requested: new Map(),
  pods: new Map(),
  perOwner: new Map(),
  withHostPorts: new Set(),
  withAffinity: new Set(),
})
