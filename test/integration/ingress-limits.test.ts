/** Rates, sizes and times that annotations limit, from the objects to the socket. */
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../src/api/clock.ts'
import {
  annotated,
  ask,
  askH2,
  echoed,
  podway,
  startEcho,
  startIngress,
  type WorldOptions,
} from '../support/ingress-fixture.ts'
import { ingress, path } from '../support/ingress-objects.ts'
import { dial, listenRaw, type Peer } from '../support/raw-http.ts'
import { startLargeBackend } from '../support/relay-fixture.ts'
import { openH2 } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

type Annotations = Readonly<Record<string, string>>

const serve = async (t: Test, annotations: Annotations, options: WorldOptions = {}) => {
  const echo = await startEcho(t, 'web')
  const world = { ingresses: [annotated(annotations)], services: { web: [echo.port] } }
  return { echo, ...(await startIngress(t, world, options)) }
}

const raw = async (t: Test, annotations: Annotations, options: WorldOptions = {}) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const world = { ingresses: [annotated(annotations)], services: { web: [server.port] } }
  return { server, ...(await startIngress(t, world, options)) }
}

const dialed = (t: Test, port: number): Peer => {
  const client = dial(port)
  t.teardown(() => client.socket.destroy())
  return client
}

t.test('limit-rps and limit-rpm: a burst, then 429 until time has passed', async (t) => {
  const clock = createFakeClock()
  const { port, change } = await serve(t, { 'limit-rps': '2', 'limit-burst-multiplier': '3' }, { clock })
  const statuses = async (count: number): Promise<string> => {
    const all: number[] = []
    for (let asked = 0; asked < count; asked++) all.push((await ask(port)).status)
    return all.join(' ')
  }
  t.equal(await statuses(8), '200 200 200 200 200 200 429 429')
  t.equal((await ask(port)).headers['retry-after'], '1')
  clock.advance(500)
  t.equal(await statuses(2), '200 429')
  clock.advance(60_000)
  t.equal(await statuses(7), '200 200 200 200 200 200 429', 'full again, and no fuller')

  change({ ingresses: [annotated({ 'limit-rpm': '1', 'limit-burst-multiplier': '2' }, 'web', 'prefix:/m')] })
  const minute = async () => await ask(port, { path: '/m' })
  t.equal((await minute()).status, 200)
  t.equal((await minute()).status, 200)
  t.match(await minute(), { status: 429, headers: { 'retry-after': '60' } })
  clock.advance(30_000)
  t.match(await minute(), { status: 429, headers: { 'retry-after': '30' } })
  clock.advance(30_000)
  t.equal((await minute()).status, 200)
})

t.test('limits count for each address and path; some addresses are exempt', async (t) => {
  const limits = { 'limit-rps': '1', 'limit-burst-multiplier': '1' }
  const { port, change } = await serve(t, limits, { clock: createFakeClock(), trustedProxies: ['127.0.0.1'] })
  const from = async (address: string): Promise<number> =>
    (await ask(port, { headers: { 'x-forwarded-for': address } })).status
  t.same([await from('10.0.0.1'), await from('10.0.0.1'), await from('10.0.0.2')], [200, 429, 200])
  t.same([await from('fd00::1'), await from('fd00::1')], [200, 429])
  change({ ingresses: [annotated({ ...limits, 'limit-allowlist': '10.1.0.0/16, fd01::/16' })] })
  for (const address of ['10.1.2.3', '10.1.2.3', 'fd01::1', 'fd01::1']) t.equal(await from(address), 200)
  t.equal(await from('10.0.0.1'), 429, 'a change of the Ingress forgets nobody')
})

t.test('limit-connections: so many at the same time, over both HTTPs', async (t) => {
  const { port, tlsPort, server } = await raw(t, { 'limit-connections': '2' })
  const running = [dialed(t, port), dialed(t, port)]
  for (const [at, client] of running.entries()) {
    client.say('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n')
    await (await server.accepts(at)).hears('\r\n\r\n')
  }
  t.equal((await ask(port)).status, 429)
  t.equal((await askH2(openH2(t, tlsPort, 'default.lab'))).status, 429)
  running[0]?.socket.resetAndDestroy()
  await (await server.accepts(0)).ends()
  const answered = ask(port)
  const third = await server.accepts(2)
  await third.hears('\r\n\r\n')
  third.say('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
  t.equal((await answered).status, 204)
})

t.test('a request that comes to nothing leaves its place', async (t) => {
  const limit = { 'limit-connections': '1' }
  const { port, change } = await serve(t, { ...limit, 'rewrite-target': '/.$1' }, {})
  change({ ingresses: [annotated({ ...limit, 'rewrite-target': '/.$1' }, 'web', 'any:/d(.*)')] })
  for (let count = 0; count < 3; count++) t.equal((await ask(port, { path: '/d.' })).status, 400, 'not 429')
  t.equal((await ask(port, { path: '/dx' })).status, 200)
  change({ services: { web: [] } })
  for (let count = 0; count < 3; count++) t.equal((await ask(port, { path: '/dx' })).status, 503, 'not 429')
})

t.test('proxy-body-size: 413 before the backend hears of it', async (t) => {
  const { port, tlsPort, echo } = await serve(t, { 'proxy-body-size': '10' })
  const session = openH2(t, tlsPort, 'default.lab')
  const large = { method: 'POST', body: 'x'.repeat(11) }
  t.equal((await ask(port, large)).status, 413)
  t.equal((await askH2(session, { ...large, headers: { 'content-length': '11' } })).status, 413)
  t.equal(echo.connections(), 0)
  const client = dialed(t, port)
  client.say('POST / HTTP/1.1\r\nHost: a.lab\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n')
  t.match(await client.hears('413'), /^HTTP\/1\.1 413/, 'and no 100 first')
  const exact = { method: 'POST', body: 'x'.repeat(10) }
  t.equal(echoed(await ask(port, exact)).body.length, 10)
  t.equal(echoed(await askH2(session, exact)).body.length, 10)
})

t.test('proxy-body-size: bodies that do not say how long they are', async (t) => {
  const { port, tlsPort, change } = await serve(t, { 'proxy-body-size': '10' })
  const session = openH2(t, tlsPort, 'default.lab')
  const chunked = async (body: string): Promise<string> => {
    const client = dialed(t, port)
    client.say('POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n')
    client.say(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
    return (await client.ends()).slice(9, 12)
  }
  t.equal(await chunked('x'.repeat(11)), '413')
  t.equal(await chunked('x'.repeat(10)), '200')
  t.equal((await askH2(session, { method: 'POST', body: 'x'.repeat(11) })).status, 413)
  change({ ingresses: [annotated({})] })
  t.equal(await chunked('x'.repeat(1024 ** 2 + 1)), '413', 'a megabyte where nothing is said')
  change({ ingresses: [annotated({ 'proxy-body-size': '0' })] })
  t.equal(await chunked('x'.repeat(1024 ** 2 + 1)), '200', '0: any size')
})

t.test('heads: 431 and 414, over both HTTPs', async (t) => {
  const { port, tlsPort } = await serve(t, {}, { limits: { headBytes: 4096, targetBytes: 512 } })
  t.equal((await ask(port, { path: `/${'x'.repeat(600)}` })).status, 414)
  t.equal((await ask(port, { headers: { x: 'y'.repeat(5000) } })).status, 431)
  const session = openH2(t, tlsPort, 'default.lab')
  t.equal((await askH2(session, { path: `/${'x'.repeat(600)}` })).status, 414)
  t.equal((await askH2(session, { headers: { x: 'y'.repeat(5000) } })).status, 431)
  t.equal((await askH2(session)).status, 200, 'the connection goes on')
})

t.test('times: 504 for backends, 408 for clients', async (t) => {
  const { port, tlsPort, server, change } = await raw(t, { 'proxy-read-timeout': '100ms' }, { timeouts: { body: 100 } })
  t.match(await ask(port), { status: 504, body: /took too long/ })
  t.equal((await askH2(openH2(t, tlsPort, 'default.lab'))).status, 504)
  const slow = dialed(t, port)
  slow.say('POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 9\r\n\r\nx')
  t.match(await slow.ends(), /^HTTP\/1\.1 408/)
  const stream = openH2(t, tlsPort, 'default.lab').request(
    { ':path': '/', ':authority': 'a.lab', ':method': 'POST' },
    { endStream: false },
  )
  stream.write('x')
  t.equal((await once(stream, 'response'))[0][':status'], 408)
  stream.destroy()

  const whole = { ...podway({ 'request-timeout': '150ms' }) }
  change({ ingresses: [ingress({ annotations: whole, rules: { 'a.lab': [path('prefix:/', 'web')] } })] })
  const before = server.peers.length
  const answer = ask(port)
  await (await server.accepts(before)).hears('\r\n\r\n')
  t.match(await answer, { status: 504, body: /the answer took too long/ })
})

t.test('beyond the most connections nobody is let in', async (t) => {
  const { port, relay } = await serve(t, {}, { maxConnections: 2 })
  const first = dialed(t, port)
  dialed(t, port)
  await until(() => relay.connections === 2, 'two connections')
  const third = dialed(t, port)
  await third.ends()
  first.socket.destroy()
  await until(() => relay.connections === 1, 'one connection')
  t.equal((await ask(port)).status, 200)
})

t.test('a client that reads nothing holds its backend back', async (t) => {
  const size = 64 * 1024 * 1024
  const backend = await startLargeBackend(t, size)
  const { port } = await startIngress(t, { ingresses: [annotated({})], services: { web: [backend.port] } })
  const client = dialed(t, port)
  client.socket.pause()
  client.say('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n')
  await backend.heldBack()
  t.ok(backend.written() < size / 2, `${backend.written()} bytes of ${size}`)
})
