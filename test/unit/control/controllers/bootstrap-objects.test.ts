/** What every cluster has comes back. */
import t from 'tap'
import {
  endpointSlices,
  endpoints,
  namespaces,
  priorityClasses,
  serviceCIDRs,
  services,
} from '../../../../src/api/resources.ts'
import { bootstrapCluster, bootstrapObjects } from '../../../../src/control/bootstrap/bootstrap.ts'
import { createBootstrapController } from '../../../../src/control/controllers/bootstrap-objects.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const options = {
  ...{ servers: [{ address: '172.30.0.1', port: 6443 }], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

t.test('what is deleted or overwritten of the objects of every cluster comes back', async (t) => {
  const { client } = await startControlPlane(t, { more: [createBootstrapController(options)] })
  await bootstrapCluster(client, options)
  const immortal = ['default', 'kube-system', 'kube-public']
  for (const { resource, key } of bootstrapObjects(options)) {
    const [name = '', namespace] = key.split('/').reverse()
    if (resource === priorityClasses || (resource === namespaces && immortal.includes(name))) continue
    // Its addresses hold it.
    if (resource === serviceCIDRs) continue
    const find = () => client.get(resource, name, namespace).catch(() => undefined)
    // The Endpoints of a Service go with it, and come back as well.
    const before = await until(find, `${resource.kind} ${key}`)
    await client.delete(resource, before)
    await until(async () => {
      const now = await find()
      return now !== undefined && now.metadata.uid !== before.metadata.uid && !now.metadata.deletionTimestamp
    }, `${resource.kind} ${key}`)
    t.pass(`${resource.kind} ${key}`)
  }

  const about = { metadata: { name: 'kubernetes', namespace: 'default' } }
  await client.patch(services, about, {
    spec: { ports: [{ name: 'https', port: 443, targetPort: 1, protocol: 'TCP' }] },
  })
  await client.patch(endpoints, about, { subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 1 }] }] })
  await client.patch(endpointSlices, about, { endpoints: [{ addresses: ['192.0.2.1'] }] })
  await until(async () => {
    const service = await client.get(services, 'kubernetes', 'default')
    const { subsets } = await client.get(endpoints, 'kubernetes', 'default')
    const slice = await client.get(endpointSlices, 'kubernetes', 'default')
    return (
      service.spec.ports?.[0]?.targetPort === 6443 &&
      subsets?.[0]?.addresses?.[0]?.ip === '172.30.0.1' &&
      slice.endpoints[0]?.addresses[0] === '172.30.0.1'
    )
  }, 'the way to the API')
  t.pass('the way to the API')
})
