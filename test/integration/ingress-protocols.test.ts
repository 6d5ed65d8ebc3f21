/** What is spoken on both sides: WebSocket over TLS, half-closed connections, and the protocols of backends. */
import { once } from 'node:events'
import { createServer as createH2Server, createSecureServer, type Http2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../src/api/clock.ts'
import { annotated, ask, askH2, nginx, startEcho, startIngress } from '../support/ingress-fixture.ts'
import { ingress, path, service } from '../support/ingress-objects.ts'
import { dial, listenRaw } from '../support/raw-http.ts'
import { authority, certificateFor, newAuthority, openH2 } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

const inside = await certificateFor('inside.lab')

const listening = async (t: Test, server: Server | Http2Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const upgrade = 'GET /ws HTTP/1.1\r\nHost: a.lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const dialTls = async (t: Test, port: number) => {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'default.lab', ca: authority.cert })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  let text = ''
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1')
  })
  return { socket, hears: (words: string) => until(() => text.includes(words) && text, `"${words}"`) }
}

t.test(
  'a stream of HTTP/2 lives as long as its route grants it, though nobody asks anything else meanwhile',
  async (t) => {
    const clock = createFakeClock()
    const server = await listenRaw()
    t.teardown(() => server.close())
    const { tlsPort } = await startIngress(
      t,
      { ingresses: [annotated({ 'proxy-read-timeout': '3h' })], services: { web: [server.port] } },
      { clock },
    )
    const session = openH2(t, tlsPort, 'default.lab')
    const stream = session.request({ ':path': '/', ':authority': 'a.lab' })
    let text = ''
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    const backend = await server.accepts(0)
    await backend.hears('\r\n\r\n')
    backend.say('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
    await until(() => text === 'first', 'the first piece')
    clock.advance(2 * 3_600_000)
    backend.say('6\r\nsecond\r\n0\r\n\r\n')
    await until(() => text === 'firstsecond', 'the second piece')
    clock.advance(80_000)
    await until(() => session.closed || session.destroyed, 'the end of a connection that rests')
  },
)

t.test('a WebSocket over TLS lives through changes of everything around it', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const echo = await startEcho(t, 'other')
  const { port, tlsPort, change } = await startIngress(t, {
    ingresses: [annotated({})],
    services: { web: [server.port] },
  })
  const client = await dialTls(t, tlsPort)
  client.socket.write(upgrade)
  const backend = await server.accepts(0)
  t.match(await backend.hears('\r\n\r\n'), /Connection: Upgrade\r\nUpgrade: websocket\r\n/)
  backend.say(`${switching}first`)
  t.match(await client.hears('first'), 'HTTP/1.1 101')
  client.socket.write('from the client')
  await backend.hears('from the client')

  change({ services: { web: [echo.port] } })
  t.match((await ask(port)).body, '"other"')
  change({ ingresses: [] })
  t.equal((await ask(port)).status, 404)
  client.socket.write('still here')
  await backend.hears('still here')
  backend.say('so am I')
  await client.hears('so am I')
  client.socket.end()
  await until(() => backend.end(), 'the end to be passed on')
  backend.say('a last word')
  await client.hears('a last word')
  backend.socket.end()
  await once(client.socket, 'close')
})

t.test('HTTP/2 clients cannot switch protocols', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { tlsPort } = await startIngress(t, { ingresses: [annotated({})], services: { web: [server.port] } })
  const session = openH2(t, tlsPort, 'default.lab')
  const answer = askH2(session)
  const backend = await server.accepts(0)
  t.notMatch(await backend.hears('\r\n\r\n'), /upgrade/i)
  backend.say(switching)
  t.match(await answer, { status: 502 })
  t.equal((await askH2(session, { headers: { 'x-a': 'b' }, path: '/..' })).status, 400, 'the session goes on')
})

t.test('a client that is done talking still gets its answer', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { port, tlsPort } = await startIngress(t, { ingresses: [annotated({})], services: { web: [server.port] } })
  const client = dial(port)
  client.socket.end('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n')
  const backend = await server.accepts(0)
  await backend.hears('\r\n\r\n')
  backend.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  t.match(await client.ends(), /200 OK[\s\S]*Connection: close[\s\S]*ok$/)
  const secure = await dialTls(t, tlsPort)
  secure.socket.allowHalfOpen = true
  secure.socket.end('GET /tls HTTP/1.1\r\nHost: a.lab\r\n\r\n')
  const second = await until(() => server.peers.find((peer) => peer.heard().includes('/tls')), 'the second request')
  second.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  await secure.hears('\r\n\r\nok')
})

t.test('100-continue, over TLS and to a backend that says no', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { tlsPort } = await startIngress(t, { ingresses: [annotated({})], services: { web: [server.port] } })
  const head = 'POST / HTTP/1.1\r\nHost: a.lab\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'
  const client = await dialTls(t, tlsPort)
  client.socket.write(head)
  const backend = await server.accepts(0)
  t.match(await backend.hears('\r\n\r\n'), 'Expect: 100-continue')
  backend.say('HTTP/1.1 100 Continue\r\n\r\n')
  await client.hears('100 Continue')
  client.socket.write('hello')
  await backend.hears('hello')
  backend.say('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await client.hears('200 OK')
  client.socket.write(head)
  await until(() => backend.heard().split('Expect:').length === 3, 'the second question')
  backend.say('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno')
  t.match(await client.hears('\r\n\r\nno'), /417[\s\S]*Connection: close/)
})

const grpc = (server: Http2Server): Http2Server =>
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end('answer')
  })

t.test('backend-protocol: HTTPS, GRPC and GRPCS', async (t) => {
  const tls = { cert: inside.certificate, key: inside.key }
  const https = await listening(
    t,
    createHttpsServer(tls, (_, response) => void response.end('over TLS')),
  )
  const clear = await listening(t, grpc(createH2Server()))
  const secure = await listening(t, grpc(createSecureServer(tls)))
  const people = await newAuthority('others')
  const { port, tlsPort, change } = await startIngress(t, {
    ingresses: [annotated({ 'backend-protocol': 'HTTPS' })],
    services: { web: [https] },
    secrets: { ca: { 'ca.crt': authority.cert }, others: { 'ca.crt': people.cert } },
  })
  const session = openH2(t, tlsPort, 'default.lab')
  t.equal((await ask(port)).body, 'over TLS')
  const verified = { 'backend-protocol': 'HTTPS', 'proxy-ssl-verify': 'on', 'proxy-ssl-name': 'inside.lab' }
  for (const [annotations, status] of [
    [{ ...verified, 'proxy-ssl-secret': 'ca' }, 200],
    [{ ...verified, 'proxy-ssl-secret': 'others' }, 502],
    [{ ...verified, 'proxy-ssl-secret': 'ca', 'proxy-ssl-name': 'other.lab' }, 502],
    [{ 'backend-protocol': 'AUTO_HTTP' }, 503],
  ] as const) {
    change({ ingresses: [annotated(annotations)] })
    t.equal((await ask(port)).status, status, JSON.stringify(annotations))
  }
  for (const [protocol, backend] of [
    ['GRPC', clear],
    ['GRPCS', secure],
  ] as const) {
    change({ ingresses: [annotated({ 'backend-protocol': protocol })], services: { web: [backend] } })
    const stream = session.request({ ':authority': 'a.lab', ':method': 'POST', te: 'trailers' })
    stream.end('question')
    const trailers = once(stream, 'trailers')
    t.equal((await once(stream, 'response'))[0][':status'], 200, protocol)
    let body = ''
    for await (const piece of stream) body += piece
    t.equal(body, 'answer', protocol)
    t.equal((await trailers)[0]['grpc-status'], '0', protocol)
    t.equal((await ask(port, { method: 'POST', body: 'x' })).body, 'answer', 'of an HTTP/1.1 client')
  }
})

t.test('ssl-passthrough beside hosts whose TLS ends here', async (t) => {
  const own = await certificateFor('p.lab')
  const backend = await listening(
    t,
    createHttpsServer({ cert: own.certificate, key: own.key }, (_, response) => void response.end('inside')),
  )
  const echo = await startEcho(t, 'web')
  const { tlsPort } = await startIngress(t, {
    ingresses: [
      annotated({}),
      ingress({
        name: 'p',
        annotations: nginx({ 'ssl-passthrough': 'true' }),
        rules: { 'p.lab': [path('prefix:/', 'inside')] },
      }),
    ],
    services: { web: [echo.port], inside: [backend] },
  })
  const answer = await fetchTls(t, tlsPort, 'p.lab')
  t.match(answer, /inside/)
  t.match(await fetchTls(t, tlsPort, 'default.lab'), /"web"/)
})

const fetchTls = async (t: Test, port: number, servername: string): Promise<string> => {
  const socket = connectTls({ port, host: '127.0.0.1', servername, ca: authority.cert })
  t.teardown(() => socket.destroy())
  socket.end('GET / HTTP/1.1\r\nHost: a.lab\r\nConnection: close\r\n\r\n')
  let text = ''
  for await (const piece of socket) text += piece
  return text
}

t.test('ExternalName: names outside, but never this machine', async (t) => {
  const echo = await startEcho(t, 'web')
  const external = (externalName: string) => ({
    service: service('web', { type: 'ExternalName', externalName, ports: [{ port: echo.port }] }),
    slices: [],
  })
  const { port, change } = await startIngress(t, {
    ingresses: [ingress({ rules: { 'a.lab': [path('prefix:/', 'web', echo.port)] } })],
    services: { web: external('localhost') },
  })
  for (const name of [
    'localhost',
    'LOCALHOST.',
    'x.localhost',
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '0',
    '2130706433',
  ]) {
    change({ services: { web: external(name) } })
    t.match(String((await ask(port)).status), /^50[23]$/, name)
  }
  t.equal(echo.connections(), 0)
})
