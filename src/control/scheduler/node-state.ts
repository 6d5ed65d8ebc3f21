/** What a node has and what its pods take of it, as the scheduler sees it. */
import { quantityMilli, quantityValue } from '../../api/quantity.ts'
import { objectKey } from '../../api/resources.ts'
import type { Container, Node, Pod, Protocol, StringMap } from '../../api/types/index.ts'
import { controllerOf } from '../controllers/ownership.ts'
import { isFinished } from '../controllers/pod-state.ts'

/** CPU in thousandths, the rest in bytes. */
export interface Resources {
  readonly cpu: number
  readonly memory: number
  readonly 'ephemeral-storage': number
}

export type ResourceKind = keyof Resources
export const resourceKinds: readonly ResourceKind[] = ['cpu', 'memory', 'ephemeral-storage']

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

type Amounts = StringMap | undefined

const amount = (amounts: Amounts, kind: ResourceKind): number =>
  kind === 'cpu' ? quantityMilli(amounts?.[kind]) : quantityValue(amounts?.[kind])

const map = (of: (kind: ResourceKind) => number): Record<ResourceKind, number> => ({
  cpu: of('cpu'),
  memory: of('memory'),
  'ephemeral-storage': of('ephemeral-storage'),
})

const request = ({ resources }: Container, kind: ResourceKind): number => amount(resources?.requests, kind)

/**
 * What a pod asks for: all containers and sidecars together, or the greediest moment of its start when that is more. An
 * init container runs beside the sidecars that stand before it.
 */
export const requestsOf = ({ spec }: Pod): Resources =>
  map((kind) => {
    let sidecars = 0
    let peak = 0
    for (const container of spec.initContainers ?? []) {
      const wanted = request(container, kind)
      if (container.restartPolicy === 'Always') sidecars += wanted
      peak = Math.max(peak, container.restartPolicy === 'Always' ? sidecars : sidecars + wanted)
    }
    return Math.max(peak, sidecars + spec.containers.reduce((sum, container) => sum + request(container, kind), 0))
  })

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
  allocatable: map((kind) => amount(node.status?.allocatable, kind)),
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
