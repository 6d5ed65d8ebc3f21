import t from 'tap'
import { type AdmittingNode, rejected, rejectionOf } from '../../../../src/agent/pods/admission.ts'
import type { Node, Pod, PodSpec, PodStatus } from '../../../../src/api/types/index.ts'
import { pod } from './builders.ts'

const node = (more: Partial<AdmittingNode> = {}): AdmittingNode => ({
  ...{ name: 'node-a', pressures: new Set(), node: undefined },
  allocatable: { cpu: '1500m', memory: '1Ki', 'ephemeral-storage': '2Ki', pods: '3' },
  ...more,
})

const asking = (requests: Readonly<Record<string, string>>, spec: Partial<PodSpec> = {}, status: PodStatus = {}): Pod =>
  pod({ containers: [{ name: 'main', resources: { requests } }], ...spec }, status)

const reasonOf = (...args: Parameters<typeof rejectionOf>) => rejectionOf(...args)?.reason

t.test('what the node has left', async (t) => {
  t.equal(rejectionOf(asking({ cpu: '1500m', memory: '1Ki' }), [], node()), undefined)
  const other = asking({ cpu: '1', memory: '500' })
  t.same(rejectionOf(asking({ cpu: '600m' }), [other], node()), {
    reason: 'OutOfcpu',
    message: "Node didn't have enough resource: cpu, requested: 600, used: 1000, capacity: 1500",
  })
  t.same(rejectionOf(asking({ memory: '525' }), [other], node()), {
    reason: 'OutOfmemory',
    message: "Node didn't have enough resource: memory, requested: 525, used: 500, capacity: 1024",
  })
  t.equal(reasonOf(asking({ 'ephemeral-storage': '1Mi' }), [], node()), 'OutOfephemeral-storage')
  t.same(rejectionOf(asking({}), [other, other, other], node()), {
    reason: 'OutOfpods',
    message: "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
  })
  t.equal(rejectionOf(asking({}), [asking({ cpu: '9' })], node()), undefined, 'who asks for nothing finds room')
  t.equal(rejectionOf(asking({ cpu: '99' }), [], node({ allocatable: {} })), undefined, 'nothing is known')
})

const real = (labels: Node['metadata']['labels'], taints: NonNullable<Node['spec']>['taints'] = []) =>
  node({ node: { metadata: { name: 'node-a', ...(labels ? { labels } : {}) }, spec: { taints } } })

t.test('whether it is the right node', async (t) => {
  t.same(rejectionOf(pod({ nodeName: 'other' }), [], node()), {
    ...{ reason: 'NodeName', message: 'Predicate NodeName failed' },
  })
  const picky = pod({ nodeSelector: { disk: 'fast' } })
  t.same(rejectionOf(picky, [], real({})), { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' })
  t.equal(rejectionOf(picky, [], real({ disk: 'fast' })), undefined)
  t.equal(rejectionOf(picky, [], node()), undefined, 'the node is not known yet')
  const gone = { key: 'gone', effect: 'NoExecute' } as const
  t.equal(reasonOf(pod(), [], real({}, [gone])), 'TaintToleration')
  t.equal(rejectionOf(pod({ tolerations: [{ key: 'gone', operator: 'Exists' }] }), [], real({}, [gone])), undefined)
  t.equal(rejectionOf(pod(), [], real({}, [{ key: 'gone', effect: 'NoSchedule' }])), undefined)
})

t.test('host ports that others have', async (t) => {
  const at = (hostPort: number, hostIP?: string): Pod =>
    pod({ containers: [{ name: 'main', ports: [{ containerPort: 1, hostPort, ...(hostIP ? { hostIP } : {}) }] }] })
  t.equal(reasonOf(at(80), [at(80)], node()), 'NodePorts')
  t.equal(reasonOf(at(80, '192.0.2.1'), [at(80)], node()), 'NodePorts')
  t.equal(rejectionOf(at(80, '192.0.2.1'), [at(80, '192.0.2.2'), at(81)], node()), undefined)
})

t.test('under pressure', async (t) => {
  const memory = node({ pressures: new Set(['MemoryPressure']) })
  const disk = node({ pressures: new Set(['MemoryPressure', 'DiskPressure']) })
  const bestEffort = pod({}, { qosClass: 'BestEffort' })
  const burstable = pod({}, { qosClass: 'Burstable' })
  t.same(rejectionOf(bestEffort, [], memory), {
    ...{ reason: 'Evicted', message: 'The node had condition: [MemoryPressure]. ' },
  })
  t.equal(rejectionOf(burstable, [], memory), undefined)
  const tolerations = [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] as const
  t.equal(rejectionOf(pod({ tolerations }, { qosClass: 'BestEffort' }), [], memory), undefined)
  t.same(rejectionOf(burstable, [], disk)?.message, 'The node had condition: [DiskPressure, MemoryPressure]. ')
  t.equal(rejectionOf(pod({ priority: 2_000_001_000 }), [], disk), undefined, 'the node cannot do without it')
})

t.test('how the pod ends', async (t) => {
  t.match(rejected({ reason: 'NodeName', message: 'Predicate NodeName failed' }), {
    ...{ reason: 'NodeName', message: 'Pod was rejected: Predicate NodeName failed', isDisruption: false },
  })
})
