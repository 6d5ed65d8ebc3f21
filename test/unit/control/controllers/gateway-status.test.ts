import t, { type Test } from 'tap'
import { gatewayClasses, gateways, httpRoutes, services } from '../../../../src/api/resources.ts'
import type { Condition } from '../../../../src/api/types/index.ts'
import { bootstrapCluster } from '../../../../src/control/bootstrap/bootstrap.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const bootstrap = {
  ...{ servers: [{ address: '172.30.0.1', port: 6443 }], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

const brief = (conditions: readonly Condition[] = []): string =>
  conditions.map(({ type, reason, observedGeneration }) => `${type} ${reason} ${observedGeneration}`).join(', ')

const gatewayText = async ({ client }: ControlPlane): Promise<string> => {
  const { status } = await client.get(gateways, 'gw', 'default')
  const attached = status?.listeners?.map(({ attachedRoutes }) => attachedRoutes).join()
  const addresses = status?.addresses?.map(({ value }) => value).join()
  return `${brief(status?.conditions)}; ${attached} at ${addresses}`
}

const routeText = async ({ client }: ControlPlane): Promise<string> =>
  ((await client.get(httpRoutes, 'web', 'default')).status?.parents ?? [])
    .map(({ controllerName, conditions }) => `${controllerName}: ${brief(conditions)}`)
    .join('; ')

const become = async (t: Test, read: () => Promise<string>, wanted: string): Promise<void> => {
  t.ok(await until(async () => (await read()) === wanted, wanted), wanted)
}

t.test('classes, Gateways and routes are told what becomes of them', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await bootstrapCluster(client, bootstrap)
  await client.create(gateways, {
    metadata: { name: 'gw', namespace: 'default' },
    spec: { gatewayClassName: 'podway', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
  })
  await client.create(httpRoutes, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] },
  })
  const gatewayIs = (wanted: string) => become(t, () => gatewayText(plane), wanted)
  const routeIs = (wanted: string) => become(t, () => routeText(plane), wanted)

  await gatewayIs('Accepted Accepted 1, Programmed Programmed 1; 1 at 172.30.0.11')
  await routeIs('podway.dev/gateway: Accepted Accepted 1, ResolvedRefs BackendNotFound 1')
  await become(
    t,
    async () => brief((await client.get(gatewayClasses, 'podway')).status?.conditions),
    'Accepted Accepted 1',
  )

  await client.create(services, { metadata: { name: 'web', namespace: 'default' }, spec: { ports: [{ port: 80 }] } })
  await routeIs('podway.dev/gateway: Accepted Accepted 1, ResolvedRefs ResolvedRefs 1')

  const odd = {
    ...{ type: 'Odd', status: 'True', reason: 'Odd', message: '', observedGeneration: 7 },
    lastTransitionTime: '2026-01-01T00:00:00Z',
  } as const
  const other = { parentRef: { name: 'gw' }, controllerName: 'x.io/y', conditions: [odd] }
  const route = await client.get(httpRoutes, 'web', 'default')
  await client.patch(httpRoutes, route, { status: { parents: [...(route.status?.parents ?? []), other] } }, 'status')
  await client.patch(httpRoutes, route, { spec: { hostnames: ['a.lab'] } })
  await routeIs('podway.dev/gateway: Accepted Accepted 2, ResolvedRefs ResolvedRefs 2; x.io/y: Odd Odd 7')

  await plane.addNode('n2')
  await gatewayIs('Accepted Accepted 1, Programmed Programmed 1; 1 at 172.30.0.11,172.30.0.12')
  await client.delete(gateways, { metadata: { name: 'gw', namespace: 'default' } })
  await routeIs('x.io/y: Odd Odd 7')
})
