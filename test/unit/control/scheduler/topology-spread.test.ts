import t from 'tap'
import type { Node, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import type { TopologySpreadConstraint } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { decide } from '../../../../src/control/scheduler/decide.ts'
import { node, plugins, pod, snapshotOf } from './cluster-of.ts'

const labels = { app: 'web' }
const zones = [node('n1', { zone: 'a' }), node('n2', { zone: 'b' }), node('n3', { zone: 'c' })]

const spread = (more: Partial<TopologySpreadConstraint> = {}): Partial<PodSpec> => ({
  topologySpreadConstraints: [
    {
      ...{
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: labels },
      },
      ...more,
    },
  ],
})

const on = (nodeName: string, name = `on-${nodeName}`, more: Partial<Pod['metadata']> = {}): Pod => {
  const made = pod(name, { nodeName }, { labels })
  return { ...made, metadata: { ...made.metadata, ...more } }
}

/** Names of nodes where it can be, or the message. */
const possible = (wanted: Pod, nodes: readonly Node[], running: readonly Pod[]): string => {
  const names = nodes.flatMap(({ metadata: { name } }) => {
    const only = { matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [name] }] }
    const affinity = {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [only] } },
    }
    const spec = { ...wanted.spec, affinity: wanted.spec.affinity ?? affinity }
    const constraints = spec.topologySpreadConstraints?.map((each) => ({ nodeAffinityPolicy: 'Ignore', ...each }))
    const trial = { ...wanted, spec: { ...spec, ...(constraints ? { topologySpreadConstraints: constraints } : {}) } }
    const decision = decide(trial, snapshotOf(nodes, running), plugins)
    return 'state' in decision && decision.state.node.metadata.name === name ? [name] : []
  })
  if (names.length > 0) return names.join(' ')
  const decision = decide(wanted, snapshotOf(nodes, running), plugins)
  return 'message' in decision ? decision.message : 'somewhere'
}

const web = (spec: Partial<PodSpec>): Pod => pod('p', spec, { labels })
const taint = { key: 'own', effect: 'NoSchedule' } as const

const cases: readonly [name: string, found: string, wanted: string][] = [
  ['nothing runs', possible(web(spread()), zones, []), 'n1 n2 n3'],
  ['the first zone has one', possible(web(spread()), zones, [on('n1')]), 'n2 n3'],
  ['two more than the least', possible(web(spread({ maxSkew: 2 })), zones, [on('n1')]), 'n1 n2 n3'],
  ['a pod that does not count itself', possible(pod('p', spread()), zones, [on('n1')]), 'n1 n2 n3'],
  ['pods of other namespaces', possible(web(spread()), zones, [on('n1', 'a', { namespace: 'other' })]), 'n1 n2 n3'],
  [
    'pods that go',
    possible(web(spread()), zones, [on('n1', 'a', { deletionTimestamp: '2026-01-01T00:00:00Z' })]),
    'n1 n2 n3',
  ],
  [
    'no such label',
    possible(web(spread({ topologyKey: 'rack' })), zones, []),
    "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints (missing required label).",
  ],
  [
    'too few parts: none may have two',
    possible(
      web(spread({ minDomains: 4 })),
      zones,
      ['n1', 'n2', 'n3'].map((name) => on(name)),
    ),
    "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.",
  ],
  [
    'parts enough',
    possible(
      web(spread({ minDomains: 3 })),
      zones,
      ['n1', 'n2', 'n3'].map((name) => on(name)),
    ),
    'n1 n2 n3',
  ],
  [
    'nodes that the pod does not tolerate count',
    possible(
      web(spread()),
      [...zones.slice(0, 2), node('n3', { zone: 'c' }, { spec: { taints: [taint] } })],
      [...[on('n1'), on('n2')]],
    ),
    "0/3 nodes are available: 1 node(s) had untolerated taint {own: }, 2 node(s) didn't match pod topology spread constraints.",
  ],
  [
    'unless the constraint honours taints',
    possible(
      web(spread({ nodeTaintsPolicy: 'Honor' })),
      [...zones.slice(0, 2), node('n3', { zone: 'c' }, { spec: { taints: [taint] } })],
      [on('n1'), on('n2')],
    ),
    'n1 n2',
  ],
  [
    'nodes that the pod does not select do not count',
    possible(web({ ...spread({ nodeAffinityPolicy: 'Honor' }), nodeSelector: { zone: 'a' } }), zones, [on('n1')]),
    'n1',
  ],
  [
    'they count where the constraint ignores it',
    possible(web({ ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'a' } }), zones, [on('n1')]),
    "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 2 node(s) didn't match Pod's node affinity/selector.",
  ],
  [
    'label keys: pods of the same value count',
    possible(pod('p', spread({ matchLabelKeys: ['rev'] }), { labels: { ...labels, rev: '2' } }), zones, [
      pod('a', { nodeName: 'n1' }, { labels: { ...labels, rev: '1' } }),
      pod('b', { nodeName: 'n2' }, { labels: { ...labels, rev: '2' } }),
    ]),
    'n1 n3',
  ],
]

t.test('an even spread', async (t) => {
  for (const [name, found, wanted] of cases) t.equal(found, wanted, name)
})

t.test('a spread that is only wished for', async (t) => {
  const wish = web(spread({ whenUnsatisfiable: 'ScheduleAnyway' }))
  const chosen = (running: readonly Pod[]) => {
    const decision = decide(wish, snapshotOf(zones, running), plugins)
    return 'state' in decision ? decision.state.node.metadata.name : decision.message
  }
  t.equal(chosen([on('n1'), on('n2')]), 'n3')
  t.equal(chosen([on('n1', 'a'), on('n1', 'b'), on('n2', 'c'), on('n2', 'd'), on('n3', 'e')]), 'n3')
})
