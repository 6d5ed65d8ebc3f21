/** Nodes and pods for tables about where pods go. */

import { isFinished } from '../../../../src/api/pods.ts'
import { objectKey } from '../../../../src/api/resources.ts'
import type { Node, Pod, PodSpec, StringMap } from '../../../../src/api/types/index.ts'
import { builtInPlugins } from '../../../../src/control/scheduler/built-in.ts'
import { createCluster } from '../../../../src/control/scheduler/cluster.ts'
import type { Snapshot } from '../../../../src/control/scheduler/framework/filter.ts'
import type { NodeState } from '../../../../src/control/scheduler/framework/node-state.ts'
import { choosePlugins } from '../../../../src/control/scheduler/profile.ts'

/** Those of a scheduler without a configuration, but for what needs the API. */
export const plugins = choosePlugins(builtInPlugins())

export const node = (name: string, labels: StringMap = {}, more: Partial<Node> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } } },
  status: { allocatable: { cpu: '10', memory: '10Gi', pods: '100' } },
  ...more,
})

export interface PodFacts {
  readonly namespace?: string
  readonly labels?: StringMap
  readonly startTime?: string
}

export const pod = (name: string, spec: Partial<PodSpec> = {}, facts: PodFacts = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name, namespace: facts.namespace ?? 'default', uid: name, labels: facts.labels ?? {} },
  spec: { containers: [{ name: 'main' }], ...spec },
  status: facts.startTime === undefined ? {} : { startTime: facts.startTime },
})

export const asking = (requests: StringMap): Partial<PodSpec> => ({
  containers: [{ name: 'main', resources: { requests } }],
})

/** The nodes with what runs on them, as the scheduler follows them. */
export const statesOf = (nodes: Iterable<Node>, pods: Iterable<Pod>): readonly NodeState[] => {
  const cluster = createCluster()
  for (const each of nodes) cluster.setNode(each.metadata.name, each)
  for (const each of pods) cluster.setPod(objectKey(each), isFinished(each) ? undefined : each, each.spec.nodeName)
  return cluster.states
}

export const snapshotOf = (
  nodes: readonly Node[],
  running: readonly Pod[],
  namespaces: Readonly<Record<string, StringMap>> = {},
): Snapshot => ({
  nodes: statesOf(nodes, running),
  namespaceLabels: (name) => namespaces[name],
})
