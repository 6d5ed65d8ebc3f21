import t from 'tap'
import { requestsOf } from '../../../../src/api/pod-requests.ts'
import type { Node, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import { addPod, hostPortsOf, ownerOf } from '../../../../src/control/scheduler/framework/node-state.ts'
import { statesOf } from './cluster-of.ts'

const node = (name: string, allocatable: Readonly<Record<string, string>> = {}, metadata: object = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, ...metadata } },
  status: { allocatable },
})

const pod = (name: string, spec: Partial<PodSpec> = {}, more: Partial<Pod> = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: name } },
  spec: { containers: [{ name: 'main' }], ...spec },
  ...more,
})

const owned = (name: string, uid: string, controller = true): Pod => ({
  ...pod(name),
  metadata: {
    ...{ name, namespace: 'default', uid: name },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller }],
  },
})

t.test('what a node has', async (t) => {
  const [state] = statesOf([node('n1', { cpu: '1500m', memory: '1Ki', 'ephemeral-storage': '2k', pods: '7' })], [])
  t.same(state && [...state.allocatable], [
    ['cpu', 1500],
    ['memory', 1024],
    ['ephemeral-storage', 2000],
    ['pods', 7],
  ])
  t.match(state, { pods: new Map(), requested: new Map(), withHostPorts: new Set() })
  const [silent] = statesOf([{ ...node('n2'), status: {} }], [])
  t.equal(silent?.allocatable.size, 0)
})

t.test('what its pods take: those that are bound to it and go on', async (t) => {
  const asks = {
    containers: [
      {
        name: 'main',
        ports: [{ containerPort: 1, hostPort: 81 }],
        resources: { requests: { cpu: '100m', memory: '1Ki', 'ephemeral-storage': '1k' } },
      },
    ],
  }
  const [one, two] = statesOf(
    [node('n1'), node('n2')],
    [
      pod('a', { ...asks, nodeName: 'n1' }),
      pod('b', { ...asks, nodeName: 'n1' }),
      pod('done', { ...asks, nodeName: 'n1' }, { status: { phase: 'Succeeded' } }),
      pod('failed', { ...asks, nodeName: 'n1' }, { status: { phase: 'Failed' } }),
      pod('waiting', asks),
      pod('elsewhere', { ...asks, nodeName: 'n9' }),
    ],
  )
  t.same(one && [...one.requested], [
    ['cpu', 200],
    ['memory', 2048],
    ['ephemeral-storage', 2000],
  ])
  t.same(
    [...(one?.withHostPorts ?? [])].map(({ metadata }) => metadata.name),
    ['a', 'b'],
  )
  t.same([two?.pods.size, two?.requested.size, two?.withHostPorts.size], [0, 0, 0])
})

t.test('a node that goes gets nothing more', async (t) => {
  const going = node('n1', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })
  t.same(
    statesOf([going, node('n2')], []).map((state) => state.node.metadata.name),
    ['n2'],
  )
})

t.test('pods by owner', async (t) => {
  t.equal(ownerOf(owned('a', 'rs-1')), 'rs-1')
  t.equal(ownerOf(owned('a', 'rs-1', false)), 'default/a', 'an owner that does not manage it')
  t.equal(ownerOf(pod('a')), 'default/a')
  const [state] = statesOf([node('n1')], [])
  if (!state) throw new Error('no state')
  for (const each of [owned('a', 'rs-1'), owned('b', 'rs-1'), owned('c', 'rs-2'), pod('d')]) addPod(state, each)
  t.same([...state.perOwner].sort(), [
    ['default/d', 1],
    ['rs-1', 2],
    ['rs-2', 1],
  ])
  t.equal(state.pods.size, 4)
})

t.test('host ports', async (t) => {
  t.same(
    hostPortsOf(
      pod('p', {
        containers: [
          { name: 'a', ports: [{ containerPort: 1 }, { containerPort: 2, hostPort: 82 }] },
          { name: 'b', ports: [{ containerPort: 3, hostPort: 83, hostIP: '10.0.0.1', protocol: 'UDP' }] },
          { name: 'c' },
          { name: 'd', ports: [{ containerPort: 4, hostPort: 84, hostIP: '' }] },
        ],
      }),
    ),
    [
      { ip: '0.0.0.0', port: 82, protocol: 'TCP' },
      { ip: '10.0.0.1', port: 83, protocol: 'UDP' },
      { ip: '0.0.0.0', port: 84, protocol: 'TCP' },
    ],
  )
})

t.test('sidecars count with what starts beside them, init containers alone', async (t) => {
  const cpu = (name: string, amount: string, restartPolicy?: 'Always') => ({
    ...{ name, resources: { requests: { cpu: amount } } },
    ...(restartPolicy ? { restartPolicy } : {}),
  })
  const asks = (spec: Partial<PodSpec>): number => requestsOf(pod('p', spec)).cpu
  const containers = [cpu('main', '100m')]
  t.equal(asks({ containers, initContainers: [cpu('a', '300m'), cpu('b', '200m')] }), 300, 'one after another')
  t.equal(asks({ containers, initContainers: [cpu('s', '50m', 'Always')] }), 150, 'a sidecar goes on')
  t.equal(asks({ containers, initContainers: [cpu('s', '50m', 'Always'), cpu('t', '60m', 'Always')] }), 210)
  t.equal(asks({ containers, initContainers: [cpu('a', '300m'), cpu('s', '50m', 'Always')] }), 300, 'not yet beside it')
  t.equal(asks({ containers, initContainers: [cpu('s', '50m', 'Always'), cpu('a', '300m')] }), 350, 'beside it')
  t.equal(asks({ containers: [{ name: 'main' }] }), 0)
})
