import { type Duplex, duplexPair } from 'node:stream'
import t from 'tap'
import { type SpdyStream, serveSpdy } from '../../../../src/agent/streams/spdy/session.ts'
import { rounds } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import {
  controlFrame,
  createSpdyClient,
  dataFrameOf,
  headerBlock,
  repliesIn,
  word,
} from '../../../support/spdy-client.ts'
import { until } from '../../../support/until.ts'

const begin = (onStream: (stream: SpdyStream) => void = () => undefined, head: Buffer = Buffer.alloc(0)) => {
  const [near, far] = duplexPair()
  const streams: SpdyStream[] = []
  const session = serveSpdy(far, head, (stream) => {
    streams.push(stream)
    onStream(stream)
  })
  return { client: createSpdyClient(near), socket: near, server: far, session, streams }
}

const echo = ({ stream }: SpdyStream): void => void stream.pipe(stream)

t.test('streams with headers, both ways, each direction with an end of its own', async (t) => {
  const { client, streams } = begin(echo)
  const first = await client.open({ streamType: 'data', port: '80' })
  const second = await client.open({ streamType: 'error', port: '80', requestID: '7' })
  client.send(first, 'hello ')
  client.send(first, 'you', true)
  await until(() => client.read(first).isEnded, 'the end of the first')
  t.equal(client.read(first).text, 'hello you')
  t.same(
    streams.map(({ headers }) => Object.fromEntries(headers)),
    [
      { streamtype: 'data', port: '80' },
      { streamtype: 'error', port: '80', requestid: '7' },
    ],
  )
  t.same(client.read(second), { text: '', isEnded: false })
  t.equal(client.frames().filter(({ type }) => type === 2).length, 2, 'each is replied to')
  t.same(repliesIn(client.frames()), Buffer.alloc(8), 'without headers')
})

t.test('much goes through, and no more is held than a little', async (t) => {
  const { client, socket, streams } = begin()
  const id = await client.open({ streamType: 'stdin' })
  const { stream } = await until(() => streams[0], 'the stream')
  const chunk = Buffer.alloc(32_768, 'x')
  for (let sent = 0; sent < 200; sent++) {
    client.send(id, chunk)
    await new Promise(setImmediate)
  }
  t.ok(socket.writableLength > 150 * chunk.length, 'a client that nobody listens to is held up')
  t.ok(stream.readableLength < 300_000)
  let read = 0
  stream.on('data', (bytes: Buffer) => {
    read += bytes.length
  })
  client.send(id, chunk, true)
  await until(() => stream.readableEnded, 'all of it')
  t.equal(read, 201 * chunk.length)
  socket.destroy()
})

t.test('pings, resets, and what has no meaning', async (t) => {
  const { client, socket, streams } = begin()
  const id = await client.open({ streamType: 'stdin' })
  await until(() => streams.length === 1, 'the stream')
  socket.write(controlFrame(6, word(5)))
  socket.write(controlFrame(6, word(2)))
  await until(() => client.frames().some(({ type, id: ping }) => type === 6 && ping === 5), 'the answer')
  t.notOk(client.frames().some(({ type, id: ping }) => type === 6 && ping === 2))
  socket.write(controlFrame(4, Buffer.concat([word(1), word(1), word(1)])))
  socket.write(controlFrame(9, Buffer.concat([word(id), word(1)])))
  socket.write(controlFrame(77, Buffer.alloc(3)))
  socket.write(controlFrame(3, Buffer.concat([word(id), word(5)])))
  await until(() => streams[0]?.stream.closed, 'the end of the stream')
  client.send(id, 'late')
  const next = await client.open({ streamType: 'stdin' })
  client.send(next, 'x')
  await until(() => streams[1]?.stream.readableLength === 1, 'a stream after it')
})

t.test('an end here is told, and ends with everything written', async (t) => {
  const { client, socket, session, streams } = begin()
  const id = await client.open({ streamType: 'stdout' })
  const other = await client.open({ streamType: 'stdin' })
  const [stdout, stdin] = await until(() => streams.length === 2 && streams, 'both')
  stdin?.stream.destroy()
  stdout?.stream.end(Buffer.alloc(100_000, 'y'), () => session.close())
  await until(() => client.read(id).isEnded, 'the end')
  t.equal(client.read(id).text.length, 100_000)
  await until(() => client.frames().some(({ type }) => type === 7), 'the farewell')
  t.ok(client.frames().some(({ type, id: reset }) => type === 3 && reset === other))
  socket.end()
  await session.ended
})

t.test('the end of the connection is the end of its streams', async (t) => {
  const { client, socket, session, streams } = begin()
  await client.open({ streamType: 'stdin' })
  await until(() => streams.length === 1, 'the stream')
  socket.end()
  await session.ended
  t.ok(streams[0]?.stream.destroyed)
})

t.test('a connection that breaks off ends its streams, full ones, too', async (t) => {
  const { client, server, session, streams } = begin()
  const id = await client.open({ streamType: 'stdin' })
  client.send(id, Buffer.alloc(500_000))
  await until(() => (streams[0]?.stream.readableLength ?? 0) > 60_000, 'a full stream')
  server.destroy()
  await session.ended
  t.ok(streams[0]?.stream.destroyed)
})

t.test('what was sent before counts', async (t) => {
  const first = dataFrameOf(0, 'x')
  const { session } = begin(undefined, first)
  await session.ended
  t.pass('ended by it')
})

const synStream = (id: number, block: Buffer): Buffer =>
  controlFrame(1, Buffer.concat([word(id), word(0), Buffer.alloc(2), block]))

type Offend = (client: ReturnType<typeof createSpdyClient>, socket: Duplex) => Promise<unknown> | unknown

const offences: Readonly<Record<string, Offend>> = {
  'no SPDY': (_client, socket) => socket.write('GET / HTTP/1.1\r\n\r\n'),
  'another version': (_client, socket) => socket.write(Buffer.from([0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])),
  'data for no stream': (client) => client.send(7, 'x'),
  'data behind the end': async (client) => {
    const id = await client.open({}, true)
    client.send(id, 'x')
  },
  'a number of the server': async (client, socket) =>
    socket.write(synStream(2, await client.compress(headerBlock({})))),
  'a number twice': async (client, socket) => {
    const id = await client.open({})
    socket.write(synStream(id, await client.compress(headerBlock({}))))
  },
  'headers that are not compressed': (_client, socket) => socket.write(synStream(1, headerBlock({ a: 'b' }))),
  'headers that end early': async (client, socket) => socket.write(synStream(1, await client.compress(word(3)))),
  'headers with more behind them': async (client, socket) =>
    socket.write(synStream(1, await client.compress(Buffer.concat([headerBlock({}), word(1)])))),
  'a thousand headers': async (client, socket) => socket.write(synStream(1, await client.compress(word(1000)))),
  'a bomb': async (client, socket) => {
    const block = await client.compress(headerBlock({ a: 'x'.repeat(50_000_000) }))
    t.ok(block.length < 60_000, 'which is small')
    socket.write(synStream(1, block))
  },
  'a control frame of a megabyte': (_client, socket) => socket.write(controlFrame(1, Buffer.alloc(1024 * 1024))),
  'a data frame of ten megabytes': (_client, socket) => socket.write(Buffer.from([0, 0, 0, 1, 0, 0x99, 0x99, 0x99])),
  'a frame too short for its type': (_client, socket) => socket.write(controlFrame(6, Buffer.alloc(2))),
  'a reply': (_client, socket) => socket.write(controlFrame(2, word(1))),
  'half a frame': (_client, socket) => socket.end(Buffer.from([0x80, 3, 0])),
}

for (const [name, offend] of Object.entries(offences))
  t.test(`${name} ends the connection`, async (t) => {
    const { client, socket, session, streams } = begin()
    await offend(client, socket)
    await session.ended
    t.ok(streams.every(({ stream }) => stream.destroyed))
  })

t.test('more streams than there may be are refused', async (t) => {
  const { client, streams } = begin()
  for (let count = 0; count < 520; count++) await client.open({})
  await until(() => client.frames().filter(({ type }) => type === 3).length === 8, 'the refusals')
  t.equal(streams.length, 512)
})

t.test('any bytes do at most that', async (t) => {
  const random = createSeededRandom(31)
  for (let round = 0; round < rounds(200, 5_000); round++) {
    const { client, socket, session, streams } = begin(echo)
    const id = await client.open({ streamType: 'data' })
    for (let at = 0; at < 20 && !socket.destroyed; at++) {
      const payload = Buffer.alloc(random.pick([0, 1, 3, 4, 8, 10, 30]), random.below(256))
      const frame = random.pick([0, 0, 1])
        ? controlFrame(random.below(12), payload, random.below(4))
        : dataFrameOf(random.pick([id, id, 3]), payload, random.below(10) === 0)
      socket.write(random.below(20) === 0 ? payload : frame)
    }
    socket.end()
    await session.ended
    if (!streams.every(({ stream }) => stream.destroyed)) t.fail('a stream is left')
  }
  t.pass('no throw, nothing left')
})
