/** What annotations say of paths, redirects and fields, from the objects to the socket. */
import t, { type Test } from 'tap'
import type { Ingress } from '../../src/api/types/index.ts'
import { freePort } from '../support/free-port.ts'
import {
  annotated,
  ask,
  askH2,
  echoed,
  type IngressFixture,
  nginx,
  podway,
  type Question,
  startEcho,
  startIngress,
  type World,
} from '../support/ingress-fixture.ts'
import { ingress, path } from '../support/ingress-objects.ts'
import { dial, listenRaw } from '../support/raw-http.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { askTls, certificateFor, openH2 } from '../support/tls-fixture.ts'

const { certificate, key } = await certificateFor('a.lab')
const cert = { 'tls.crt': certificate, 'tls.key': key }
const tls = [{ hosts: ['a.lab'], secretName: 'cert' }]

const serve = async (t: Test, ingresses: readonly Ingress[], more: Partial<World> = {}): Promise<IngressFixture> => {
  const names = ['web', 'api', 'old']
  const echoes = await Promise.all(names.map((name) => startEcho(t, name)))
  const services = Object.fromEntries(names.map((name, at) => [name, [echoes[at]?.port ?? 0]]))
  return startIngress(t, { ingresses, services, secrets: { cert }, ...more })
}

/** Everything of a.lab, which has a certificate. */
const secured = (annotations: Readonly<Record<string, string>>): Ingress =>
  ingress({ annotations, tls, rules: { 'a.lab': [path('prefix:/', 'web')] } })

const whereTo = async (port: number, question: Question = {}): Promise<readonly [number, unknown]> => {
  const { status, headers } = await ask(port, question)
  return [status, headers['location']]
}

t.test('Ingresses of one host are merged, and the older one wins a path', async (t) => {
  const { port, problems } = await serve(t, [
    ingress({ name: 'b', created: '2026-01-02T00:00:00Z', rules: { 'a.lab': [path('prefix:/', 'api')] } }),
    ingress({ name: 'a', created: '2026-01-01T00:00:00Z', rules: { 'a.lab': [path('prefix:/', 'web')] } }),
    ingress({ name: 'c', rules: { 'a.lab': [path('prefix:/old', 'old')] } }),
  ])
  t.equal(echoed(await ask(port)).name, 'web')
  t.equal(echoed(await ask(port, { path: '/old/x' })).name, 'old')
  t.match(problems(), [/path "\/" of host "a.lab" is already served for Ingress default\/a/])
})

t.test('server-alias and from-to-www-redirect', async (t) => {
  const { port, tlsPort } = await serve(t, [
    ingress({
      annotations: nginx({ 'server-alias': 'b.lab, *.c.lab', 'from-to-www-redirect': 'true', 'ssl-redirect': 'false' }),
      rules: { 'a.lab': [path('prefix:/', 'web')] },
      tls,
    }),
  ])
  for (const host of ['a.lab', 'b.lab', 'x.c.lab']) t.equal(echoed(await ask(port, { host })).name, 'web', host)
  t.equal((await ask(port, { host: 'c.lab' })).status, 404)
  t.same(await whereTo(port, { host: 'www.a.lab', path: '/x?y' }), [308, `http://a.lab:${port}/x?y`])
  const secure = await askTls(tlsPort, { host: 'www.a.lab', servername: 'default.lab' })
  t.equal(secure.headers['location'], `https://a.lab:${tlsPort}/`)
})

t.test('patterns and rewrites', async (t) => {
  const { port, problems } = await serve(t, [
    ingress({
      annotations: nginx({ 'use-regex': 'true', 'rewrite-target': '/$2' }),
      rules: { 'a.lab': [path('any:/old(/|$)(.*)', 'old')] },
    }),
    ingress({
      name: 'b',
      annotations: nginx({ 'use-regex': 'true' }),
      rules: { 'a.lab': [path('any:/v\\d+/', 'api')] },
    }),
    ingress({ name: 'c', rules: { 'a.lab': [path('prefix:/', 'web'), path('exact:/v1/exact', 'web')] } }),
    ingress({
      name: 'd',
      annotations: nginx({ 'rewrite-target': '/' }),
      rules: { 'd.lab': [path('exact:/a.c', 'api')] },
    }),
  ])
  t.same(problems(), [])
  const cases: Readonly<Record<string, readonly [name: string, url: string]>> = {
    '/old': ['old', '/'],
    '/old/': ['old', '/'],
    '/old/x/y?z=1': ['old', '/x/y?z=1'],
    '/OLD/X': ['old', '/X'],
    '/old/%C3%A4%2Fb%20c': ['old', '/%C3%A4%2Fb%20c'],
    '/old/foo%24bar%3B%2B%26%3D%40%3A%2C%27': ['old', '/foo%24bar%3B%2B%26%3D%40%3A%2C%27'],
    '/%6Fld//a//b%7e/': ['old', '/a//b%7e/'],
    '/older': ['web', '/older'],
    '/v12/x': ['api', '/v12/x'],
    '/v1/exact': ['web', '/v1/exact'],
    '/vx/': ['web', '/vx/'],
  }
  for (const [target, [name, url]] of Object.entries(cases))
    t.match(echoed(await ask(port, { path: target })), { name, url }, target)
  t.match(echoed(await ask(port, { host: 'd.lab', path: '/a.c' })), { name: 'api', url: '/' })
  t.equal((await ask(port, { host: 'd.lab', path: '/abc' })).status, 404, 'an Exact path is no pattern')
  t.equal((await ask(port, { path: '/old//../x' })).status, 400)
})

t.test('HTTPS: 308 for hosts with a certificate, to the port of HTTPS', async (t) => {
  const { port, change } = await serve(t, [secured({})])
  t.same(await whereTo(port, { path: '/x/?y=1' }), [308, 'https://a.lab/x?y=1'])
  t.same(await whereTo(port, { host: 'a.lab:8080', path: '/' }), [308, 'https://a.lab/'])
  t.same(
    await whereTo(port, { method: 'POST', body: 'x', headers: { 'x-forwarded-proto': 'https' } }),
    [308, 'https://a.lab/'],
    'the word of a stranger counts for nothing',
  )
  change({ ingresses: [secured(nginx({ 'preserve-trailing-slash': 'true' }))] })
  t.same(await whereTo(port, { path: '/x/?y=1' }), [308, 'https://a.lab/x/?y=1'])
  change({ ingresses: [secured(nginx({ 'ssl-redirect': 'false' }))] })
  t.equal((await ask(port)).status, 200)
  change({ ingresses: [annotated({})] })
  t.equal((await ask(port)).status, 200, 'no certificate')
  change({ ingresses: [annotated({ 'ssl-redirect': 'true' })] })
  t.equal((await ask(port)).status, 200, 'no certificate')
  change({ ingresses: [annotated({ 'force-ssl-redirect': 'true' })] })
  t.same(await whereTo(port), [308, 'https://a.lab/'])
})

t.test('HTTPS on another port, behind a proxy that is trusted', async (t) => {
  const echo = await startEcho(t, 'web')
  const { port } = await startIngress(
    t,
    { ingresses: [secured({})], services: { web: [echo.port] }, secrets: { cert } },
    { httpsPort: 8443, trustedProxies: ['127.0.0.1'] },
  )
  t.same(await whereTo(port, { path: '/x' }), [308, 'https://a.lab:8443/x'])
  t.same(await whereTo(port, { headers: { 'x-forwarded-host': 'shown.lab' } }), [308, 'https://shown.lab:8443/'])
  const seen = echoed(await ask(port, { headers: { 'x-forwarded-proto': 'https' } }))
  t.match(seen.headers, { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' })
})

t.test('Strict-Transport-Security: over TLS only, of refusals too', async (t) => {
  const field = 'strict-transport-security'
  const { port, tlsPort, change } = await serve(t, [secured(nginx({ 'ssl-redirect': 'false' }))])
  const seen = async () => (await askTls(tlsPort, { host: 'a.lab' })).headers[field]
  t.equal(await seen(), 'max-age=31536000; includeSubDomains')
  t.equal((await ask(port)).headers[field], undefined)
  change({ ingresses: [secured(podway({ 'hsts-max-age': '60', 'hsts-preload': 'true' }))] })
  t.equal(await seen(), 'max-age=60; preload')
  t.equal((await ask(port)).headers[field], undefined, 'not in the redirect')
  change({ ingresses: [secured(podway({ hsts: 'false' }))] })
  t.equal(await seen(), undefined)
  change({ ingresses: [annotated({})] })
  const { headers } = await askTls(tlsPort, { host: 'a.lab', servername: 'default.lab' })
  t.equal(headers[field], undefined, 'no certificate')
  change({ ingresses: [secured(nginx({ 'denylist-source-range': '127.0.0.1' }))] })
  const refused = await askTls(tlsPort, { host: 'a.lab' })
  t.match(refused, { status: 403, headers: { [field]: 'max-age=31536000; includeSubDomains' } })
})

t.test('permanent, temporal and app-root redirects', async (t) => {
  const { port, change } = await serve(t, [annotated({ 'permanent-redirect': 'https://b.lab$request_uri' })])
  t.same(await whereTo(port, { path: '/x?y' }), [301, 'https://b.lab/x?y'])
  const cases: readonly (readonly [Readonly<Record<string, string>>, number, string])[] = [
    [{ 'permanent-redirect': '/moved', 'permanent-redirect-code': '308' }, 308, '/moved'],
    [{ 'temporal-redirect': 'https://b.lab/$host' }, 302, 'https://b.lab/a.lab'],
    [{ 'temporal-redirect': 'https://t.lab', 'permanent-redirect': 'https://p.lab' }, 302, 'https://t.lab'],
    [{ 'temporal-redirect': '/x', 'temporal-redirect-code': '307' }, 307, '/x'],
    [{ 'app-root': '/app' }, 302, 'http://a.lab/app'],
  ]
  for (const [annotations, status, url] of cases) {
    change({ ingresses: [annotated(annotations)] })
    t.same(await whereTo(port), [status, url], JSON.stringify(annotations))
  }
  t.equal(echoed(await ask(port, { path: '/app' })).url, '/app')
  const split = (await ask(port, { path: '/%0d%0aSet-Cookie:x' })).headers
  t.equal(split['set-cookie'], undefined)
})

const cors = { 'enable-cors': 'true' }
const from = (origin: string, more: Readonly<Record<string, string>> = {}) => ({ headers: { origin, ...more } })
const preflight = (origin: string): Question => ({
  ...{ method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT' } },
})

t.test('CORS', async (t) => {
  const echo = await startEcho(t, 'web', { 'Access-Control-Allow-Origin': 'https://backend.lab', Vary: 'Accept' })
  const { port, tlsPort, change } = await startIngress(t, {
    ...{ ingresses: [annotated(cors)], services: { web: [echo.port] } },
  })
  const simple = await ask(port, from('https://x.lab'))
  t.match(simple.headers, { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' })
  const asked = await ask(port, preflight('https://x.lab'))
  t.equal(asked.status, 204)
  t.match(asked.headers, {
    'access-control-allow-methods': 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
    'access-control-allow-headers': /Authorization/,
    'access-control-max-age': '1728000',
  })
  t.equal(asked.headers['content-length'], undefined)
  t.equal(echoed(await ask(port, { method: 'OPTIONS' })).method, 'OPTIONS', 'an OPTIONS that is no preflight')

  change({
    ingresses: [
      annotated({
        ...cors,
        'cors-allow-origin': 'https://one.lab, https://*.two.lab:8443',
        'cors-allow-credentials': 'false',
        'cors-expose-headers': 'X-One, X-Two',
        'cors-max-age': '5',
      }),
    ],
  })
  for (const origin of ['https://one.lab', 'https://a.two.lab:8443', 'https://b.a.two.lab:8443']) {
    const { headers } = await ask(port, from(origin))
    t.equal(headers['access-control-allow-origin'], origin)
    t.equal(headers['access-control-expose-headers'], 'X-One, X-Two')
    t.equal(headers['access-control-allow-credentials'], undefined)
    t.equal(headers['vary'], 'Accept, Origin')
  }
  for (const origin of [
    'http://one.lab',
    'https://one.lab.evil',
    'https://two.lab:8443',
    'https://a.two.lab',
    'null',
  ]) {
    const { status, headers } = await ask(port, from(origin))
    t.equal(status, 200)
    t.equal(headers['access-control-allow-origin'], undefined, `${origin}: not even what the backend says`)
    const refused = await ask(port, preflight(origin))
    t.match(refused, { status: 204, headers: { vary: 'Origin' } })
    t.equal(refused.headers['access-control-allow-methods'], undefined, origin)
  }
  const session = openH2(t, tlsPort, 'default.lab')
  t.match(await askH2(session, from('https://one.lab')), {
    headers: { 'access-control-allow-origin': 'https://one.lab' },
  })
  change({ ingresses: [annotated({ ...cors, 'cors-allow-origin': 'one' })] })
  const { headers } = await ask(port, from('https://x.lab'))
  t.equal(headers['access-control-allow-origin'], 'https://backend.lab', 'broken: as if it were off')
})

t.test('CORS fields are in refusals too: a page may read why', async (t) => {
  const { port } = await serve(t, [annotated({ ...cors, 'denylist-source-range': '127.0.0.1' })])
  t.match(await ask(port, from('https://x.lab')), { status: 403, headers: { 'access-control-allow-origin': '*' } })
  t.equal((await ask(port, preflight('https://x.lab'))).status, 204, 'a preflight has no credentials')
})

t.test('CORS fields are in every answer of the route, whoever gives it', async (t) => {
  const silent = await listenRaw()
  t.teardown(() => silent.close())
  const wrong = await startBackend(t, ({ socket }) => void socket.destroy())
  const echo = await startEcho(t, 'web')
  const { port, tlsPort, change } = await startIngress(
    t,
    {
      ingresses: [],
      services: { web: [echo.port], silent: [silent.port], wrong: [wrong.port], nobody: [] },
      secrets: { users: { auth: 'anna:{PLAIN}secret' } },
    },
    { timeouts: { body: 100 } },
  )
  const session = openH2(t, tlsPort, 'default.lab')
  const basic = { 'auth-type': 'basic', 'auth-secret': 'users' }
  const deadAuth = { 'auth-url': `http://127.0.0.1:${await freePort()}/` }
  const large = { method: 'POST', body: 'xxxxx' }
  type Case = readonly [status: number, annotations: Readonly<Record<string, string>>, to?: string, question?: Question]
  const cases: readonly Case[] = [
    [200, {}],
    [413, { 'proxy-body-size': '2' }, 'web', large],
    [502, {}, 'wrong'],
    [503, {}, 'nobody'],
    [504, { 'proxy-read-timeout': '50ms', 'proxy-next-upstream': 'off' }, 'silent'],
    [401, basic],
    [403, { 'denylist-source-range': '127.0.0.1' }],
    [429, { 'limit-rps': '1', 'limit-burst-multiplier': '1' }],
    [500, deadAuth],
    [503, { 'denylist-source-range': 'nobody' }],
    [301, { 'permanent-redirect': 'https://b.lab' }],
    [302, { 'app-root': '/app' }],
    [400, { 'rewrite-target': '/a/..$1' }, 'web'],
  ]
  for (const [status, annotations, to = 'web', { headers: _, ...question } = {}] of cases) {
    const rules = { 'a.lab': [path('any:/', to)] }
    change({ ingresses: [ingress({ annotations: nginx({ ...cors, ...annotations }), rules })] })
    const asked = { ...question, ...from('https://x.lab') }
    // The burst of a limit.
    if (status === 429) await ask(port, asked)
    for (const answer of [await ask(port, asked), await askH2(session, asked)]) {
      t.equal(answer.status, status, `${status} ${JSON.stringify(annotations)}`)
      t.equal(answer.headers['access-control-allow-origin'], '*', `${status} ${JSON.stringify(annotations)}`)
    }
  }
  change({ ingresses: [annotated({ ...cors, 'force-ssl-redirect': 'true' })] })
  t.match(await ask(port, from('https://x.lab')), { status: 308, headers: { 'access-control-allow-origin': '*' } })
  change({ ingresses: [annotated({ ...cors, 'proxy-body-size': '2' })] })
  const start = 'POST / HTTP/1.1\r\nHost: a.lab\r\nOrigin: https://x.lab\r\n'
  for (const [status, rest] of [
    [413, 'Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n'],
    [408, 'Content-Length: 2\r\n\r\nx'],
    [400, 'Transfer-Encoding: chunked\r\n\r\nx\r\n'],
  ] as const) {
    const client = dial(port)
    client.say(`${start}${rest}`)
    const heard = await client.ends()
    client.socket.destroy()
    t.match(heard, `HTTP/1.1 ${status}`)
    t.match(heard, 'Access-Control-Allow-Origin: *\r\n', String(status))
  }
})

t.test('fields of answers and requests', async (t) => {
  const echo = await startEcho(t, 'web', {
    'X-Powered-By': 'backend',
    Location: 'http://inside.lab/x',
    Refresh: 'http://inside.lab/y',
    'Set-Cookie': 'a=b; Domain=inside.lab; Path=/inside/x; HttpOnly',
  })
  const { port, tlsPort, problems } = await startIngress(t, {
    ingresses: [
      annotated({
        'custom-headers': 'default/fields',
        'upstream-vhost': 'inside.lab:8080',
        'x-forwarded-prefix': '/shop',
        'proxy-redirect-from': 'http://inside.lab',
        'proxy-redirect-to': 'https://a.lab/shop',
        'proxy-cookie-domain': 'inside.lab a.lab',
        'proxy-cookie-path': '/inside /shop',
      }),
    ],
    services: { web: [echo.port] },
    configMaps: { fields: { 'X-Powered-By': 'tests', 'X-More': 'yes', 'Content-Length': '3' } },
  })
  t.match(problems(), [/Content-Length is not for a ConfigMap to set/])
  for (const answer of [
    await ask(port, { headers: { 'x-forwarded-prefix': '/evil', x_forwarded_prefix: '/evil' } }),
    await askH2(openH2(t, tlsPort, 'default.lab'), { headers: { 'x-forwarded-prefix': '/evil' } }),
  ]) {
    t.match(answer.headers, { 'x-powered-by': 'tests', 'x-more': 'yes' })
    t.equal(answer.headers['location'], 'https://a.lab/shop/x')
    t.equal(answer.headers['refresh'], 'https://a.lab/shop/y')
    t.match(answer.headers['set-cookie'], ['a=b; Domain=a.lab; Path=/shop/x; HttpOnly'])
    const { headers } = echoed(answer)
    t.match(headers, { host: 'inside.lab:8080', 'x-forwarded-prefix': '/shop', 'x-forwarded-host': 'a.lab' })
    t.equal(headers['x_forwarded_prefix'], undefined)
  }
})
