/** Which nodes a pod can run on at all. Each filter gives its reasons against a node, in Kubernetes' words. Pure. */
import { isSameHostPort } from '../../api/host-ports.ts'
import { matchesNodeAffinity } from '../../api/node-affinity.ts'
import { requestsOf, resourceKinds } from '../../api/pod-requests.ts'
import { isTolerated } from '../../api/taints.ts'
import type { Pod, Taint } from '../../api/types/index.ts'
import { hostPortsOf, type NodeState } from './node-state.ts'

export type Filter = (pod: Pod, state: NodeState) => readonly string[]

const unschedulableTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

const cordon: Filter = (pod, { node }) =>
  node.spec?.unschedulable && !isTolerated(pod, unschedulableTaint) ? ['node(s) were unschedulable'] : []

const taints: Filter = (pod, { node }) => {
  const taint = (node.spec?.taints ?? []).find((each) => each.effect !== 'PreferNoSchedule' && !isTolerated(pod, each))
  return taint ? [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`] : []
}

const affinity: Filter = (pod, { node }) =>
  matchesNodeAffinity(pod.spec, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"]

const ports: Filter = (pod, state) =>
  hostPortsOf(pod).some((wanted) => state.hostPorts.some((taken) => isSameHostPort(wanted, taken)))
    ? ["node(s) didn't have free ports for the requested pod ports"]
    : []

const resources: Filter = (pod, state) => {
  const requests = requestsOf(pod)
  return [
    ...(state.pods >= state.maxPods ? ['Too many pods'] : []),
    ...resourceKinds
      .filter((kind) => requests[kind] > 0 && requests[kind] > state.allocatable[kind] - state.requested[kind])
      .map((kind) => `Insufficient ${kind}`),
  ]
}

/** The first that objects decides what is said about a node. */
const filters: readonly Filter[] = [cordon, taints, affinity, ports, resources]

/** Why the pod cannot run there; empty when it can. */
export const objections = (pod: Pod, state: NodeState): readonly string[] => {
  for (const filter of filters) {
    const reasons = filter(pod, state)
    if (reasons.length > 0) return reasons
  }
  return []
}
