import t from 'tap'
import type { Node, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import type { PodDisruptionBudget } from '../../../../src/api/types/kubernetes/policy-v1.ts'
import { bestCandidate, findCandidates } from '../../../../src/control/scheduler/candidates.ts'
import { decide } from '../../../../src/control/scheduler/decide.ts'
import { asking, node, type PodFacts, plugins, pod, snapshotOf } from './cluster-of.ts'

const three = [node('n1', { zone: 'a' }), node('n2', { zone: 'b' }), node('n3', { zone: 'c' })]

const on = (nodeName: string, name: string, priority: number, cpu: string, facts: PodFacts = {}): Pod =>
  pod(name, { ...asking({ cpu }), nodeName, priority }, facts)

const budget = (labels: Readonly<Record<string, string>>, allowed: number): PodDisruptionBudget => ({
  ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'default' } },
  spec: { selector: { matchLabels: labels } },
  status: { disruptionsAllowed: allowed, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
})

/** `node: victims`, or the message. The snapshot is as it was afterwards. */
const made = (
  wanted: Pod,
  nodes: readonly Node[],
  running: readonly Pod[],
  budgets: readonly PodDisruptionBudget[] = [],
  nominated: readonly Pod[] = [],
): string => {
  const snapshot = snapshotOf(nodes, running)
  const taken = () => JSON.stringify(snapshot.nodes.map(({ requested, pods }) => [...requested, pods.size]))
  const before = taken()
  const nominatedOn = (name: string) => nominated.filter(({ status }) => status?.nominatedNodeName === name)
  const refused = decide(wanted, snapshot, plugins, { nominatedOn })
  if ('state' in refused) return `fits on ${refused.state.node.metadata.name}`
  const { candidates, message } = findCandidates(wanted, refused, budgets)
  const found = bestCandidate(candidates)
  t.equal(taken(), before, 'what was supposed is taken back')
  if (!found) return message
  return `${found.state.node.metadata.name}: ${found.victims.map(({ metadata }) => metadata.name).join(' ')}`
}

const important = (cpu: string, more: Partial<PodSpec> = {}): Pod =>
  pod('p', { ...asking({ cpu }), priority: 100, ...more })
const full = (name: string, priority: number, facts: PodFacts = {}): Pod =>
  on(name, `on-${name}`, priority, '10', facts)

const cases: readonly [name: string, found: string, wanted: string][] = [
  ['there is room', made(important('1'), three, []), 'fits on n1'],
  [
    'nobody is less important',
    made(important('1'), three, [full('n1', 100), full('n2', 200), full('n3', 100)]),
    'preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
  ],
  [
    'not even then',
    made(important('11'), three, [full('n1', 1)]),
    'preemption: 0/3 nodes are available: 1 Insufficient cpu, 2 No preemption victims found for incoming pod.',
  ],
  [
    'whom it does not help',
    made(important('1', { nodeSelector: { zone: 'x' } }), three, [full('n1', 1)]),
    'preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
  ],
  ['the least important', made(important('1'), three, [full('n1', 3), full('n2', 1), full('n3', 2)]), 'n2: on-n2'],
  [
    'no more than needed, the important ones stay',
    made(important('5'), three.slice(0, 1), [on('n1', 'a', 1, '2'), on('n1', 'b', 2, '3'), on('n1', 'c', 3, '5')]),
    'n1: b a',
  ],
  [
    'one that suffices is enough',
    made(important('5'), three.slice(0, 1), [on('n1', 'a', 1, '5'), on('n1', 'b', 2, '5')]),
    'n1: a',
  ],
  [
    'budgets count for more than importance',
    made(
      important('1'),
      three.slice(0, 2),
      [full('n1', 1, { labels: { app: 'db' } }), full('n2', 50)],
      [budget({ app: 'db' }, 0)],
    ),
    'n2: on-n2',
  ],
  [
    'a budget that has something left',
    made(
      important('1'),
      three.slice(0, 2),
      [full('n1', 1, { labels: { app: 'db' } }), full('n2', 50)],
      [budget({ app: 'db' }, 1)],
    ),
    'n1: on-n1',
  ],
  [
    'budgets are broken rather than that it waits',
    made(important('1'), three.slice(0, 1), [full('n1', 1, { labels: { app: 'db' } })], [budget({ app: 'db' }, 0)]),
    'n1: on-n1',
  ],
  [
    'few victims',
    made(important('10'), three.slice(0, 2), [on('n1', 'a', 1, '5'), on('n1', 'b', 1, '5'), full('n2', 1)]),
    'n2: on-n2',
  ],
  [
    'who began last',
    made(important('1'), three.slice(0, 2), [
      full('n1', 1, { startTime: '2026-01-01T00:00:00Z' }),
      full('n2', 1, { startTime: '2026-01-02T00:00:00Z' }),
    ]),
    'n2: on-n2',
  ],
  [
    'extended resources',
    made(
      pod('p', { ...asking({ 'example.com/gpu': '2' }), priority: 100 }),
      [node('n1', {}, { status: { allocatable: { 'example.com/gpu': '3', pods: '10' } } })],
      [pod('a', { ...asking({ 'example.com/gpu': '2' }), nodeName: 'n1', priority: 1 })],
    ),
    'n1: a',
  ],
  [
    'a host port',
    made(
      pod('p', { priority: 9, containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80 }] }] }),
      three.slice(0, 1),
      [pod('a', { nodeName: 'n1', containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80 }] }] })],
    ),
    'n1: a',
  ],
  [
    'a pod that does not want it near',
    made(pod('p', { priority: 9 }, { labels: { app: 'web' } }), three.slice(0, 1), [
      pod('a', {
        nodeName: 'n1',
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
            ],
          },
        },
      }),
      pod('b', { nodeName: 'n1' }),
    ]),
    'n1: a',
  ],
  [
    'as many as an even spread wants',
    made(
      pod(
        'medium',
        {
          ...asking({ cpu: '3' }),
          priority: 50,
          topologySpreadConstraints: [
            {
              ...{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' },
              labelSelector: { matchLabels: { app: 'x' } },
            },
          ],
        },
        { labels: { app: 'x' } },
      ),
      three.slice(0, 2),
      [
        on('n1', 'high', 100, '9', { labels: { app: 'x' } }),
        ...['low-1', 'low-2', 'low-3'].map((name) => on('n2', name, 1, '3', { labels: { app: 'x' } })),
      ],
    ),
    'n2: low-2 low-3',
  ],
]

t.test('who has to go', async (t) => {
  for (const [name, found, wanted] of cases) t.equal(found, wanted, name)
})

t.test('room that was made for a pod is left to it', async (t) => {
  const waiting = (priority: number): Pod => ({
    ...pod('waiting', { ...asking({ cpu: '8' }), priority }),
    status: { nominatedNodeName: 'n1' },
  })
  const one = three.slice(0, 1)
  t.match(made(important('5'), one, [], [], [waiting(100)]), /^preemption: .* 1 No preemption victims found/)
  t.equal(made(important('5'), one, [], [], [waiting(99)]), 'fits on n1', 'but by those who are more important')
  t.equal(made(important('2'), one, [], [], [waiting(100)]), 'fits on n1', 'or who fit beside it')
})
