import t from 'tap'
import { endpointSlices, events, nodes, services } from '../../../../src/api/resources.ts'
import type { ServiceSpec } from '../../../../src/api/types/index.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const balanced = (name: string, port: number, more: Partial<ServiceSpec> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { type: 'LoadBalancer', clusterIP: `10.96.0.${port % 250}`, ports: [{ port }], ...more } as const,
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
