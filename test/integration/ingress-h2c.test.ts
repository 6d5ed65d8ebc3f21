/** HTTP/2 with prior knowledge at the plain door, beside HTTP/1.1. */
import { connect } from 'node:http2'
import t, { type Test } from 'tap'
import { annotated, ask, askH2, echoed, nginx, startEcho, startIngress } from '../support/ingress-fixture.ts'
import { ingress, path } from '../support/ingress-objects.ts'
import { dial } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

const openH2c = (t: Test, port: number) => {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  return session
}

t.test('requests, bodies and many streams of one connection', async (t) => {
  const web = await startEcho(t, 'web')
  const { port } = await startIngress(t, { ingresses: [annotated({})], services: { web: [web.port] } })
  const session = openH2c(t, port)
  const first = echoed(await askH2(session, { path: '/x?q' }))
  t.match(first, { name: 'web', url: '/x?q', headers: { host: 'a.lab', 'x-forwarded-proto': 'http' } })
  t.equal(echoed(await askH2(session, { method: 'POST', body: 'hello' })).body, 'hello')
  const many = await Promise.all(Array.from({ length: 50 }, (_, at) => askH2(session, { path: `/${at}` })))
  t.same(
    many.map((answer) => echoed(answer).url),
    Array.from({ length: 50 }, (_, at) => `/${at}`),
  )
  t.equal((await askH2(session, { host: 'unknown.lab' })).status, 404)
  t.equal((await ask(port)).status, 200, 'and HTTP/1.1 beside it')
  for (const method of ['PATCH', 'PROPFIND', 'PUT']) t.equal((await ask(port, { method })).status, 200, method)
})

t.test('the rules of the plain door are those of HTTP/1.1', async (t) => {
  const web = await startEcho(t, 'web')
  const { port } = await startIngress(t, {
    ingresses: [
      ingress({
        annotations: nginx({ 'force-ssl-redirect': 'true' }),
        rules: { 'a.lab': [path('prefix:/', 'web')] },
      }),
    ],
    services: { web: [web.port] },
  })
  const answer = await askH2(openH2c(t, port), { path: '/x' })
  t.equal(answer.status, 308)
  t.equal(answer.headers['location'], 'https://a.lab/x')
})

t.test('a preface in pieces, half of one, and none', async (t) => {
  const web = await startEcho(t, 'web')
  const { port, relay } = await startIngress(
    t,
    { ingresses: [annotated({})], services: { web: [web.port] } },
    { timeouts: { keepAlive: 300, head: 300 } },
  )
  const slow = dial(port)
  t.teardown(() => slow.socket.destroy())
  let heard = Buffer.alloc(0)
  slow.socket.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes])
  })
  for (const byte of preface) {
    slow.socket.write(byte)
    await new Promise(setImmediate)
  }
  // An empty SETTINGS frame.
  slow.socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
  await until(() => heard.length >= 9, 'the server speaks')
  t.equal(heard[3], 4, 'its SETTINGS')
  const half = dial(port)
  half.socket.write(preface.slice(0, 10))
  const silent = dial(port)
  await Promise.all([half, silent, slow].map(({ ends }) => ends()))
  for (const { socket } of [half, silent, slow]) socket.destroy()
  t.equal(await until(() => relay.connections === 0, 'all ended'), true, 'whoever says nothing is let go')
})

t.test('connections of which nothing is known yet count, and end with the others', async (t) => {
  const web = await startEcho(t, 'web')
  const { port, tlsPort, relay } = await startIngress(
    t,
    { ingresses: [annotated({})], services: { web: [web.port] } },
    { maxConnections: 3 },
  )
  const early = [dial(port), dial(tlsPort), dial(port)]
  early[2]?.socket.write(preface.slice(0, 5))
  await until(() => relay.connections === 3, 'all are counted')
  const over = dial(port)
  await over.ends()
  over.socket.destroy()
  t.equal(relay.connections, 3, 'and nobody else comes in')
  await Promise.all([relay.drain(), ...early.map(({ ends }) => ends())])
  for (const { socket } of early) socket.destroy()
  t.equal(relay.connections, 0)
})
