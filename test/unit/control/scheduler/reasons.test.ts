/** What each filter says of pods that it has no node for: kube-scheduler's words, which people search for. */
import t from 'tap'
import type { Node, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import type { PodAffinityTerm } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { builtInPlugins } from '../../../../src/control/scheduler/built-in.ts'
import { decide } from '../../../../src/control/scheduler/decide.ts'
import { asking, node, plugins, pod, snapshotOf } from './cluster-of.ts'

interface Case {
  readonly spec: Partial<PodSpec>
  /** What is wrong with the second of three nodes; the others are cordoned. */
  readonly second?: Partial<Node>
  readonly running?: readonly Pod[]
  readonly says: string
}

const app = { matchLabels: { app: 'web' } }
const near = (term: PodAffinityTerm) => ({ requiredDuringSchedulingIgnoredDuringExecution: [term] })
const onSecond = (spec: Partial<PodSpec> = {}): Pod => pod('r', { nodeName: 'n2', ...spec }, { labels: { app: 'web' } })
const port = { containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80 }] }] }
const byHost = { topologyKey: 'kubernetes.io/hostname', labelSelector: app }

/** By the plug-ins that say it. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  NodeUnschedulable: [{ spec: {}, second: { spec: { unschedulable: true } }, says: 'node(s) were unschedulable' }],
  TaintToleration: [
    {
      spec: {},
      second: { spec: { taints: [{ key: 'own', value: 'db', effect: 'NoExecute' }] } },
      says: 'node(s) had untolerated taint {own: db}',
    },
  ],
  NodeAffinity: [
    {
      spec: { nodeSelector: { 'kubernetes.io/hostname': 'n4' } },
      says: "node(s) didn't match Pod's node affinity/selector",
    },
  ],
  NodePorts: [
    { spec: port, running: [onSecond(port)], says: "node(s) didn't have free ports for the requested pod ports" },
  ],
  NodeResourcesFit: [
    { spec: asking({ cpu: '11' }), says: 'Insufficient cpu' },
    { spec: asking({ memory: '11Gi' }), says: 'Insufficient memory' },
    { spec: asking({ 'example.com/gpu': '1' }), says: 'Insufficient example.com/gpu' },
    { spec: {}, second: { status: { allocatable: { cpu: '10', pods: '0' } } }, says: 'Too many pods' },
  ],
  PodTopologySpread: [
    {
      spec: { topologySpreadConstraints: [{ ...byHost, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] },
      running: [onSecond()],
      says: "node(s) didn't match pod topology spread constraints",
    },
    {
      spec: {
        topologySpreadConstraints: [{ ...byHost, topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
      },
      says: "node(s) didn't match pod topology spread constraints (missing required label)",
    },
  ],
  InterPodAffinity: [
    {
      spec: { affinity: { podAffinity: near({ ...byHost, labelSelector: { matchLabels: { app: 'db' } } }) } },
      says: "node(s) didn't match pod affinity rules",
    },
    {
      spec: { affinity: { podAntiAffinity: near(byHost) } },
      running: [onSecond()],
      says: "node(s) didn't match pod anti-affinity rules",
    },
    {
      spec: {},
      running: [onSecond({ affinity: { podAntiAffinity: near(byHost) } })],
      says: "node(s) didn't satisfy existing pods anti-affinity rules",
    },
  ],
}

t.test('the table knows all filters', async (t) => {
  const filters = builtInPlugins().filter(({ filter }) => filter)
  t.same(
    filters.map(({ name }) => name),
    Object.keys(cases),
  )
})

const closed = { spec: { unschedulable: true } }

for (const [plugin, own] of Object.entries(cases))
  for (const { spec, second = {}, running = [], says } of own)
    t.test(`${plugin}: ${says}`, async (t) => {
      const nodes = [node('n1', {}, closed), node('n2', {}, second), node('n3', {}, closed)]
      const wanted = pod('p', spec, { labels: { app: 'web' } })
      const decision = decide(wanted, snapshotOf(nodes, running), plugins)
      const parts =
        says === 'node(s) were unschedulable' ? [`3 ${says}`] : [`1 ${says}`, '2 node(s) were unschedulable']
      t.match(decision, { message: `0/3 nodes are available: ${parts.sort().join(', ')}.` })
    })
