/** TLS and HTTP/2 through the relay, over real sockets. */
import { once } from 'node:events'
import { createServer as createH2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import t from 'tap'
import type { BackendKey } from '../../src/proxy/ingress/policy/backend-key.ts'
import type { Certificate } from '../../src/proxy/ingress/tls/server-tls.ts'
import { everythingTo, onPorts, startBackend, startLargeBackend, web } from '../support/relay-fixture.ts'
import { askTls, authority, certificateFor, newAuthority, openH2, startTlsRelay } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

const a = await certificateFor('a.lab')
const wild = await certificateFor('*.wild.lab')

const echo = (t: Parameters<typeof startBackend>[0]) =>
  startBackend(t, (request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () =>
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body })),
    )
  })

t.test('each host shows its own certificate, the others the default one', async (t) => {
  const backend = await echo(t)
  const { tlsPort, configure } = await startTlsRelay(t, [backend.port], {
    hosts: [
      { host: 'a.lab', certificate: a },
      { host: '*.wild.lab', certificate: wild },
    ],
  })
  const { status, body } = await askTls(tlsPort, { host: 'a.lab', path: '/x' })
  t.equal(status, 200)
  t.match(JSON.parse(body).headers, {
    'x-forwarded-proto': 'https',
    'x-forwarded-port': String(tlsPort),
    host: 'a.lab',
  })
  t.equal((await askTls(tlsPort, { host: 'one.wild.lab' })).status, 200)
  t.equal((await askTls(tlsPort, { host: 'x.lab', servername: 'default.lab' })).status, 200)
  t.equal(
    (await askTls(tlsPort, { host: 'x.lab', servername: '', trusts: 'default.lab' })).status,
    200,
    'no name at all',
  )
  await t.rejects(askTls(tlsPort, { host: 'b.lab' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'the default one')
  await t.rejects(askTls(tlsPort, { host: 'two.one.wild.lab' }), 'one label only')

  configure({ hosts: [{ host: 'b.lab', certificate: await certificateFor('b.lab') }] })
  t.equal((await askTls(tlsPort, { host: 'b.lab' })).status, 200, 'reloaded')
})

t.test('a connection outlives the certificate it began with', async (t) => {
  const backend = await echo(t)
  const { tlsPort, configure } = await startTlsRelay(t, [backend.port], { hosts: [{ host: 'a.lab', certificate: a }] })
  const session = openH2(t, tlsPort, 'a.lab')
  const ask = async () => {
    const stream = session.request({ ':path': '/', ':authority': 'a.lab' })
    const [headers] = await once(stream, 'response')
    stream.resume()
    return headers[':status']
  }
  t.equal(await ask(), 200)
  configure({})
  t.equal(await ask(), 200)
})

t.test('old versions and wrong starts are refused', async (t) => {
  const backend = await echo(t)
  const { tlsPort, port } = await startTlsRelay(t, [backend.port])
  const old = connect({
    port: tlsPort,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    rejectUnauthorized: false,
  })
  await t.rejects(once(old, 'secureConnect'), 'TLS 1.1')
  const plain = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await t.rejects(once(plain, 'secureConnect'), 'TLS on the plain port')
  t.equal((await askTls(tlsPort, { host: 'default.lab' })).status, 200, 'and goes on')
})

t.test('HTTP/2: requests side by side, bodies, HEAD and errors', async (t) => {
  const backend = await echo(t)
  const { tlsPort } = await startTlsRelay(t, [backend.port], { hosts: [{ host: 'a.lab', certificate: a }] })
  const session = openH2(t, tlsPort, 'a.lab')
  const ask = async (headers: Record<string, string>, body?: string) => {
    const stream = session.request({ ':authority': 'a.lab', ...headers }, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    const [answer] = await once(stream, 'response')
    let text = ''
    for await (const piece of stream) text += piece
    return { answer, text }
  }
  const many = await Promise.all(Array.from({ length: 200 }, (_, at) => ask({ ':path': `/${at}` })))
  t.same(
    many.map(({ text }) => JSON.parse(text).url),
    Array.from({ length: 200 }, (_, at) => `/${at}`),
  )
  const posted = await ask({ ':path': '/p', ':method': 'POST', 'x-mine': 'yes', cookie: 'a=b' }, 'x'.repeat(300_000))
  const seen = JSON.parse(posted.text)
  t.equal(seen.body.length, 300_000)
  t.match(seen.headers, { 'x-mine': 'yes', cookie: 'a=b', 'transfer-encoding': 'chunked', host: 'a.lab' })
  t.equal(posted.answer.connection, undefined, 'nothing of one connection')
  const head = await ask({ ':path': '/', ':method': 'HEAD' })
  t.equal(head.answer[':status'], 200)
  t.equal(head.text, '')
  t.equal((await ask({ ':path': '/../x' })).answer[':status'], 400)
})

t.test('a large answer waits for a client that reads slowly', async (t) => {
  const size = 8 * 1024 * 1024
  const backend = await startLargeBackend(t, size)
  const { tlsPort } = await startTlsRelay(t, [backend.port], { hosts: [{ host: 'a.lab', certificate: a }] })
  const session = openH2(t, tlsPort, 'a.lab')
  const stream = session.request({ ':path': '/', ':authority': 'a.lab' })
  await once(stream, 'response')
  await backend.heldBack()
  t.ok(backend.written() < size, `held back after ${backend.written()} bytes`)
  let got = 0
  for await (const piece of stream) got += (piece as Buffer).length
  t.equal(got, size)
})

t.test('gRPC: HTTP/2 to the backend, with trailers', async (t) => {
  const server = createH2Server()
  server.on('stream', (stream, headers) => {
    let length = 0
    stream.on('data', (piece: Buffer) => {
      length += piece.length
    })
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'x-te': String(headers['te']) },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-length': String(length) }))
      stream.end('answer')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const grpc = (server.address() as AddressInfo).port
  const { tlsPort, relay, port } = await startTlsRelay(t, [], { hosts: [{ host: 'a.lab', certificate: a }] })
  relay.apply({ tables: everythingTo(web), backends: onPorts([grpc], web, 'h2c') })
  const session = openH2(t, tlsPort, 'a.lab')
  const call = async (body: string) => {
    const stream = session.request({
      ':path': '/pkg.Service/Method',
      ':method': 'POST',
      ':authority': 'a.lab',
      te: 'trailers',
    })
    stream.end(body)
    const trailers = once(stream, 'trailers')
    const [headers] = await once(stream, 'response')
    let text = ''
    for await (const piece of stream) text += piece
    return { headers, text, trailers: (await trailers)[0] }
  }
  const calls = await Promise.all(Array.from({ length: 50 }, (_, at) => call('y'.repeat(at))))
  for (const [at, { headers, text, trailers }] of calls.entries()) {
    if (at > 1) continue
    t.match(headers, { ':status': 200, 'content-type': 'application/grpc', 'x-te': 'trailers' })
    t.equal(text, 'answer')
    t.match(trailers, { 'grpc-status': '0', 'x-length': String(at) })
  }
  t.ok(calls.every(({ trailers }, at) => trailers['x-length'] === String(at)))

  const plain = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'old', headers: { host: 'a.lab' } })
  t.equal(await plain.text(), 'answer', 'an HTTP/1.1 client of the same backend')
})

t.test('backends that speak TLS, verified or not', async (t) => {
  const own = await newAuthority('inside')
  const inside = await certificateFor('inside.lab', own)
  const server = createHttpsServer({ cert: inside.certificate, key: inside.key }, (_, response) =>
    response.end('secret'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const backends = onPorts([(server.address() as AddressInfo).port])
  const { relay, tlsPort } = await startTlsRelay(t, [], { hosts: [{ host: 'a.lab', certificate: a }] })
  const answer = async (backendTls: { verify: boolean; ca?: string; name?: string; sni: boolean }) => {
    relay.apply({ tables: everythingTo(web, { protocol: 'https', backendTls }), backends })
    const { status, body } = await askTls(tlsPort, { host: 'a.lab' })
    return status === 200 ? body : status
  }
  t.equal(await answer({ verify: false, sni: false }), 'secret')
  t.equal(await answer({ verify: true, sni: true, ca: own.cert, name: 'inside.lab' }), 'secret')
  t.equal(await answer({ verify: true, sni: true, ca: own.cert, name: 'other.lab' }), 502, 'another name')
  t.equal(await answer({ verify: true, sni: true, ca: authority.cert, name: 'inside.lab' }), 502, 'another authority')
  t.equal(await answer({ verify: true, sni: true, name: 'inside.lab' }), 502, 'nobody the machine knows')
})

t.test('clients that must show a certificate', async (t) => {
  const backend = await echo(t)
  const people = await newAuthority('people')
  const anna = await certificateFor('anna', people, 'client')
  const stranger = await certificateFor('stranger', undefined, 'client')
  const { tlsPort } = await startTlsRelay(t, [backend.port], {
    hosts: [
      { host: 'a.lab', certificate: a },
      { host: '*.wild.lab', certificate: wild },
    ],
    clients: [
      { host: 'a.lab', certificates: { ca: people.cert, verify: 'required', depth: 1, pass: true } },
      { host: 'o.wild.lab', certificates: { ca: people.cert, verify: 'optional', depth: 1, pass: false } },
    ],
  })
  const status = async (...ask: Parameters<typeof askTls>[1][]) =>
    (await askTls(tlsPort, ask[0] ?? { host: '' })).status
  const shown = await askTls(tlsPort, { host: 'a.lab', client: anna })
  t.equal(shown.status, 200)
  const { headers } = JSON.parse(shown.body)
  t.equal(headers['ssl-client-verify'], 'SUCCESS')
  t.match(headers['ssl-client-subject-dn'], 'CN=anna')
  t.match(decodeURIComponent(headers['ssl-client-cert']), 'BEGIN CERTIFICATE')
  t.equal(await status({ host: 'a.lab' }), 403, 'none')
  t.equal(await status({ host: 'a.lab', client: stranger }), 403, 'of somebody else')
  t.equal(await status({ host: 'o.wild.lab' }), 200, 'optional: none')
  t.equal(await status({ host: 'o.wild.lab', client: stranger }), 403, 'optional: a wrong one')
  t.equal(await status({ host: 'a.lab', servername: 'x.wild.lab', client: anna }), 421, 'another door')
  t.equal(
    await status({ host: 'x.wild.lab', headers: { 'ssl-client-verify': 'SUCCESS' } }),
    200,
    'hosts that ask for none',
  )
})

/** What a session that was made for one name is worth at another one: the status of a request for `to`. */
const resumedStatus = async (
  port: number,
  from: string,
  to: string,
  client: Certificate,
  version: 'TLSv1.2' | 'TLSv1.3',
  between: () => void = () => {},
): Promise<string> => {
  const options = { port, host: '127.0.0.1', ca: authority.cert, checkServerIdentity: () => undefined }
  const shown = { cert: client.certificate, key: client.key, minVersion: version, maxVersion: version }
  const ask = async (name: string, session?: Buffer) => {
    const socket = connect({ ...options, ...shown, servername: name, ...(session ? { session } : {}) })
    let ticket: Buffer | undefined
    let heard = ''
    socket.on('session', (made) => {
      ticket = made
    })
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1')
    })
    socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    await until(() => socket.closed || heard.includes('HTTP/1.1 '), 'an answer')
    socket.destroy()
    return { ticket: ticket ?? socket.getSession(), status: heard.slice(9, 12) }
  }
  const first = await ask(from)
  between()
  return (await ask(to, first.ticket)).status
}

t.test('a session that was resumed proves nothing to a host of another authority', async (t) => {
  const backend = await echo(t)
  const [people, staff] = [await newAuthority('people'), await newAuthority('staff')]
  const anna = await certificateFor('anna', people, 'client')
  const clients = (host: string, ca: string) =>
    ({ host, certificates: { ca, verify: 'required', depth: 1, pass: false } }) as const
  const peopleFirst = { clients: [clients('a.lab', people.cert), clients('x.wild.lab', staff.cert)] }
  const { tlsPort, configure } = await startTlsRelay(t, [backend.port], peopleFirst)
  const change = (): void => configure({ clients: [clients('a.lab', staff.cert)] })
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    configure(peopleFirst)
    t.equal(await resumedStatus(tlsPort, 'a.lab', 'a.lab', anna, version), '200', `${version}: the same host`)
    t.equal(await resumedStatus(tlsPort, 'a.lab', 'x.wild.lab', anna, version), '403', `${version}: another one`)
    t.equal(
      await resumedStatus(tlsPort, 'o.lab', 'x.wild.lab', anna, version),
      '403',
      `${version}: one that asks for none`,
    )
    const late = await resumedStatus(tlsPort, 'a.lab', 'a.lab', anna, version, change)
    t.equal(late, '403', `${version}: the authority was replaced meanwhile`)
  }
})

t.test('connections that are passed on as they come', async (t) => {
  const own = await certificateFor('p.lab')
  const server = createHttpsServer({ cert: own.certificate, key: own.key }, (_, response) => response.end('inside'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const backend = await echo(t)
  const inside = 'default/inside:443' as BackendKey
  const { tlsPort, relay } = await startTlsRelay(t, [backend.port], {
    hosts: [{ host: 'a.lab', certificate: a }],
    passthrough: [{ host: 'p.lab', backend: inside }],
  })
  relay.apply({ tables: [], backends: onPorts([(server.address() as AddressInfo).port], inside) })
  t.equal((await askTls(tlsPort, { host: 'p.lab' })).body, 'inside')
  t.equal((await askTls(tlsPort, { host: 'a.lab' })).status, 200, 'the others end here')
})

t.test('stopping: who has just come is served', async (t) => {
  const backend = await echo(t)
  const { tlsPort, relay } = await startTlsRelay(t, [backend.port], { hosts: [{ host: 'a.lab', certificate: a }] })
  const client = connect({ port: tlsPort, host: '127.0.0.1', servername: 'a.lab', rejectUnauthorized: false })
  await once(client, 'secureConnect')
  const drained = relay.drain()
  client.write('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n')
  t.match(await text(client), /^HTTP\/1.1 200 /)
  await drained
})

t.test('stopping ends connections that are passed on, when they do not end in time', async (t) => {
  const server = createTcpServer((socket) => void socket.on('error', () => {}).on('data', () => {})).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  t.teardown(() => server.close())
  const inside = 'default/inside:443' as BackendKey
  const { tlsPort, relay } = await startTlsRelay(t, [], { passthrough: [{ host: 'p.lab', backend: inside }] })
  relay.apply({ tables: [], backends: onPorts([(server.address() as AddressInfo).port], inside) })
  const client = connect({ port: tlsPort, host: '127.0.0.1', servername: 'p.lab' }).on('error', () => {})
  await until(() => relay.connections === 1, 'the connection')
  await relay.drain()
  await until(() => client.destroyed, 'its end')
  t.equal(relay.connections, 0)
})
