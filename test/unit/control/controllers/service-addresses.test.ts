import t from 'tap'
import { ipAddresses, serviceCIDRs, services } from '../../../../src/api/resources.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

t.test('each cluster address has an object, for as long as a Service has it', async (t) => {
  const { client } = await startControlPlane(t)
  const named = async () => (await client.list(ipAddresses)).items.map(({ metadata }) => metadata.name).sort()
  const spec = { clusterIP: '10.96.0.80', clusterIPs: ['10.96.0.80'], ports: [{ port: 80 }] }
  await client.create(services, { metadata: { name: 'web', namespace: 'default' }, spec })
  await until(async () => (await named()).includes('10.96.0.80'), 'its IPAddress')
  t.match(await client.get(ipAddresses, '10.96.0.80'), {
    metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4' } },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } },
  })
  await client.delete(ipAddresses, { metadata: { name: '10.96.0.80' } })
  await until(async () => (await named()).includes('10.96.0.80'), 'it to come back')
  await client.delete(services, { metadata: { name: 'web', namespace: 'default' } })
  await until(async () => !(await named()).includes('10.96.0.80'), 'it to go')
})

t.test('a range is ready, and does not go while it is used', async (t) => {
  const { client } = await startControlPlane(t)
  await client.create(serviceCIDRs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } })
  await until(
    async () => (await client.get(serviceCIDRs, 'more')).status?.conditions?.[0]?.status === 'True',
    'the range to be ready',
  )
  const spec = { clusterIP: '10.97.0.7', clusterIPs: ['10.97.0.7'], ports: [{ port: 80 }] }
  await client.create(services, { metadata: { name: 'web', namespace: 'default' }, spec })
  await until(
    async () => (await client.list(ipAddresses)).items.some(({ metadata }) => metadata.name === '10.97.0.7'),
    'the IPAddress',
  )
  await client.delete(serviceCIDRs, { metadata: { name: 'more' } })
  await until(
    async () => (await client.get(serviceCIDRs, 'more')).status?.conditions?.[0]?.reason === 'Terminating',
    'the range to say that it is held',
  )
  await client.delete(services, { metadata: { name: 'web', namespace: 'default' } })
  await until(
    async () => (await client.list(serviceCIDRs)).items.every(({ metadata }) => metadata.name !== 'more'),
    'the range to go',
  )
})
