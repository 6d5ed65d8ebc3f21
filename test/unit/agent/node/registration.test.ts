import t, { type Test } from 'tap'
import type { NodeTraits } from '../../../../src/agent/node/node-object.ts'
import { createRegistration, type RegistrationOptions } from '../../../../src/agent/node/registration.ts'
import { createClient } from '../../../../src/api/client.ts'
import { nodes } from '../../../../src/api/resources.ts'
import type { Lease, Node } from '../../../../src/api/types/index.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { type ClusterApi, openClusterApi } from '../../../support/cluster-api.ts'
import { until } from '../../../support/until.ts'

const start = async (t: Test, more: Partial<RegistrationOptions> = {}, given?: ClusterApi) => {
  const api = given ?? (await openClusterApi())
  const problems: string[] = []
  const traits = async (): Promise<NodeTraits> => ({
    ...{
      name: 'node-a',
      addresses: ['192.0.2.1'],
      maxPods: 10,
      pressures: new Set(),
      allocatable: { cpu: '1' },
      kubeletPort: 1,
      labels: {},
      annotations: {},
      problems,
    },
    ...{ kubeletVersion: 'v1', runtimeVersion: 'fake://1', images: [], isStarting: false },
    host: {
      ...{ cpus: 1, memoryBytes: 1, storageBytes: 1 },
      info: {
        ...{ machineID: 'm', systemUUID: 's', bootID: 'b', kernelVersion: '6.1', osImage: 'Debian' },
        ...{ operatingSystem: 'linux', architecture: 'amd64' },
      },
    },
  })
  const client = createClient(api)
  const registration = createRegistration({
    ...{
      client,
      nodeName: 'node-a',
      identity: 'node-a_1',
      log: silentLogger,
      traits,
      statusMs: 30,
      leaseMs: 10,
      leaseSeconds: 10,
    },
    ...more,
  })
  const stop = new AbortController()
  const running = registration.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const node = () => api.peek<Node>('nodes', 'node-a')
  const lease = () => api.peek<Lease>('leases', 'kube-node-lease/node-a')
  const ready = () => node()?.status?.conditions?.find(({ type }) => type === 'Ready')
  const writes = () => api.calls.filter((call) => call === 'PUT /api/v1/nodes/node-a/status').length
  return { api, client, registration, node, lease, ready, writes, problems }
}

t.test('a node registers, and beats', async (t) => {
  const { registration, node, lease } = await start(t, { taints: [{ key: 'new', effect: 'NoSchedule' }] })
  const registered = await registration.registered
  t.match(registered, {
    metadata: { labels: { 'kubernetes.io/hostname': 'node-a' } },
    status: { capacity: { pods: '10' } },
  })
  t.same(node()?.spec?.taints, [
    { key: 'new', effect: 'NoSchedule' },
    // The server's: until a controller has seen the node Ready.
    { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
  ])
  const first = await until(() => lease()?.spec?.renewTime, 'the heartbeat')
  t.match(lease(), {
    metadata: { ownerReferences: [{ kind: 'Node', uid: registered.metadata.uid }] },
    spec: { holderIdentity: 'node-a_1', leaseDurationSeconds: 10 },
  })
  await until(() => lease()?.spec?.renewTime !== first, 'the next heartbeat')
})

t.test('a status that does not change is not written', async (t) => {
  const { api, registration, writes, problems, ready } = await start(t)
  await registration.registered
  const looks = () => api.calls.filter((call) => call === 'GET /api/v1/nodes/node-a').length
  await until(() => looks() > 4, 'some looks')
  t.equal(writes(), 1)
  problems.push('no network')
  registration.refresh()
  await until(() => ready()?.status === 'False', 'the change')
  t.equal(writes(), 2)
})

t.test('an old one is', async (t) => {
  const { registration, writes } = await start(t, { reportMs: 50 })
  await registration.registered
  await until(() => writes() > 2, 'some reports')
  t.pass()
})

t.test('what others have set stays, and a Node that is deleted comes back', async (t) => {
  const api = await openClusterApi()
  const client = createClient(api)
  await client.create(nodes, {
    metadata: { name: 'node-a', labels: { mine: '1' } },
    spec: { podCIDR: '10.1.0.0/24', unschedulable: true },
  })
  const { registration, node } = await start(t, {}, api)
  await registration.registered
  t.match(node(), {
    metadata: { labels: { mine: '1', 'kubernetes.io/os': 'linux' } },
    spec: { podCIDR: '10.1.0.0/24', unschedulable: true },
  })
  api.drop('nodes', 'node-a')
  await until(() => node()?.status?.capacity, 'the new Node')
})

t.test('a server that is away', async (t) => {
  const { api, registration, lease } = await start(t)
  await registration.registered
  const before = await until(() => lease()?.spec?.renewTime, 'the heartbeat')
  let refused = 0
  api.interfere(() => {
    refused++
    throw new Error('connect ECONNREFUSED')
  })
  await until(() => refused > 5, 'some attempts')
  api.interfere(undefined)
  await until(() => (lease()?.spec?.renewTime ?? '') > before, 'the heartbeat again')
})

t.test('capacities are in the form that the API server keeps', async (t) => {
  const { registration } = await start(t, { statusMs: 5_000 })
  const { status } = await registration.registered
  t.same(status?.capacity, { cpu: '1', memory: '0', 'ephemeral-storage': '0', pods: '10' })
})
