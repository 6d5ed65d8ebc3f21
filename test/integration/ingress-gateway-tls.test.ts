/** HTTPS listeners of Gateways: what clients must show, and connections that were made for another listener. */
import { connect } from 'node:http2'
import t, { type Test } from 'tap'
import type { Gateway, HTTPRoute, Ingress } from '../../src/api/types/index.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createIngress } from '../../src/proxy/ingress/ingress.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { freePort } from '../support/free-port.ts'
import { gateway, gatewayClass, route } from '../support/gateway-objects.ts'
import { ask, askH2 } from '../support/ingress-fixture.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../support/ingress-objects.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { askTls, authority, certificateFor, newAuthority } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

const [people, staff] = [await newAuthority('people'), await newAuthority('staff')]
const anna = await certificateFor('anna', people, 'client')
const sam = await certificateFor('sam', staff, 'client')
const shown = await certificateFor('shown.lab')

/** One Gateway in front of a backend that says who it is, and a route to it for every listener. */
const start = async (t: Test, made: Gateway, routes: readonly HTTPRoute[], ingresses: readonly Ingress[] = []) => {
  const named = async (name: string) => {
    const { port } = await startBackend(t, (_, response) => response.end(name))
    return slice({ service: name, addresses: { '127.0.0.1': {} }, ports: [{ name: '', port }] })
  }
  const names = ['one', 'two', 'three', 'four']
  const gateways = createFedInformer([made])
  const configMaps = createFedNamedData({
    'default/people': { 'ca.crt': people.cert },
    'default/staff': { 'ca.crt': staff.cert },
  })
  const proxy = createIngress({
    ingresses: createFedInformer(ingresses),
    classes: createFedInformer([ingressClass('edge')]),
    services: createFedInformer(names.map((name) => service(name))),
    slices: createFedInformer(await Promise.all(names.map(named)), { service: byService }),
    secrets: createFedNamedData({
      'default/shown': { 'tls.crt': shown.certificate, 'tls.key': shown.key },
      'default/people': { 'ca.crt': people.cert },
    }),
    configMaps,
    gateway: {
      classes: createFedInformer([gatewayClass()]),
      gateways,
      routes: createFedInformer(routes),
      grants: createFedInformer([]),
      namespaces: createFedInformer([]),
    },
    log: silentLogger,
    ...{ settings: { address: '127.0.0.1', httpPort: 0, httpsPort: 0 }, timeouts: { drain: 500 } },
  })
  const stop = new AbortController()
  const done = proxy.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  await proxy.ready
  return { proxy, gateways, configMaps }
}

const https = (name: string, port: number, hostname?: string) => ({
  ...{ name, port, protocol: 'HTTPS', ...(hostname === undefined ? {} : { hostname }) },
  tls: { mode: 'Terminate', certificateRefs: [{ name: 'shown' }] } as const,
})

const to = (name: string, sectionName: string, hostnames?: readonly string[]): HTTPRoute =>
  route({
    ...{ name, namespace: 'default', parents: [{ name: 'gw', sectionName }], ...(hostnames ? { hostnames } : {}) },
    rules: [{ backendRefs: [{ name, port: 80 }] }],
  })

const trusts = (name: string, mode = 'AllowValidOnly') => ({
  validation: { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name }], mode },
})

/** The status of an answer, or `refused` where the connection comes to nothing. */
const status = (port: number, more: Omit<Parameters<typeof askTls>[1], 'trusts'>): Promise<number | 'refused'> =>
  askTls(port, { trusts: 'shown.lab', ...more }).then(
    (answer) => answer.status,
    () => 'refused' as const,
  )

t.test('clients show what their port asks for, in the handshake itself', async (t) => {
  const [common, own, open] = [await freePort(), await freePort(), await freePort()]
  const of = (mode?: string): Gateway =>
    gateway({
      namespace: 'default',
      listeners: [https('common', common), https('own', own, 'own.lab'), https('open', open)],
      tls: {
        frontend: {
          default: trusts('people', mode),
          perPort: [
            { port: own, tls: trusts('staff', mode) },
            { port: open, tls: {} },
          ],
        },
      },
    })
  const { gateways, configMaps } = await start(t, of(), [to('one', 'common'), to('two', 'own'), to('three', 'open')])
  const all = async () => [
    await status(common, { host: 'a.lab', client: anna }),
    await status(common, { host: 'a.lab', client: sam }),
    await status(common, { host: 'a.lab' }),
    await status(own, { host: 'own.lab', client: sam }),
    await status(own, { host: 'own.lab', client: anna }),
    await status(open, { host: 'a.lab' }),
  ]
  await until(async () => (await status(open, { host: 'a.lab' })) === 200, 'the listeners')
  t.same(await all(), [200, 'refused', 'refused', 200, 'refused', 200])
  t.equal(await status(common, { host: 'a.lab', servername: '', client: anna }), 200, 'a client that names no host')
  t.equal(await status(common, { host: 'a.lab', servername: '' }), 'refused', 'and shows nothing')
  gateways.put(of('AllowInsecureFallback'))
  await until(async () => (await status(common, { host: 'a.lab' })) === 200, 'the other mode')
  t.same(await all(), [200, 200, 200, 200, 200, 200])
  gateways.put(of())
  await until(async () => (await status(common, { host: 'a.lab' })) === 'refused', 'the first mode again')
  configMaps.put('default/people', { 'ca.crt': 'none' })
  await until(async () => (await status(common, { host: 'a.lab', client: anna })) !== 200, 'the authority gone')
  t.equal(await status(own, { host: 'own.lab', client: sam }), 200, 'which is no matter of other ports')
})

t.test('a connection that was there before a certificate was asked for serves no more', async (t) => {
  const port = await freePort()
  const plain = gateway({ namespace: 'default', listeners: [https('l', port)] })
  const { gateways } = await start(t, plain, [to('one', 'l')])
  const session = connect(`https://127.0.0.1:${port}`, { servername: 'shown.lab', ca: authority.cert })
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  await until(async () => (await askH2(session, { host: 'shown.lab' })).status === 200, 'the listener')
  gateways.put({
    ...plain,
    spec: {
      ...plain.spec,
      gatewayClassName: 'podway',
      listeners: plain.spec?.listeners ?? [],
      tls: { frontend: { default: trusts('people') } },
    },
  })
  t.equal(
    await until(
      async () => (await askH2(session, { host: 'shown.lab' })).status === 421,
      'the old connection misdirects',
    ),
    true,
  )
})

t.test('a request that belongs to another listener than its connection is misdirected', async (t) => {
  const port = await freePort()
  await start(
    t,
    gateway({
      namespace: 'default',
      listeners: [
        https('any', port),
        https('exact', port, 'second.lab'),
        https('wild', port, '*.wild.lab'),
        https('fourth', port, 'fourth.wild.lab'),
      ],
    }),
    [to('one', 'any', ['first.lab']), to('two', 'exact'), to('three', 'wild'), to('four', 'fourth')],
  )
  await until(async () => (await status(port, { host: 'first.lab' })) === 200, 'the listeners')
  for (const [servername, host, wanted] of [
    ['first.lab', 'first.lab', 200],
    ['first.lab', 'second.lab', 421],
    ['first.lab', 'unknown.lab', 404],
    ['second.lab', 'second.lab', 200],
    ['second.lab', 'first.lab', 421],
    ['second.lab', 'unknown.lab', 421],
    ['third.wild.lab', 'third.wild.lab', 200],
    ['third.wild.lab', 'fifth.wild.lab', 200],
    ['third.wild.lab', 'deep.fifth.wild.lab', 200],
    ['third.wild.lab', 'fourth.wild.lab', 421],
    ['third.wild.lab', 'second.lab', 421],
    ['third.wild.lab', 'unknown.lab', 421],
    ['fourth.wild.lab', 'fourth.wild.lab', 200],
    ['fourth.wild.lab', 'fifth.wild.lab', 421],
    ['unknown.lab', 'first.lab', 200],
    ['unknown.lab', 'unknown.lab', 404],
    ['', 'second.lab', 200],
  ] as const)
    t.equal(await status(port, { host, servername }), wanted, `${host} at ${servername || 'nobody'}`)
})

t.test('what an Ingress asks of clients is no matter of a Gateway at another door', async (t) => {
  const [port, plain] = [await freePort(), await freePort()]
  const listeners = [https('own', port), { name: 'plain', port: plain, protocol: 'HTTP' }]
  const { proxy } = await start(
    t,
    gateway({ namespace: 'default', listeners }),
    [to('one', 'own'), to('two', 'plain')],
    [
      ingress({
        ...{ className: 'edge', rules: { 'shown.lab': [path('prefix:/', 'three')] } },
        annotations: { 'nginx.ingress.kubernetes.io/auth-tls-secret': 'default/people' },
        tls: [{ hosts: ['shown.lab'], secretName: 'shown' }],
      }),
    ],
  )
  const { https: own = 0, http = 0 } = proxy.ports()
  await until(async () => (await status(own, { host: 'shown.lab', client: anna })) === 200, 'the Ingress')
  t.equal(await status(own, { host: 'shown.lab' }), 403, 'who shows nothing')
  t.equal(await status(port, { host: 'shown.lab' }), 200, "at the Gateway's door nothing is asked")
  t.equal((await ask(plain, { host: 'shown.lab' })).status, 200, 'nor at one without TLS')
  t.equal((await ask(http, { host: 'shown.lab' })).status, 308, 'where the Ingress is, HTTPS is')
})
