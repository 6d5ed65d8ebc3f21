/** Gateways and Services share one pool of addresses. */
import t from 'tap'
import { gateways, services } from '../../../../src/api/resources.ts'
import type { Gateway, Service } from '../../../../src/api/types/index.ts'
import { bootstrapCluster } from '../../../../src/control/bootstrap/bootstrap.ts'
import { settleAddresses } from '../../../../src/control/controllers/gateway-addresses.ts'
import {
  adoptAddresses,
  createLoadBalancerAddresses,
} from '../../../../src/control/controllers/load-balancer-addresses.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { gateway, gatewayClass } from '../../../support/gateway-objects.ts'
import { until } from '../../../support/until.ts'

const asking = (name: string, ...values: readonly (string | undefined)[]): Gateway =>
  gateway({
    ...{ name, namespace: 'default' },
    ...(values.length > 0 ? { addresses: values.map((value) => (value === undefined ? {} : { value })) } : {}),
  })

/** What each Gateway has, with the reason of what it lacks. */
const settled = (pool: ReturnType<typeof createLoadBalancerAddresses>, ...all: readonly Gateway[]) => {
  const place = settleAddresses(pool, all)
  return all.map((each) => {
    const found = place(each)
    return [...(found.kind === 'own' ? found.addresses : []), ...(found.problem ? [found.problem.reason] : [])]
  })
}

t.test('everybody gets what can be had, and keeps it', async (t) => {
  const pool = createLoadBalancerAddresses('192.0.2.0/29')
  pool.assign('Service default/web', '192.0.2.1')
  t.same(settled(pool, asking('a'), asking('b', undefined, undefined)), [['192.0.2.2'], ['192.0.2.3', '192.0.2.4']])
  t.same(settled(pool, asking('b', undefined, undefined), asking('a')), [['192.0.2.3', '192.0.2.4'], ['192.0.2.2']])
  t.same(settled(pool, asking('b')), [['192.0.2.3']], 'what is not asked for any more is free')
  t.same(settled(pool, asking('b'), asking('c', '192.0.2.4')), [['192.0.2.3'], ['192.0.2.4']])
  t.same(settled(pool, asking('b', '192.0.2.3', undefined)), [['192.0.2.3', '192.0.2.5']], 'named, and one more')
  t.same([...pool.entries()].length, 3, 'nothing else is held')
})

t.test('what cannot be had is said, and what can is given all the same', async (t) => {
  const pool = createLoadBalancerAddresses('192.0.2.0/30')
  pool.assign('Service default/web', '192.0.2.1')
  for (const wrong of ['192.0.2.1', '10.0.0.1', '192.0.2.0', 'nonsense'])
    t.same(settled(pool, asking('a', wrong)), [['AddressNotUsable']], wrong)
  t.same(settled(pool, asking('a', '10.0.0.1', '192.0.2.2')), [['192.0.2.2', 'AddressNotUsable']])
  t.same(settled(pool, asking('a', '192.0.2.2'), asking('b')), [['192.0.2.2'], ['AddressNotAssigned']])
  t.same(
    settled(pool, asking('a'), asking('b', '192.0.2.2')),
    [['192.0.2.2'], ['AddressNotUsable']],
    'the holder keeps it',
  )
  pool.release('Service default/web')
  t.same(settled(pool, asking('a'), asking('b')), [['192.0.2.2'], ['192.0.2.1']])
})

t.test('who names an address comes before those who take any', async (t) => {
  const pool = createLoadBalancerAddresses('192.0.2.0/30')
  t.same(settled(pool, asking('a'), asking('b', '192.0.2.1')), [['192.0.2.2'], ['192.0.2.1']])
})

t.test('an address is written in one way: the same is not given back and taken again', async (t) => {
  const pool = createLoadBalancerAddresses('2001:db8::/120')
  let released = 0
  pool.onRelease(() => released++)
  for (const written of ['2001:DB8::5', '2001:db8:0:0::5'])
    t.same(settled(pool, asking('a', written)), [['2001:db8::5']])
  t.equal(released, 0)
})

t.test('what statuses say was given is held before anything new is given', async (t) => {
  const pool = createLoadBalancerAddresses('192.0.2.0/28')
  const balanced = (name: string, ip: string, more: Partial<Service['spec']> = {}): Service => ({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' } },
    spec: { type: 'LoadBalancer', ...more },
    status: { loadBalancer: { ingress: [{ ip }] } },
  })
  const having = (name: string, className: string, ...values: readonly string[]) =>
    gateway({ name, className, status: { addresses: values.map((value) => ({ value })) } })
  adoptAddresses(pool, {
    services: createFedInformer([
      balanced('web', '192.0.2.3'),
      balanced('theirs', '192.0.2.4', { loadBalancerClass: 'x.io/y' }),
      balanced('old', '10.0.0.1'),
    ]),
    classes: createFedInformer([gatewayClass(), gatewayClass('foreign', 'x.io/y')]),
    gateways: createFedInformer([
      having('a', 'podway', '192.0.2.5', '192.0.2.6'),
      having('b', 'foreign', '192.0.2.7'),
      having('c', 'podway', '192.0.2.3', '10.0.0.1', 'nonsense'),
    ]),
  })
  t.same(Object.fromEntries(pool.entries()), {
    'Service default/web': '192.0.2.3',
    'Gateway infra/a': '192.0.2.5',
    'Gateway infra/a #2': '192.0.2.6',
  })
})

const bootstrap = {
  ...{ servers: [{ address: '172.30.0.1', port: 6443 }], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

const textOf = async ({ client }: ControlPlane, name: string): Promise<string> => {
  const { status } = await client.get(gateways, name, 'default')
  const programmed = status?.conditions?.find(({ type }) => type === 'Programmed')
  return [...(status?.addresses ?? []).map(({ value }) => value), programmed?.reason].join(' ')
}

t.test('no address is given to a Service and a Gateway', async (t) => {
  const plane = await startControlPlane(t, { loadBalancerCIDR: '192.0.2.0/30' })
  const { client } = plane
  await bootstrapCluster(client, bootstrap)
  const create = ({ metadata, spec }: Gateway) => client.create(gateways, { metadata: { ...metadata }, spec })
  const is = (name: string, wanted: string) =>
    until(async () => (await textOf(plane, name)) === wanted, `${name}: ${wanted}`)
  await create(asking('a'))
  t.ok(await is('a', '192.0.2.1 Programmed'))
  await client.create(services, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.80', ports: [{ port: 80 }] },
  })
  const serviceIs = (wanted: string) =>
    until(async () => {
      const { status } = await client.get(services, 'web', 'default')
      return status?.loadBalancer?.ingress?.[0]?.ip === wanted
    }, `the Service at ${wanted}`)
  t.ok(await serviceIs('192.0.2.2'))
  await create(asking('b'))
  t.ok(await is('b', 'AddressNotAssigned'))
  await create(asking('c', '192.0.2.2'))
  t.ok(await is('c', 'AddressNotUsable'))
  await client.delete(services, { metadata: { name: 'web', namespace: 'default' } })
  t.ok(await is('c', '192.0.2.2 Programmed'), 'a free address is given to who waits for it')
  t.equal(await textOf(plane, 'a'), '192.0.2.1 Programmed')
})
