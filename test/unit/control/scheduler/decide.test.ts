import t from 'tap'
import type { Node, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import { decide } from '../../../../src/control/scheduler/decide.ts'
import { plugins, statesOf } from './cluster-of.ts'

const node = (name: string, more: Partial<Node> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: {
    name,
    labels: { 'kubernetes.io/hostname': name, disk: name === 'n1' ? 'ssd' : 'hdd', size: name.slice(1) },
  },
  status: { allocatable: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '10' } },
  ...more,
})

const pod = (name: string, spec: Partial<PodSpec> = {}, owner?: string): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    ...{ name, namespace: 'default', uid: name },
    ...(owner
      ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] }
      : {}),
  },
  spec: { containers: [{ name: 'main' }], ...spec },
})

const asking = (requests: Record<string, string>): Partial<PodSpec> => ({
  containers: [{ name: 'main', resources: { requests } }],
})

/** The chosen node, or the message. */
const choose = (wanted: Pod, all: readonly Node[], running: readonly Pod[] = []): string => {
  const decision = decide(
    wanted,
    {
      nodes: statesOf(all, running),
      namespaceLabels: () => undefined,
    },
    plugins,
  )
  return 'state' in decision ? decision.state.node.metadata.name : decision.message
}

const three = ['n1', 'n2', 'n3'].map((name) => node(name))
const affinity = (
  ...matchExpressions: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'Gt'; values?: string[] }[]
) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
  },
})
const onlyField = (name: string): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
      },
    },
  },
})
const port = (hostPort: number, hostIP = '', protocol: 'TCP' | 'UDP' = 'TCP'): Partial<PodSpec> => ({
  containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP ? { hostIP } : {}) }] }],
})
const on = (name: string, spec: Partial<PodSpec>): Pod => pod(`on-${name}`, { ...spec, nodeName: name })
const tainted = (name: string, effect: 'NoSchedule' | 'PreferNoSchedule'): Node =>
  node(name, { spec: { taints: [{ key: 'own', value: 'db', effect }] } })

const cases: readonly [string, string, string][] = [
  ['no nodes', choose(pod('p'), []), 'no nodes available to schedule pods'],
  ['nodeSelector', choose(pod('p', { nodeSelector: { disk: 'hdd' } }), three.slice(0, 2)), 'n2'],
  [
    'nodeSelector of nobody',
    choose(pod('p', { nodeSelector: { disk: 'tape' } }), three),
    "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
  ],
  ['affinity In', choose(pod('p', affinity({ key: 'disk', operator: 'In', values: ['ssd'] })), three), 'n1'],
  ['affinity Gt', choose(pod('p', affinity({ key: 'size', operator: 'Gt', values: ['2'] })), three), 'n3'],
  ['affinity NotIn', choose(pod('p', affinity({ key: 'size', operator: 'NotIn', values: ['1', '3'] })), three), 'n2'],
  ['matchFields', choose(pod('p', onlyField('n3')), three), 'n3'],
  [
    'CPU',
    choose(
      pod('p', asking({ cpu: '1500m' })),
      three,
      three.map(({ metadata }) => on(metadata.name, asking({ cpu: '1' }))),
    ),
    '0/3 nodes are available: 3 Insufficient cpu.',
  ],
  [
    'CPU and memory',
    choose(pod('p', asking({ cpu: '3', memory: '5Gi' })), three.slice(0, 1)),
    '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
  ],
  [
    'exactly what is left',
    choose(pod('p', asking({ cpu: '1' })), three.slice(0, 1), [on('n1', asking({ cpu: '1' }))]),
    'n1',
  ],
  ['taint', choose(pod('p'), [tainted('n1', 'NoSchedule'), node('n2')]), 'n2'],
  [
    'taints and others',
    choose(pod('p', asking({ cpu: '3' })), [
      tainted('n1', 'NoSchedule'),
      node('n2'),
      node('n3', { spec: { unschedulable: true } }),
    ]),
    '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {own: db}, 1 node(s) were unschedulable.',
  ],
  [
    'tolerated taint',
    choose(pod('p', { tolerations: [{ key: 'own', operator: 'Equal', value: 'db', effect: 'NoSchedule' }] }), [
      tainted('n1', 'NoSchedule'),
    ]),
    'n1',
  ],
  ['rather not', choose(pod('p'), [tainted('n1', 'PreferNoSchedule'), node('n2')]), 'n2'],
  ['host port taken', choose(pod('p', port(80)), three.slice(0, 2), [on('n1', port(80))]), 'n2'],
  [
    'host port of another protocol',
    choose(pod('p', port(80, '', 'UDP')), three.slice(0, 1), [on('n1', port(80))]),
    'n1',
  ],
  [
    'host port of another address',
    choose(pod('p', port(80, '10.0.0.1')), three.slice(0, 1), [on('n1', port(80, '10.0.0.2'))]),
    'n1',
  ],
  [
    'host port of every address',
    choose(pod('p', port(80, '10.0.0.1')), three.slice(0, 1), [on('n1', port(80))]),
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  ],
  [
    'spread',
    choose(pod('p', {}, 'rs'), three, [pod('a', { nodeName: 'n1' }, 'rs'), pod('b', { nodeName: 'n3' }, 'rs')]),
    'n2',
  ],
]

t.test('where pods go', async (t) => {
  for (const [name, found, wanted] of cases) t.equal(found, wanted, name)
})
