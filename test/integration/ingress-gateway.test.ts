/** Gateways and HTTPRoutes, from objects of the API to answers: what only the served outcome can show. */
import { type IncomingHttpHeaders, request } from 'node:http'
import t, { type Test } from 'tap'
import type { HTTPRoute } from '../../src/api/types/index.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createIngress } from '../../src/proxy/ingress/ingress.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { freePort } from '../support/free-port.ts'
import { gateway, gatewayClass, route } from '../support/gateway-objects.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../support/ingress-objects.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { askTls, certificateFor } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const ask = (
  port: number,
  host: string,
  path = '/',
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, headers: { ...headers, host }, agent: false },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (piece) => {
          body += piece
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
      },
    )
    outgoing.on('error', reject).end()
  })

/** Backends `a` and `b`, which say who they are and what they were asked. */
const start = async (t: Test) => {
  const named = async (name: string) => {
    const { port } = await startBackend(t, (asked, response) =>
      response.end(JSON.stringify({ name, url: asked.url, headers: asked.headers })),
    )
    return slice({ service: name, addresses: { '127.0.0.1': {} }, ports: [{ name: '', port }] })
  }
  const http = await freePort()
  const gateways = {
    classes: createFedInformer([gatewayClass()]),
    gateways: createFedInformer([gateway({ namespace: 'default', listeners: [{ port: http }] })]),
    routes: createFedInformer<HTTPRoute>([]),
    grants: createFedInformer([]),
    namespaces: createFedInformer([]),
  }
  const secrets = createFedNamedData()
  const ingresses = createFedInformer([ingress({ className: 'edge', rules: { 'i.lab': [path('prefix:/', 'a')] } })])
  const slices = createFedInformer([await named('a'), await named('b')], { service: byService })
  const proxy = createIngress({
    ingresses,
    classes: createFedInformer([ingressClass('edge')]),
    services: createFedInformer([service('a'), service('b')]),
    slices,
    ...{ secrets, configMaps: createFedNamedData(), gateway: gateways, log: silentLogger },
    ...{ settings: { address: '127.0.0.1', httpPort: http, httpsPort: 0 }, timeouts: { drain: 500 } },
  })
  const stop = new AbortController()
  const done = proxy.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  await proxy.ready
  return { ...gateways, proxy, http, secrets, ingresses, slices }
}

const toService = (name: string, weight = 1) => ({ name, port: 80, weight })

t.test('routes share the door of Ingress, and change at once', async (t) => {
  const { routes, http } = await start(t)
  t.equal((await ask(http, 'g.lab')).status, 404)
  routes.put(
    route({
      ...{ namespace: 'default', parents: [{ name: 'gw' }], hostnames: ['g.lab'] },
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/v2' } }, { headers: [{ name: 'Version', value: 'two' }] }],
          filters: [
            {
              type: 'RequestHeaderModifier',
              requestHeaderModifier: { set: [{ name: 'X-Set', value: 'yes' }], remove: ['x-gone'] },
            },
            {
              type: 'URLRewrite',
              urlRewrite: { hostname: 'in.lab', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } },
            },
            { type: 'ResponseHeaderModifier', responseHeaderModifier: { add: [{ name: 'X-Added', value: '1' }] } },
          ],
          backendRefs: [toService('b')],
        },
        { backendRefs: [toService('a')] },
      ],
    }),
  )
  await until(async () => (await ask(http, 'g.lab')).status === 200, 'the route')
  t.equal(JSON.parse((await ask(http, 'g.lab')).body).name, 'a')
  const second = await ask(http, 'g.lab', '/v2/x?q', { 'x-gone': '1', 'x-set': 'client' })
  t.match(JSON.parse(second.body), { name: 'b', url: '/x?q', headers: { host: 'in.lab', 'x-set': 'yes' } })
  t.notMatch(JSON.parse(second.body).headers, { 'x-gone': '1' })
  t.equal(JSON.parse((await ask(http, 'g.lab', '/%762//a%24//b')).body).url, '/a%24//b', 'what is kept is as it came')
  t.equal(second.headers['x-added'], '1')
  t.equal(JSON.parse((await ask(http, 'g.lab', '/', { version: 'two' })).body).name, 'b', 'by a header')
  t.equal(JSON.parse((await ask(http, 'i.lab')).body).name, 'a', 'and the Ingress is served as before')
})

t.test('weights, redirects and backends that are not there', async (t) => {
  const { routes, http } = await start(t)
  const at = (value: string) => [{ path: { type: 'PathPrefix' as const, value } }]
  routes.put(
    route({
      ...{ namespace: 'default', parents: [{ name: 'gw' }], hostnames: ['g.lab'] },
      rules: [
        { matches: at('/w'), backendRefs: [toService('a', 3), toService('b', 1)] },
        {
          matches: at('/r'),
          filters: [
            { type: 'RequestRedirect', requestRedirect: { scheme: 'https', hostname: 'other.lab', statusCode: 301 } },
          ],
        },
        { matches: at('/none'), backendRefs: [toService('gone')] },
      ],
    }),
  )
  await until(async () => (await ask(http, 'g.lab', '/w')).status === 200, 'the route')
  const names = await Promise.all(
    Array.from({ length: 200 }, async () => JSON.parse((await ask(http, 'g.lab', '/w')).body).name),
  )
  const share = names.filter((name) => name === 'a').length / names.length
  t.ok(share > 0.6 && share < 0.9, `three of four go to a: ${share}`)
  const redirect = await ask(http, 'g.lab', '/r/x?q')
  t.equal(redirect.status, 301)
  t.equal(redirect.headers.location, 'https://other.lab/r/x?q')
  t.equal((await ask(http, 'g.lab', '/none')).status, 500)
})

t.test('a Gateway opens its own doors, with its own certificates, and closes them again', async (t) => {
  const { routes, gateways, secrets, proxy } = await start(t)
  const [plain, tls] = [await freePort(), await freePort()]
  const { certificate, key } = await certificateFor('g.lab')
  secrets.put('default/g-tls', { 'tls.crt': certificate, 'tls.key': key })
  routes.put(
    route({
      ...{ namespace: 'default', parents: [{ name: 'doors' }], hostnames: ['g.lab'] },
      rules: [{ backendRefs: [toService('a')] }],
    }),
  )
  const doors = gateway({
    ...{ name: 'doors', namespace: 'default' },
    listeners: [
      { name: 'plain', port: plain },
      { name: 'tls', port: tls, protocol: 'HTTPS', tls: { mode: 'Terminate', certificateRefs: [{ name: 'g-tls' }] } },
    ],
  })
  gateways.put(doors)
  const status = (asked: Promise<{ readonly status: number }>) => asked.then((answer) => answer.status).catch(() => 0)
  await until(async () => (await status(ask(plain, 'g.lab'))) === 200, 'the plain door')
  await until(async () => (await status(askTls(tls, { host: 'g.lab' }))) === 200, 'the TLS door')
  t.equal(await status(ask(plain, 'i.lab')), 404, 'Ingress is served at its own door alone')
  gateways.remove('default/doors')
  await until(async () => (await status(ask(plain, 'g.lab'))) === 0, 'the plain door closed')
  await until(async () => (await status(askTls(tls, { host: 'g.lab' }))) === 0, 'the TLS door closed')
  t.equal(proxy.problems().length, 0)
})

t.test('a more specific listener keeps its hosts to itself', async (t) => {
  const { routes, gateways, http } = await start(t)
  gateways.put(
    gateway({
      namespace: 'default',
      listeners: [
        { name: 'all', port: http },
        { name: 'one', port: http, hostname: 'one.g.lab' },
      ],
    }),
  )
  routes.put(
    route({
      ...{ namespace: 'default', parents: [{ name: 'gw', sectionName: 'all' }] },
      rules: [{ backendRefs: [toService('a')] }],
    }),
  )
  await until(async () => (await ask(http, 'two.g.lab')).status === 200, 'the route for all hosts')
  t.equal((await ask(http, 'one.g.lab')).status, 404)
})

t.test('retries: which answers, how often, and how long after', async (t) => {
  const { routes, slices, http } = await start(t)
  let asked: number[] = []
  let failing = 0
  const { port } = await startBackend(t, (_, response) => {
    asked.push(performance.now())
    response.writeHead(asked.length <= failing ? 500 : 200).end()
  })
  slices.put(slice({ service: 'a', addresses: { '127.0.0.1': {} }, ports: [{ name: '', port }] }))
  routes.put(
    route({
      ...{ namespace: 'default', parents: [{ name: 'gw' }], hostnames: ['g.lab'] },
      rules: [{ backendRefs: [toService('a')], retry: { codes: [500], attempts: 2, backoff: '50ms' } }],
    }),
  )
  await until(async () => (await ask(http, 'g.lab')).status === 200, 'the route')
  for (const [failures, status, tries] of [
    [0, 200, 1],
    [2, 200, 3],
    [3, 500, 3],
  ] as const) {
    asked = []
    failing = failures
    t.equal((await ask(http, 'g.lab')).status, status, `${failures} failures`)
    t.equal(asked.length, tries)
    t.ok(asked.slice(1).every((at, nth) => at - (asked[nth] ?? 0) >= 49))
  }
  asked = []
  failing = 1
  t.equal((await ask(http, 'g.lab', '/', {}, 'POST')).status, 500, 'what may do harm twice is not repeated')
  t.equal(asked.length, 1)
})

t.test('filters of single backends: elsewhere, and by another path', async (t) => {
  const { routes, http } = await start(t)
  const at = (value: string) => [{ path: { type: 'PathPrefix' as const, value } }]
  const prefix = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } as const
  routes.put(
    route({
      ...{ namespace: 'default', parents: [{ name: 'gw' }], hostnames: ['g.lab'] },
      rules: [
        {
          matches: at('/w'),
          backendRefs: [
            { ...toService('a'), filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'in.lab', path: prefix } }] },
          ],
        },
        {
          matches: at('/r'),
          backendRefs: [
            { ...toService('a'), filters: [{ type: 'RequestRedirect', requestRedirect: { path: prefix } }] },
          ],
        },
      ],
    }),
  )
  await until(async () => (await ask(http, 'g.lab', '/w')).status === 200, 'the route')
  const answer = JSON.parse((await ask(http, 'g.lab', '/w/x?q')).body)
  t.match(answer, { name: 'a', url: '/new/x?q', headers: { host: 'in.lab' } })
  const sent = await ask(http, 'g.lab', '/r/x')
  t.equal(sent.status, 302)
  t.equal(sent.headers.location, `http://g.lab:${http}/new/x`)
})
