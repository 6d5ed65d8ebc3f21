/** Which endpoint gets a request, which one next when that fails, and who explains it when all have failed. */
import type { Server } from 'node:http'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../src/api/clock.ts'
import { freePort } from '../support/free-port.ts'
import {
  annotated,
  ask,
  askH2,
  echoed,
  podway,
  type Question,
  startEcho,
  startIngress,
} from '../support/ingress-fixture.ts'
import { ingress, path, service, slice } from '../support/ingress-objects.ts'
import { dial, listenRaw, type RawServer } from '../support/raw-http.ts'
import { type HttpBackend, startBackend } from '../support/relay-fixture.ts'
import { openH2 } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

const pods = (t: Test, names: string): Promise<readonly HttpBackend[]> =>
  Promise.all([...names].map((name) => startEcho(t, name)))
const portsOf = (backends: readonly HttpBackend[]): readonly number[] => backends.map(({ port }) => port)

const rawPod = async (t: Test): Promise<RawServer> => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  return server
}

/** Accepts a request and ends the connection instead of answering. */
const rudePod = (t: Test): Promise<HttpBackend> => startBackend(t, (request) => request.socket.resetAndDestroy())

const nameAt = async (port: number, question: Question = {}): Promise<string> => echoed(await ask(port, question)).name

t.test('least_conn: a slow endpoint gets no more than it can take', async (t) => {
  const [quick] = await pods(t, 'a')
  const slow = await rawPod(t)
  const { port } = await startIngress(t, {
    ingresses: [annotated({ 'load-balance': 'least_conn' })],
    services: { web: [quick?.port ?? 0, slow.port] },
  })
  const first = [ask(port), ask(port)]
  const peer = await slow.accepts(0)
  await peer.hears('\r\n\r\n')
  for (let count = 0; count < 20; count++) t.equal(await nameAt(port), 'a')
  t.equal(slow.peers.length, 1)
  peer.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
  t.same(
    (await Promise.all(first)).map(({ status }) => status),
    [200, 200],
  )
})

t.test('least_conn: requests that failed are over', async (t) => {
  const [good] = await pods(t, 'a')
  const bad = await rawPod(t)
  const { port } = await startIngress(t, {
    ingresses: [
      ingress({
        annotations: { ...podway({ 'load-balance': 'least_conn', 'request-timeout': '60ms' }) },
        rules: { 'a.lab': [path('prefix:/', 'web')] },
      }),
    ],
    services: { web: [good?.port ?? 0, bad.port] },
  })
  const statuses: number[] = []
  while (statuses.filter((status) => status === 504).length < 3 && statuses.length < 20)
    statuses.push((await ask(port)).status)
  t.equal(statuses.filter((status) => status === 504).length, 3, 'who has nothing to do is asked again')
})

t.test('upstream-hash-by: the same text, the same endpoint', async (t) => {
  const backends = await pods(t, 'abcdef')
  const { port, change } = await startIngress(t, {
    ingresses: [annotated({ 'upstream-hash-by': '$request_uri' })],
    services: { web: portsOf(backends) },
  })
  const keys = Array.from({ length: 60 }, (_, at) => `/key/${at}`)
  const placed = async () => await Promise.all(keys.map((key) => nameAt(port, { path: key })))
  const before = await placed()
  t.same(await placed(), before)
  t.equal(new Set(before).size, 6, 'all of them are used')
  change({ services: { web: portsOf(backends.slice(0, 5)) } })
  const after = await placed()
  t.ok(
    before.every((name, at) => name === 'f' || name === after[at]),
    'only the keys of the one that went have moved',
  )
})

const affinity = { affinity: 'cookie' }

t.test('a sticky cookie', async (t) => {
  const backends = await pods(t, 'abc')
  const { port, tlsPort, change } = await startIngress(t, {
    ingresses: [annotated(affinity)],
    services: { web: portsOf(backends) },
  })
  const first = await ask(port)
  const [cookie = ''] = first.headers['set-cookie'] ?? []
  t.match(cookie, /^INGRESSCOOKIE=[0-9a-f]{24}; Path=\/; HttpOnly$/)
  t.notMatch(cookie, String(backends[0]?.port), 'it tells no address')
  const [pair = ''] = cookie.split(';')
  for (let count = 0; count < 6; count++) {
    const answer = await ask(port, { headers: { cookie: `other=1; ${pair}` } })
    t.equal(echoed(answer).name, echoed(first).name)
    t.equal(answer.headers['set-cookie'], undefined, 'given once')
  }
  const secure = await askH2(openH2(t, tlsPort, 'default.lab'))
  t.match(secure.headers['set-cookie'], [/; Secure; HttpOnly$/])
  const gone = backends.find((_, at) => 'abc'[at] === echoed(first).name)
  change({ services: { web: portsOf(backends.filter((each) => each !== gone)) } })
  const moved = await ask(port, { headers: { cookie: pair } })
  t.match(moved.headers['set-cookie'], [/^INGRESSCOOKIE=/], 'another one when the endpoint is gone')
  t.not(echoed(moved).name, echoed(first).name)
  change({
    ingresses: [
      annotated({
        ...affinity,
        ...{ 'session-cookie-name': 'route', 'session-cookie-path': '/x', 'session-cookie-domain': 'a.lab' },
        ...{ 'session-cookie-max-age': '60', 'session-cookie-expires': '60', 'session-cookie-samesite': 'None' },
        'session-cookie-secure': 'true',
      }),
    ],
  })
  const full = (await ask(port)).headers['set-cookie']
  t.match(full, [/^route=\w+; Path=\/x; Domain=a.lab; Max-Age=60; Expires=[^;]+ GMT; Secure; HttpOnly; SameSite=None$/])
})

t.test('a sticky cookie of an endpoint that fails', async (t) => {
  const backends = await pods(t, 'ab')
  const world = { ingresses: [annotated(affinity)], services: { web: portsOf(backends) } }
  const { port, change } = await startIngress(t, world)
  const first = await ask(port)
  const [pair = ''] = (first.headers['set-cookie'] ?? [''])[0]?.split(';') ?? []
  const failing = backends['ab'.indexOf(echoed(first).name)]
  failing?.server.close()
  failing?.server.closeAllConnections()
  const moved = await ask(port, { headers: { cookie: pair } })
  t.equal(moved.status, 200)
  t.equal(moved.headers['set-cookie'], undefined, 'the client is to come back')
  change({ ingresses: [annotated({ ...affinity, 'session-cookie-change-on-failure': 'true' })] })
  const changed = await ask(port, { headers: { cookie: pair } })
  t.match(changed.headers['set-cookie'], [/^INGRESSCOOKIE=/])
})

t.test('an endpoint that fails three times rests for a while, and comes back', async (t) => {
  const clock = createFakeClock()
  const [good] = await pods(t, 'a')
  const broken = await rudePod(t)
  const { port, relay } = await startIngress(
    t,
    { ingresses: [annotated({})], services: { web: [good?.port ?? 0, broken.port] } },
    { clock },
  )
  for (let count = 0; count < 20; count++) t.equal(await nameAt(port), 'a')
  t.equal(broken.connections(), 3)
  t.equal(relay.retries, 3)
  clock.advance(10_001)
  for (let count = 0; count < 4; count++) t.equal(await nameAt(port), 'a')
  t.ok(broken.connections() > 3, 'it gets another chance')
})

t.test('what is tried again', async (t) => {
  const [good] = await pods(t, 'a')
  const rude = await rudePod(t)
  const services = { web: [good?.port ?? 0, rude.port], two: [rude.port, await freePort()] }
  const annotations = { 'proxy-next-upstream': 'error timeout' }
  const { port, change } = await startIngress(
    t,
    { ingresses: [annotated(annotations)], services },
    { clock: createFakeClock() },
  )
  const statuses = async (count: number, question: Question = {}): Promise<readonly number[]> => {
    const found = new Set<number>()
    for (let asked = 0; asked < count; asked++) found.add((await ask(port, question)).status)
    return [...found].sort()
  }
  t.same(await statuses(2), [200], 'GET')
  t.same(await statuses(2, { method: 'DELETE' }), [200], 'DELETE')
  change({ services: { web: [] } })
  change({ services })
  t.same(await statuses(2, { method: 'POST', body: 'x' }), [200, 502], 'a POST may have been done')
  change({ services: { web: [] } })
  change({ services, ingresses: [annotated({ 'proxy-next-upstream': 'error non_idempotent' })] })
  t.same(await statuses(2, { method: 'POST' }), [200], 'but not when its author says that it may be done twice')
  change({ services: { web: [] } })
  change({ services, ingresses: [annotated({ 'proxy-next-upstream': 'off' })] })
  t.same(await statuses(2), [200, 502], 'off')
  change({ services: { web: [] } })
  change({ services, ingresses: [annotated({ 'proxy-next-upstream-tries': '1' })] })
  t.same(await statuses(2), [200, 502], 'one try')
})

t.test('statuses that are tried again, and the last answer when nobody else is left', async (t) => {
  const backends = await Promise.all(
    [503, 200].map((status) =>
      startBackend(t, (_, response) => void response.writeHead(status, { 'x-said': String(status) }).end('said')),
    ),
  )
  const retried = { 'proxy-next-upstream': 'error http_502 http_503' }
  const { port, change } = await startIngress(t, {
    ingresses: [annotated({})],
    services: { web: portsOf(backends) },
  })
  const found = async (question: Question = {}) =>
    [(await ask(port, question)).status, (await ask(port, question)).status].sort()
  t.same(await found(), [200, 503], 'not asked for')
  change({ ingresses: [annotated(retried)] })
  t.same(await found(), [200, 200])
  t.same(await found({ method: 'POST' }), [200, 503])
  change({ services: { web: portsOf(backends.slice(0, 1)) } })
  t.match(await ask(port), { status: 503, headers: { 'x-said': '503' }, body: 'said' }, "the backend's own words")
  change({ ingresses: [annotated({ ...retried, 'proxy-next-upstream-tries': '0' })] })
  t.match(await ask(port), { status: 503, headers: { 'x-said': '503' } }, 'each endpoint once')
})

t.test('proxy-next-upstream-timeout: not for ever', async (t) => {
  const clock = createFakeClock()
  const slow = await Promise.all([rawPod(t), rawPod(t), rawPod(t)])
  const { port } = await startIngress(
    t,
    {
      ingresses: [annotated({ 'proxy-next-upstream-timeout': '5s' })],
      services: { web: slow.map((each) => each.port) },
    },
    { clock },
  )
  const answer = ask(port)
  const asked = () => slow.flatMap(({ peers }) => peers)
  await (await until(() => asked()[0], 'the first try')).hears('\r\n\r\n')
  clock.advance(1_000)
  asked()[0]?.socket.resetAndDestroy()
  const second = await until(
    () => asked().find((peer) => peer.end() === undefined && !peer.socket.destroyed),
    'another',
  )
  await second.hears('\r\n\r\n')
  clock.advance(4_001)
  second.socket.resetAndDestroy()
  t.equal((await answer).status, 502)
  t.equal(asked().length, 2)
})

const openConnections = async (server: Server | undefined): Promise<number> =>
  server ? await promisify(server.getConnections.bind(server))() : 0

t.test('a rolling update under load: every request is answered', async (t) => {
  const old = await pods(t, 'abc')
  const young = await pods(t, 'xyz')
  const { port, change, reports } = await startIngress(t, {
    ingresses: [annotated({})],
    services: { web: portsOf(old) },
  })
  let asked = 0
  const failed: number[] = []
  const client = async (): Promise<void> => {
    while (asked++ < 1_000) {
      const { status } = await ask(port, asked % 3 === 0 ? { method: 'POST', body: 'x' } : {})
      if (status !== 200) failed.push(status)
    }
  }
  const running = Promise.all(Array.from({ length: 8 }, client))
  for (let at = 0; at < 3; at++) {
    const target = (at + 1) * 200
    await until(() => asked > target, `${target} requests`)
    change({ services: { web: portsOf([...young.slice(0, at + 1), ...old.slice(at + 1)]) } })
    const gone = old[at]?.server
    // As a pod does that is told to stop: it serves on for as long as somebody is there.
    await until(async () => (await openConnections(gone)) === 0, 'nobody to be left there')
    gone?.close()
  }
  await running
  t.same(failed, [])
  t.same(reports, [])
})

const errors = (t: Test) => startEcho(t, 'errors')

t.test('custom-http-errors: another backend says what people see', async (t) => {
  const explains = await errors(t)
  const [web] = await pods(t, 'a')
  const annotations = { 'custom-http-errors': '404,502,503', 'default-backend': 'errors', affinity: 'cookie' }
  const services = {
    web: [web?.port ?? 0],
    errors: {
      service: service('errors', { ports: [{ port: 8080 }] }),
      slices: [
        slice({ service: 'errors', addresses: { '127.0.0.1': {} }, ports: [{ name: '', port: explains.port }] }),
      ],
    },
  }
  const { port, tlsPort, change } = await startIngress(t, { ingresses: [annotated(annotations)], services })
  const session = openH2(t, tlsPort, 'default.lab')
  const question: Question = { path: '/x?y', headers: { 'x-answer': '404', accept: 'text/html', 'x-code': '1' } }
  for (const answer of [await ask(port, question), await askH2(session, question)]) {
    const { name, method, url, headers } = echoed(answer)
    t.match({ name, method, url }, { name: 'errors', method: 'GET', url: '/' })
    t.match(headers, {
      'x-code': '404',
      'x-format': 'text/html',
      'x-original-uri': '/x?y',
      'x-namespace': 'default',
      'x-ingress-name': 'web',
      'x-service-name': 'web',
    })
    t.equal(answer.headers['set-cookie'], undefined, 'no cookie for the endpoint of another backend')
  }
  t.equal(echoed(await ask(port)).name, 'a')
  t.equal(echoed(await ask(port, { headers: { 'x-answer': '500' } })).name, 'a', 'not in the list')
  const posted = await ask(port, { method: 'POST', body: 'x'.repeat(100), headers: { 'x-answer': '503' } })
  t.match(echoed(posted), { name: 'errors', method: 'GET', body: '' })

  const client = dial(port)
  client.say('HEAD / HTTP/1.1\r\nHost: a.lab\r\nX-Answer: 404\r\n\r\n')
  client.say('GET /second HTTP/1.1\r\nHost: a.lab\r\nConnection: close\r\n\r\n')
  const heard = await client.ends()
  t.equal(heard.split('HTTP/1.1 ').length, 3, 'two answers')
  t.notMatch(heard.split('HTTP/1.1 ')[1], '"name"', 'HEAD has no body')
  client.socket.destroy()

  change({ services: { ...services, web: [] } })
  t.match(echoed(await ask(port)), { name: 'errors', headers: { 'x-code': '503' } }, 'nobody to ask')
  const late = { method: 'POST', body: 'GET /smuggled HTTP/1.1\r\nHost: a.lab\r\n\r\n' }
  t.match(echoed(await ask(port, late)), { name: 'errors', body: '', url: '/' }, 'the body is not for them')
  t.match(echoed(await askH2(session, late)), { name: 'errors', body: '', url: '/' })
  change({ services: { ...services, web: [await freePort()] } })
  t.match(echoed(await ask(port)), { name: 'errors', headers: { 'x-code': '502' } }, 'nobody is there')
  const wrong = await startBackend(t, (request) => void request.socket.end('SSH-2.0\r\n\r\n'))
  change({ services: { ...services, web: [wrong.port] } })
  t.match(echoed(await ask(port)), { name: 'errors', headers: { 'x-code': '502' } }, 'a wrong answer')
})

t.test('default-backend alone: asked when there are no endpoints', async (t) => {
  const explains = await errors(t)
  const [web] = await pods(t, 'a')
  const { port, change } = await startIngress(t, {
    ingresses: [annotated({ 'default-backend': 'errors' })],
    services: { web: [web?.port ?? 0], errors: [explains.port] },
  })
  t.equal(await nameAt(port, { headers: { 'x-answer': '503' } }), 'a')
  change({ services: { web: [], errors: [explains.port] } })
  t.match(echoed(await ask(port)), { name: 'errors', headers: { 'x-code': '503' } })
  change({ services: { web: [], errors: [] } })
  t.equal((await ask(port)).status, 503)
})
