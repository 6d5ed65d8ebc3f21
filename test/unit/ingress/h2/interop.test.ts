/** Our connections against Node's own HTTP/2, in both roles, over sockets on 127.0.0.1. */
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import t from 'tap'
import { createH2Connection } from '../../../../src/proxy/ingress/h2/connection.ts'
import type { H2Connection, H2Options, H2Stream, StreamUser } from '../../../../src/proxy/ingress/h2/seam.ts'

const attach = (socket: net.Socket, options: Omit<H2Options, 'write' | 'closed'>): H2Connection => {
  const connection = createH2Connection({
    ...options,
    write: (bytes) => socket.write(bytes),
    closed: () => socket.end(),
  })
  socket.setNoDelay()
  socket.on('data', connection.receive)
  socket.on('drain', connection.transportDrained)
  socket.on('close', connection.transportClosed)
  socket.on('error', () => {})
  return connection
}

const portOf = (server: net.Server): number => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Sends back what comes, with back-pressure, and trailers behind it. */
const echo = (stream: H2Stream, ends: boolean): StreamUser => {
  const finish = (): void => stream.sendFields([{ key: 'x-end', value: 'yes' }], true)
  stream.sendFields([{ key: ':status', value: '103' }], false)
  stream.sendFields(
    [
      { key: ':status', value: '200' },
      { key: 'content-type', value: 'text/plain' },
    ],
    ends,
  )
  return {
    fields: (_, fieldsEnd) => {
      if (fieldsEnd) finish()
    },
    data: (bytes, dataEnds) => {
      if (!stream.write(bytes, false)) stream.pause()
      if (dataEnds) finish()
    },
    drained: stream.resume,
    aborted: () => {},
  }
}

interface Answer {
  readonly bytes: number
  readonly trailer: unknown
}

const ask = async (session: http2.ClientHttp2Session, body: Buffer): Promise<Answer> => {
  const request = session.request({ ':method': 'POST', ':path': '/', 'x-same': 'value', 'x-coded': '\xe9\x80~' })
  let trailer: unknown
  let bytes = 0
  request.on('trailers', (fields) => {
    trailer = fields['x-end']
  })
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
  })
  request.end(body)
  await once(request, 'end')
  return { bytes, trailer }
}

t.test('our server, their client', async (t) => {
  const server = net.createServer((socket) => {
    attach(socket, {
      role: 'server',
      limits: { maxConcurrentStreams: 200 },
      onStream: (stream, _, ends) => echo(stream, ends),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = http2.connect(`http://127.0.0.1:${portOf(server)}`)
  await once(session, 'remoteSettings')
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  t.same(await ask(session, megabyte), { bytes: megabyte.length, trailer: 'yes' })
  const many = await Promise.all(Array.from({ length: 200 }, (_, at) => ask(session, Buffer.alloc(at * 200 + 1))))
  t.same(
    many,
    Array.from({ length: 200 }, (_, at) => ({ bytes: at * 200 + 1, trailer: 'yes' })),
  )
  const reset = session.request({ ':method': 'POST', ':path': '/' })
  reset.close(http2.constants.NGHTTP2_CANCEL)
  await once(reset, 'close')
  t.same(await ask(session, Buffer.alloc(10)), { bytes: 10, trailer: 'yes' }, 'others go on behind a reset')
  session.close()
  await once(session, 'close')
  server.close()
})

const post = [
  { key: ':method', value: 'POST' },
  { key: ':scheme', value: 'http' },
  { key: ':path', value: '/' },
  { key: ':authority', value: 'a.lab' },
  { key: 'x-same', value: 'value' },
]

/** Sends the body as the window allows and counts what comes back. */
const send = (connection: H2Connection, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let bytes = 0
    const stream = connection.request(post, false, {
      fields: (fields, ends) => {
        if (ends) resolve({ bytes, trailer: fields[0]?.value })
      },
      data: (piece) => {
        bytes += piece.length
      },
      drained: () => {},
      aborted: (why) => reject(new Error(why)),
    })
    if (stream === undefined) return reject(new Error('no stream'))
    stream.write(body, true)
  })

t.test('our client, their server', async (t) => {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 200 } })
  server.on('stream', (stream, fields) => {
    stream.on('error', () => {})
    if (fields[':path'] !== '/') return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    stream.respond({ ':status': 200, 'x-same': fields['x-same'] }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }))
    stream.pipe(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect(portOf(server), '127.0.0.1')
  const connection = attach(socket, { role: 'client', limits: { maxConcurrentStreams: 200 } })
  const megabyte = Buffer.alloc(1024 * 1024, 'y')
  t.same(await send(connection, megabyte), { bytes: megabyte.length, trailer: 'yes' })
  const many = await Promise.all(Array.from({ length: 200 }, (_, at) => send(connection, Buffer.alloc(at * 200 + 1))))
  t.same(
    many,
    Array.from({ length: 200 }, (_, at) => ({ bytes: at * 200 + 1, trailer: 'yes' })),
  )
  t.equal(connection.openStreams, 0)
  const refused = await new Promise<string>((resolve) => {
    const elsewhere = post.map(({ key, value }) => ({ key, value: key === ':path' ? '/refused' : value }))
    const aborted = (why: string, unprocessed: boolean): void => resolve(`${why} ${unprocessed}`)
    connection.request(elsewhere, true, { fields: () => {}, data: () => {}, drained: () => {}, aborted })
  })
  t.equal(refused, 'reset: REFUSED_STREAM true')
  connection.goAway()
  await once(socket, 'close')
  server.close()
})
