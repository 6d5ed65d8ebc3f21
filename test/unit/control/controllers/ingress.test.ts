/** What the control plane says of Ingresses: where they are served, and what of them is not. */
import t from 'tap'
import { type Clock, createFakeClock } from '../../../../src/api/clock.ts'
import { events, ingressClasses, ingresses, secrets } from '../../../../src/api/resources.ts'
import type { Ingress } from '../../../../src/api/types/index.ts'
import { bootstrapCluster } from '../../../../src/control/bootstrap/bootstrap.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const bootstrap = {
  ...{ servers: [{ address: '172.30.0.1', port: 6443 }], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10' },
  serviceCIDRs: ['10.96.0.0/16'],
}

const start = async (t: Parameters<typeof startControlPlane>[0], clock?: Clock): Promise<ControlPlane> => {
  const plane = await startControlPlane(t, clock ? { clock } : {})
  await plane.addNode('n1')
  await bootstrapCluster(plane.client, bootstrap)
  return plane
}

const web = (name: string, more: Partial<Ingress['metadata']> = {}, ingressClassName = 'podway') => ({
  metadata: { name, namespace: 'default', ...more },
  spec: {
    ingressClassName,
    rules: [
      {
        host: 'web.lab',
        http: {
          paths: [
            { path: '/', pathType: 'Prefix' as const, backend: { service: { name: 'web', port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
})

const addresses = async ({ client }: ControlPlane, name: string): Promise<string> =>
  ((await client.get(ingresses, name, 'default')).status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join()

const messages = async ({ client }: ControlPlane, name: string): Promise<readonly string[]> =>
  (await client.list(events)).items
    .filter(({ involvedObject }) => involvedObject.kind === 'Ingress' && involvedObject.name === name)
    .map(({ type, reason, message }) => `${type} ${reason} ${message}`)
    .sort()

t.test('addresses come with our class, and go when another one takes over', async (t) => {
  const plane = await start(t)
  const { client } = plane
  await client.create(ingressClasses, { metadata: { name: 'other' }, spec: { controller: 'x.io/y' } })
  await client.create(ingresses, web('web'))
  await until(async () => (await addresses(plane, 'web')) === '172.30.0.11', 'the address')
  const mine = await client.get(ingresses, 'web', 'default')
  await client.patch(ingresses, mine, { spec: { ingressClassName: 'other' } })
  await until(async () => (await addresses(plane, 'web')) === '', 'its end')
  await client.patch(ingresses, mine, { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } } }, 'status')
  await plane.addNode('n2')
  t.equal(await addresses(plane, 'web'), '192.0.2.9', 'what the other one says stays')
})

t.test('what somebody else writes into a status of ours is put right, but not at once', async (t) => {
  const clock = createFakeClock(Date.now())
  const plane = await start(t, clock)
  const { client } = plane
  await client.create(ingresses, web('web'))
  await until(async () => (await addresses(plane, 'web')) === '172.30.0.11', 'the address')
  const mine = await client.get(ingresses, 'web', 'default')
  await client.patch(ingresses, mine, { status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } } }, 'status')
  await client.create(ingresses, web('later'))
  await until(async () => (await addresses(plane, 'later')) === '172.30.0.11', 'one that came afterwards')
  t.equal(await addresses(plane, 'web'), '192.0.2.9')
  clock.advance(30_000)
  await until(async () => (await addresses(plane, 'web')) === '172.30.0.11', 'the address again')
})

t.test('Events tell what is not served as written, once, and what a change brings', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const annotations = {
    'nginx.ingress.kubernetes.io/limit-rpss': '5',
    'nginx.ingress.kubernetes.io/auth-type': 'basic',
    'nginx.ingress.kubernetes.io/auth-secret': 'users',
  }
  await client.create(ingresses, web('web', { annotations }))
  await until(async () => (await messages(plane, 'web')).length >= 2, 'the Events')
  const first = await messages(plane, 'web')
  t.ok(
    first.some((text) => /^Warning InvalidAnnotation .*limit-rpss "5": .*limit-rps/.test(text)),
    first.join('\n'),
  )
  t.ok(
    first.some((text) => /auth-secret "users": .*does not exist/.test(text)),
    first.join('\n'),
  )

  await client.create(ingresses, web('younger'))
  await until(
    async () => (await messages(plane, 'younger')).some((text) => text.includes('default/web')),
    'the loser hears of it',
  )
  await client.create(secrets, {
    metadata: { name: 'users', namespace: 'default' },
    type: 'Opaque',
    data: { auth: 'YTp4' },
  })
  t.same(
    (await messages(plane, 'web')).filter((text) => text.includes('limit-rpss')).length,
    1,
    'nothing is told twice',
  )
})
