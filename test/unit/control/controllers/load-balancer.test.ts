import t from 'tap'
import { endpointSlices, events, nodes, services } from '../../../../src/api/resources.ts'
import { servedPortsAnnotation } from '../../../../src/api/served-ports.ts'
import type { Endpoint, EndpointSlice, Node, Protocol, Service, ServiceSpec } from '../../../../src/api/types/index.ts'
import { nodeAddresses, nodePortHolder } from '../../../../src/control/controllers/load-balancer.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const balanced = (name: string, port: number, more: Partial<ServiceSpec> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { type: 'LoadBalancer', ports: [{ port }], ...more } as const,
})

const addressesOf = async ({ client }: ControlPlane, name: string): Promise<readonly (string | undefined)[]> =>
  ((await client.get(services, name, 'default')).status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip)

const become = (plane: ControlPlane, name: string, wanted: readonly string[]) =>
  until(
    async () => JSON.stringify(await addressesOf(plane, name)) === JSON.stringify(wanted),
    `${name}: ${wanted.join(' ')}`,
  )

t.test("the nodes' own addresses", async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await plane.addNode('n2')
  await client.create(services, balanced('web', 80))
  await become(plane, 'web', ['172.30.0.11', '172.30.0.12'])

  await client.create(services, balanced('late', 80))
  await until(
    async () => (await client.list(events)).items.some(({ reason }) => reason === 'PortTaken'),
    'the Event about the port',
  )
  t.same(await addressesOf(plane, 'late'), [])
  await client.delete(services, { metadata: { name: 'web', namespace: 'default' } })
  await become(plane, 'late', ['172.30.0.11', '172.30.0.12'])

  const label = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' }
  await client.patch(nodes, { metadata: { name: 'n1' } }, { metadata: { labels: label } })
  await become(plane, 'late', ['172.30.0.12'])
  await client.patch(services, { metadata: { name: 'late', namespace: 'default' } }, { spec: { type: 'ClusterIP' } })
  await become(plane, 'late', [])
})

t.test('with policy Local, those that have a pod', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await plane.addNode('n2')
  await client.create(services, balanced('web', 81, { externalTrafficPolicy: 'Local' }))
  const slice = await client.create(endpointSlices, {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.1.2'], nodeName: 'n2', conditions: { ready: true } }],
  })
  await become(plane, 'web', ['172.30.0.12'])
  await client.patch(endpointSlices, slice, { endpoints: [{ addresses: ['10.244.0.2'], nodeName: 'n1' }] })
  await become(plane, 'web', ['172.30.0.11'])
})

t.test('a pool', async (t) => {
  const plane = await startControlPlane(t, { loadBalancerCIDR: '192.0.2.0/30' })
  const { client } = plane
  await client.create(services, balanced('a', 80))
  await become(plane, 'a', ['192.0.2.1'])
  await client.create(services, balanced('b', 80))
  await become(plane, 'b', ['192.0.2.2'])
  await client.create(services, balanced('c', 80))
  await until(
    async () => (await client.list(events)).items.some(({ reason }) => reason === 'AllocationFailed'),
    'the Event',
  )
  t.same(await addressesOf(plane, 'c'), [])
  await client.delete(services, { metadata: { name: 'a', namespace: 'default' } })
  await client.patch(services, { metadata: { name: 'c', namespace: 'default' } }, { metadata: { labels: { a: 'b' } } })
  await become(plane, 'c', ['192.0.2.1'])
  await client.create(services, balanced('other', 80, { loadBalancerClass: 'example.com/lb' }))
  t.same(await addressesOf(plane, 'other'), [], "another controller's")
})

const nodeAt = (name: string, address: string, more: Partial<Node> = {}): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node' },
  metadata: { name, annotations: { [servedPortsAnnotation]: '80/TCP,443/TCP,53/UDP,nonsense' } },
  status: {
    addresses: [{ type: 'InternalIP', address }],
    conditions: [{ type: 'Ready', status: 'True' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_251 } },
  },
  ...more,
})

const wanting = (port: number, protocol: Protocol = 'TCP'): Service => ({
  ...{ apiVersion: 'v1', kind: 'Service' },
  metadata: { name: 'web', namespace: 'default' },
  spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port, protocol }] },
})

const slice = (endpoints: readonly Endpoint[], port = 8080): EndpointSlice => ({
  ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  ...{ metadata: { name: 's', namespace: 'default' }, addressType: 'IPv4', endpoints, ports: [{ port }] },
})

t.test('ports that a node serves itself are none of a Service', async (t) => {
  const nodes = [nodeAt('n1', '172.30.0.11')]
  const apiServers = [slice([{ addresses: ['172.30.0.11'] }], 6443)]
  for (const port of [80, 443, 10_251, 10_256, 6443])
    t.same(nodePortHolder(wanting(port), nodes, apiServers), { port: `${port}/TCP`, node: 'n1' })
  t.same(nodePortHolder(wanting(53, 'UDP'), nodes, []), { port: '53/UDP', node: 'n1' })
  t.equal(nodePortHolder(wanting(53), nodes, []), undefined, 'another protocol is another port')
  t.equal(nodePortHolder(wanting(6443), nodes, []), undefined, 'an API server elsewhere')
  t.equal(nodePortHolder(wanting(8080), nodes, apiServers), undefined)
})

t.test('endpoints that serve while they go away count while nobody is ready', async (t) => {
  const nodes = [nodeAt('n1', '172.30.0.11'), nodeAt('n2', '172.30.0.12')]
  const leaving = { ready: false, serving: true, terminating: true }
  const first = { addresses: ['10.244.1.2'], nodeName: 'n1', conditions: leaving }
  const second = { addresses: ['10.244.2.2'], nodeName: 'n2' }
  t.same(nodeAddresses(wanting(8080), nodes, [slice([first])]), ['172.30.0.11'])
  t.same(nodeAddresses(wanting(8080), nodes, [slice([first, second])]), ['172.30.0.12'])
  const dead = { ...first, conditions: { ...leaving, serving: false } }
  t.same(nodeAddresses(wanting(8080), nodes, [slice([dead])]), [])
})

t.test('a Service that wants a port of a node waits, and says why', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await client.patch(
    nodes,
    { metadata: { name: 'n1' } },
    { metadata: { annotations: { [servedPortsAnnotation]: '80/TCP' } } },
  )
  await client.create(services, balanced('web', 80))
  await until(async () => {
    const { items } = await client.list(events)
    return items.some(
      ({ reason, message = '' }) => reason === 'PortTaken' && message.includes('80/TCP is served by node n1'),
    )
  }, 'the Event')
  t.same(await addressesOf(plane, 'web'), [])
  await client.patch(
    nodes,
    { metadata: { name: 'n1' } },
    { metadata: { annotations: { [servedPortsAnnotation]: '' } } },
  )
  await become(plane, 'web', ['172.30.0.11'])
})
