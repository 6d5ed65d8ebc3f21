/** What a node has and what its pods take of it, as the scheduler sees it. */

import {
  perResource,
  type ResourceKind,
  type Resources,
  requestsOf,
  resourceAmount,
  resourceKinds,
} from '../../api/pod-requests.ts'
import { isFinished } from '../../api/pods.ts'
import { quantityValue } from '../../api/quantity.ts'
import { objectKey } from '../../api/resources.ts'
import type { Node, Pod, Protocol } from '../../api/types/index.ts'
import { controllerOf } from '../controllers/ownership.ts'

export interface HostPort {
  readonly ip: string
  readonly port: number
  readonly protocol: Protocol
}

export interface NodeState {
  readonly node: Node
  readonly allocatable: Resources
  readonly maxPods: number
  readonly requested: Record<ResourceKind, number>
  readonly hostPorts: HostPort[]
  /** How many pods of each owner run here. */
  readonly perOwner: Map<string, number>
  pods: number
}

export const hostPortsOf = ({ spec }: Pod): readonly HostPort[] =>
  spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', port: hostPort, protocol }] : [],
    ),
  )

/** Pods of one owner are to be spread. A pod without one is its own. */
export const ownerOf = (pod: Pod): string => controllerOf(pod)?.uid ?? objectKey(pod)

/** Counts a pod in. */
export const addPod = (state: NodeState, pod: Pod): void => {
  const requests = requestsOf(pod)
  for (const kind of resourceKinds) state.requested[kind] += requests[kind]
  state.hostPorts.push(...hostPortsOf(pod))
  const owner = ownerOf(pod)
  state.perOwner.set(owner, (state.perOwner.get(owner) ?? 0) + 1)
  state.pods++
}

const emptyState = (node: Node): NodeState => ({
  node,
  allocatable: perResource((kind) => resourceAmount(node.status?.allocatable, kind)),
  maxPods: quantityValue(node.status?.allocatable?.pods),
  requested: { cpu: 0, memory: 0, 'ephemeral-storage': 0 },
  hostPorts: [],
  perOwner: new Map(),
  pods: 0,
})

/** All nodes with the pods that are bound to them; `boundTo` says where a pod is, when somewhere. */
export const createNodeStates = (
  nodes: Iterable<Node>,
  pods: Iterable<Pod>,
  boundTo: (pod: Pod) => string | undefined,
): readonly NodeState[] => {
  const states = new Map([...nodes].map((node) => [node.metadata.name, emptyState(node)]))
  for (const pod of pods) {
    const state = isFinished(pod) ? undefined : states.get(boundTo(pod) ?? '')
    if (state) addPod(state, pod)
  }
  return [...states.values()].filter(({ node }) => node.metadata.deletionTimestamp === undefined)
}
