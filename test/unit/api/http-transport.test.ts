/** Watches that are silent, connections that are dead, and credentials that change while a process runs. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createSecureServer, type ServerHttp2Session } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createWire, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import timers from 'undici/lib/util/timers.js'
import { createAuthority, issueCertificate, validFor } from '../../../src/api/certificates.ts'
import { createFakeClock } from '../../../src/api/clock.ts'
import type { ConnectionsOptions } from '../../../src/api/connections.ts'
import { createHttpTransport, type HttpTransport } from '../../../src/api/http-transport.ts'
import type { Connection } from '../../../src/api/kubeconfig.ts'
import { until } from '../../support/until.ts'

const validity = validFor(1, Date.now())
const authority = await createAuthority('tests', validity)
const serving = await issueCertificate(authority, { commonName: 'api', addresses: ['127.0.0.1'] }, validity, 'server')
const clientOf = (commonName: string) => issueCertificate(authority, { commonName }, validity, 'client')

const listen = async (t: Test, server: Server, scheme: string): Promise<string> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const open = (t: Test, connection: Connection, options: ConnectionsOptions = {}): HttpTransport => {
  const transport = createHttpTransport(connection, options)
  t.teardown(transport.close)
  return transport
}

/** Begins a watch; its events so far, and its end. */
const watchFrom = (t: Test, transport: HttpTransport) => {
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const events: string[] = []
  let end: string | undefined
  const follow = async (): Promise<void> => {
    for await (const { type } of transport.watch({ method: 'GET', path: '/watch' }, stop.signal)) events.push(type)
  }
  void follow().then(
    () => {
      end = 'ended'
    },
    (error: unknown) => {
      end = String(error)
    },
  )
  return { events, end: () => end }
}

const event = `${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'a' } } })}\n`

t.test('HTTP/1.1: a watch may be silent for as long as it likes', async (t) => {
  let say: (() => void) | undefined
  const server = createServer((_request, response) => {
    response.write(event)
    say = () => response.write(event)
  })
  const watch = watchFrom(t, open(t, { server: await listen(t, server, 'http') }))
  await until(() => watch.events.length === 1, 'the watch')
  for (let seconds = 0; seconds < 300; seconds += 30) timers.tick(30_000)
  say?.()
  await until(() => watch.events.length === 2, 'an event after five silent minutes')
  t.equal(watch.end(), undefined)
})

/** A server of silent watches, behind a wire that can be cut: both ends stay open, and nothing passes any more. */
const http2Server = async (t: Test) => {
  const sessions: ServerHttp2Session[] = []
  const server = createSecureServer({ cert: serving.cert, key: serving.key }, (_request, response) => {
    response.stream.respond({ ':status': 200 })
  })
  server.on('session', (session) => sessions.push(session))
  server.on('sessionError', () => undefined)
  const { port } = new URL(await listen(t, server, 'https'))
  let isCut = false
  const wire = createWire((near) => {
    const far = connect(Number(port), '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => undefined)
      from.on('data', (chunk) => isCut || to.write(chunk))
      from.on('close', () => to.destroy())
    }
  })
  return {
    sessions,
    url: await listen(t, wire, 'https'),
    cut: () => {
      isCut = true
    },
  }
}

t.test('HTTP/2: pings keep a silent watch, and end one whose server cannot be reached', async (t) => {
  const { sessions, url, cut } = await http2Server(t)
  const watch = watchFrom(t, open(t, { server: url, ca: authority.cert }, { pingIntervalMs: 100 }))
  await until(() => sessions.length === 1, 'the session')
  let pings = 0
  sessions[0]?.on('ping', () => pings++)
  await until(() => pings >= 5, 'five pings')
  t.equal(watch.end(), undefined, 'nothing but pings: it goes on')
  cut()
  await until(() => watch.end(), 'the end')
  t.not(watch.end(), 'ended', 'which is a failure')
})

t.test('a token that was rotated is read again: in time, and when it is refused', async (t) => {
  const accepted = new Set(['one'])
  const seen: string[] = []
  const server = createServer((request, response) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '')
    seen.push(token)
    response.writeHead(accepted.has(token) ? 200 : 401)
    response.end(JSON.stringify(accepted.has(token) ? {} : { kind: 'Status', message: 'Unauthorized', code: 401 }))
  })
  const connection = { server: await listen(t, server, 'http') }
  let file = 'one'
  let reads = 0
  const clock = createFakeClock()
  const transport = open(
    t,
    { ...connection, token: file },
    {
      clock,
      reread: async () => {
        reads++
        if (file === '') throw new Error('cannot use F: no such token file')
        return { ...connection, token: file }
      },
    },
  )
  const ask = () => transport.request({ method: 'POST', path: '/x', body: {} })
  await ask()
  t.same([seen, reads], [['one'], 0])

  file = 'two'
  accepted.add('two').delete('one')
  await ask()
  t.same([seen, reads], [['one', 'one', 'two'], 1], 'refused: read again, asked once more')

  file = 'three'
  accepted.add('three')
  clock.advance(60_000)
  await ask()
  t.same([seen.at(-1), reads], ['three', 2], 'once a minute without being refused')

  accepted.clear()
  await t.rejects(ask(), { code: 401, message: 'Unauthorized' }, 'the same again is refused for good')
  file = ''
  await t.rejects(ask(), { code: 401, message: 'Unauthorized; cannot use F: no such token file' })
  const asked = seen.length
  file = 'four'
  accepted.add('four')
  t.same(await Promise.all([ask(), ask(), ask()]), [{}, {}, {}])
  t.ok(seen.length - asked <= 6, 'each asks at most twice')
})

t.test('a client certificate that was rotated is shown by new connections, and watches go on', async (t) => {
  const shown: string[] = []
  let say: (() => void) | undefined
  const server = createTlsServer(
    { ...serving, ca: authority.cert, requestCert: true, ALPNProtocols: ['http/1.1'] },
    (request, response) => {
      const name = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN)
      if (request.url === '/watch') {
        response.flushHeaders()
        say = () => response.write(event)
        return
      }
      shown.push(name)
      response.end('{}')
    },
  )
  const base = { server: await listen(t, server, 'https'), ca: authority.cert }
  let current = await clientOf('first')
  const transport = open(t, { ...base, ...current }, { reread: async () => ({ ...base, ...current }) })
  const watch = watchFrom(t, transport)
  await until(() => say, 'the watch')
  await transport.request({ method: 'GET', path: '/' })
  current = await clientOf('second')
  await transport.refresh()
  await transport.request({ method: 'GET', path: '/' })
  t.same(shown, ['first', 'second'])
  say?.()
  await until(() => watch.events.length === 1, 'an event over the old connection')
})

t.test('another server of the cluster is asked when one is away, and must prove to be one', async (t) => {
  const names = ['kubernetes', 'kubernetes.default.svc']
  const identity = { commonName: 'api', dnsNames: names, addresses: ['127.0.0.1'] }
  const real = await issueCertificate(authority, identity, validity, 'server')
  const answering = async (name: string, pair = real) => {
    const asked: string[] = []
    const server = createTlsServer({ ...pair, ALPNProtocols: ['http/1.1'] }, (request, response) => {
      asked.push(String(request.url))
      if (request.url === '/watch') return void response.flushHeaders()
      response.end(JSON.stringify({ name }))
    })
    return { url: await listen(t, server, 'https'), asked, server }
  }
  const ask = (transport: HttpTransport) => transport.request({ method: 'GET', path: '/' })
  const gone = 'https://127.0.0.1:1'

  const [second, third] = [await answering('second'), await answering('third')]
  const transport = open(t, { server: gone, ca: authority.cert, others: [second.url, third.url] })
  t.same(await ask(transport), { name: 'second' }, 'at once')
  t.same(await ask(transport), { name: 'second' })
  const watch = watchFrom(t, transport)
  await until(() => second.asked.includes('/watch'), 'the watch')
  second.server.closeAllConnections()
  second.server.close()
  await until(() => watch.end(), 'its end')
  t.same(await ask(transport), { name: 'third' }, 'who lost a connection asks the next one')

  // A node has a certificate of the same authority, for its own address.
  const node = await answering('node', serving)
  const misled = open(t, { server: gone, ca: authority.cert, others: [node.url] })
  await t.rejects(ask(misled), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  t.same(node.asked, [])

  const alone = open(t, { server: gone, ca: authority.cert })
  await t.rejects(ask(alone), { code: 'ECONNREFUSED' })
})

t.test('bytes that are read apart: one answer that nobody reads on holds up no other', async (t) => {
  const { key, cert } = serving
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    t.equal(request.httpVersion, '1.1')
    response.end(request.url === '/long' ? Buffer.alloc(8 * 1024 * 1024) : 'short')
  })
  const url = await listen(t, server, 'https')
  const transport = open(t, { server: url, ca: authority.cert }, { apart: true })
  const { signal } = new AbortController()
  const read = async (path: string) => (await transport.read({ method: 'GET', path }, signal))[Symbol.asyncIterator]()
  const long = await read('/long')
  await long.next()
  const { value } = await (await read('/short')).next()
  t.equal(String(value), 'short')
  await long.return?.()
})

t.test('a failure is told as one before any byte is read', async (t) => {
  const server = createTlsServer({ key: serving.key, cert: serving.cert }, (_, response) => {
    response.writeHead(400).end(JSON.stringify({ kind: 'Status', code: 400, message: 'waiting to start' }))
  })
  const transport = open(t, { server: await listen(t, server, 'https'), ca: authority.cert })
  await t.rejects(transport.read({ method: 'GET', path: '/' }, new AbortController().signal), {
    ...{ code: 400, message: 'waiting to start' },
  })
})
