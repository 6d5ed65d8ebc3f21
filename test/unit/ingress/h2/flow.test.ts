/** Windows, back-pressure, order, and the ends of streams and connections. */
import t from 'tap'
import {
  answers,
  type BytePeer,
  createBytePeer,
  cut,
  frame,
  hello,
  okBlock,
  request,
  settings,
  uint32,
} from '../../../support/h2-peer.ts'

const ok = [{ key: ':status', value: '200' }]
const widen = (id: number, by: number): Buffer => frame(8, 0, id, uint32(by))
const data = (id: number, bytes: number, flags = 0): Buffer => frame(0, flags, id, Buffer.alloc(bytes))
const turn = (): Promise<void> => Promise.resolve()

/** A server that has got so many requests. */
const serving = (count: number, ends = true, options: Parameters<typeof createBytePeer>[0] = {}): BytePeer => {
  const peer = createBytePeer(options)
  peer.receive(hello, ...Array.from({ length: count }, (_, at) => request(2 * at + 1, ends)))
  answers(peer)
  return peer
}

const streamOf = (peer: BytePeer, at = 0) => {
  const found = peer.heard[at]
  if (found === undefined) throw new Error('no such stream')
  return found
}

const dataBytes = (bytes: Buffer, id: number): number =>
  cut(bytes).reduce((sum, { type, id: of, payload }) => sum + (type === 0 && of === id ? payload.length : 0), 0)

t.test('a body waits for the window of its stream, then of the connection', async (t) => {
  const peer = serving(1)
  const { stream, events } = streamOf(peer)
  stream.sendFields(ok, false)
  t.equal(stream.write(Buffer.alloc(200_000), false), false, 'the user should wait')
  stream.sendFields([{ key: 'x-end', value: 'yes' }], true)
  await turn()
  t.equal(dataBytes(peer.sent(), 1), 65_535)
  peer.receive(widen(1, 1_000_000))
  t.equal(dataBytes(peer.sent(), 1), 0, 'the connection has no window')
  peer.receive(widen(0, 100_000))
  t.equal(dataBytes(peer.sent(), 1), 100_000)
  peer.receive(widen(0, 1_000_000))
  const rest = cut(peer.sent())
  t.same(
    rest.map(({ type }) => type),
    [0, 0, 0, 1],
    'trailers follow the data',
  )
  t.same(events, ['fields :method=GET :scheme=http :path=/ :authority=a end'], 'no wish for more behind the trailers')
  t.equal(peer.connection.openStreams, 0)
})

t.test('drained comes when half of what is too much is left', async (t) => {
  const peer = serving(1)
  const { stream, events } = streamOf(peer)
  stream.sendFields(ok, false)
  t.equal(stream.write(Buffer.alloc(65_535 + 65_536), false), true, 'as much as fits')
  t.equal(stream.write(Buffer.alloc(1), false), false)
  peer.receive(widen(0, 1_000_000), widen(1, 32_000))
  t.notOk(events.includes('drained'))
  peer.receive(widen(1, 1_000))
  t.equal(events.filter((event) => event === 'drained').length, 1)
})

t.test('INITIAL_WINDOW_SIZE changes streams that are open, below zero too', async (t) => {
  const peer = serving(1)
  const { stream } = streamOf(peer)
  stream.sendFields(ok, false)
  stream.write(Buffer.alloc(60_000), false)
  await turn()
  peer.sent()
  peer.receive(settings([4, 10]), widen(1, 59_990))
  stream.write(Buffer.alloc(10), false)
  await turn()
  t.equal(dataBytes(peer.sent(), 1), 0)
  peer.receive(widen(1, 3))
  t.equal(dataBytes(peer.sent(), 1), 3)
  peer.receive(settings([4, 1000]))
  t.equal(dataBytes(peer.sent(), 1), 7)
})

t.test('streams take turns', async (t) => {
  const peer = serving(2)
  peer.receive(widen(1, 1_000_000), widen(3, 1_000_000))
  for (const { stream } of peer.heard) {
    stream.sendFields(ok, false)
    stream.write(Buffer.alloc(150_000), true)
  }
  await turn()
  peer.sent()
  peer.receive(widen(0, 6 * 16_384))
  const ids = cut(peer.sent()).map(({ id }) => id)
  t.equal(ids.filter((id) => id === 1).length, 3)
  t.equal(ids.filter((id) => id === 3).length, 3)
})

t.test('a transport that wants a pause gets no more data', async (t) => {
  let takes = true
  const peer = serving(1, true, { takes: () => takes })
  const { stream, events } = streamOf(peer)
  takes = false
  stream.sendFields(ok, false)
  stream.write(Buffer.alloc(10), false)
  await turn()
  t.equal(dataBytes(peer.sent(), 1), 10)
  t.equal(stream.write(Buffer.alloc(40_000), false), true)
  t.equal(stream.write(Buffer.alloc(40_000), false), false)
  await turn()
  t.equal(peer.sent().length, 0)
  takes = true
  peer.connection.transportDrained()
  t.equal(dataBytes(peer.sent(), 1), 65_525)
  t.ok(events.includes('drained'))
})

t.test('a peer that asks and never reads is left', async (t) => {
  let takes = true
  const peer = serving(0, true, { takes: () => takes })
  takes = false
  const pings = Array.from({ length: 1000 }, () => frame(6, 0, 0, Buffer.alloc(8)))
  const big = [...ok, ...Array.from({ length: 100 }, (_, at) => ({ key: `n${at}`, value: 'x'.repeat(300) }))]
  for (let id = 1; id < 100 && peer.closed.length === 0; id += 2) {
    peer.receive(request(id), ...pings.slice(0, 50))
    peer.heard.at(-1)?.stream.sendFields(big, true)
    await turn()
  }
  t.match(peer.closed, [/does not read/])
})

t.test('the peer gets more window for what was used, not for what waits', async (t) => {
  const peer = serving(1, false)
  const { stream } = streamOf(peer)
  peer.receive(...Array.from({ length: 8 }, () => data(1, 16_384)))
  t.same(
    cut(peer.sent()).map(({ type, id }) => [type, id]),
    [[8, 1]],
    'half of the window of the stream',
  )
  stream.pause()
  peer.receive(...Array.from({ length: 16 }, () => data(1, 16_384)))
  t.equal(peer.sent().length, 0)
  peer.receive(data(1, 1))
  t.same(answers(peer), ['RST 1 FLOW_CONTROL_ERROR'], 'more than the window')
})

t.test('what a paused stream held goes back when it goes on, or ends', async (t) => {
  const limits = { connectionWindow: 128 * 1024 }
  const peer = serving(2, false, { limits })
  const [first, second] = [streamOf(peer, 0).stream, streamOf(peer, 1).stream]
  first.pause()
  second.pause()
  peer.receive(...Array.from({ length: 4 }, () => data(1, 16_384)), ...Array.from({ length: 4 }, () => data(3, 16_384)))
  t.equal(peer.sent().length, 0)
  first.resume()
  await turn()
  t.same(
    cut(peer.sent()).map(({ type, id }) => [type, id]),
    [[8, 0]],
  )
  second.reset(8)
  await turn()
  t.same(
    cut(peer.sent()).map(({ type, id }) => [type, id]),
    [
      [3, 3],
      [8, 0],
    ],
  )
  peer.receive(...Array.from({ length: 8 }, () => data(1, 16_384)), data(1, 1))
  t.same(peer.closed, [], 'the window is whole again')
})

t.test('who resets a stream and pauses it too takes nothing from the connection', async (t) => {
  const peer = createBytePeer({ limits: { connectionWindow: 65_535 } })
  peer.receive(hello)
  for (let id = 1; id < 40; id += 2) {
    peer.receive(request(id, false))
    const { stream } = streamOf(peer, (id - 1) / 2)
    stream.pause()
    peer.receive(data(id, 16_000))
    stream.reset(8)
    stream.pause()
    peer.receive(data(id, 16_000))
  }
  t.same(peer.closed, [])
})

t.test('more than the window of the connection', async (t) => {
  const peer = serving(3, false, { limits: { connectionWindow: 65_535 } })
  for (const { stream } of peer.heard) stream.pause()
  peer.receive(...[1, 3, 5].flatMap((id) => [data(id, 16_000), data(id, 16_000)]))
  t.same(answers(peer), ['GOAWAY FLOW_CONTROL_ERROR'])
  t.match(streamOf(peer).events.at(-1), /^aborted FLOW_CONTROL_ERROR/)
})

t.test('what is sent in one turn is written in one piece', async (t) => {
  const peer = serving(20, true, { onRequest: (stream) => stream.sendFields(ok, true) })
  t.equal(peer.writes(), 2, 'the greeting, and all answers')
  const late = serving(20)
  const before = late.writes()
  for (const { stream } of late.heard) stream.sendFields(ok, true)
  await turn()
  t.equal(late.writes(), before + 1)
})

t.test('heads of more than a frame', async (t) => {
  const peer = serving(1)
  const long = [...ok, ...Array.from({ length: 9 }, (_, at) => ({ key: `n${at}`, value: '{'.repeat(5000) }))]
  streamOf(peer).stream.sendFields(long, true)
  await turn()
  const frames = cut(peer.sent())
  t.same(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [1, 1],
      [9, 0],
      [9, 4],
    ],
  )
  const block = Buffer.concat(frames.map(({ payload }) => payload))
  t.same(
    peer.decoder.decode(block, 0, block.length)?.map(({ key, value }) => ({ key, value })),
    long,
  )
})

t.test('too long a list of fields is answered with 431', async (t) => {
  const peer = serving(0, true, { limits: { headerListBytes: 1000 } })
  const block = Buffer.concat([Buffer.from('82868441016100017a7fa106', 'hex'), Buffer.alloc(928, 'x')])
  peer.receive(frame(1, 4, 1, block), data(1, 10), frame(1, 5, 3, block))
  t.same(answers(peer), ['HEADERS 1 end', 'RST 1 NO_ERROR', 'HEADERS 3 end'])
  t.equal(peer.heard.length, 0)
})

t.test('a graceful end of a server', async (t) => {
  const peer = serving(1)
  peer.connection.goAway()
  await turn()
  const [farewell, ping] = cut(peer.sent())
  t.equal(farewell?.payload.readUInt32BE(0), 2 ** 31 - 1, 'requests on their way are still served')
  peer.receive(request(3))
  t.equal(peer.heard.length, 2)
  peer.receive(frame(6, 1, 0, ping?.payload), request(5))
  t.same(answers(peer), ['GOAWAY NO_ERROR', 'RST 5 REFUSED_STREAM'])
  for (const { stream } of peer.heard) stream.sendFields(ok, true)
  t.same(peer.closed, [])
  await turn()
  t.same(peer.closed, [undefined])
})

t.test('a server that goes away', async (t) => {
  const peer = createBytePeer({ role: 'client' })
  const [first, second] = [peer.ask(), peer.ask()]
  peer.receive(settings(), frame(7, 0, 0, Buffer.concat([uint32(1), uint32(0)])))
  t.match(second?.events, [/^aborted .*\(unprocessed\)$/])
  t.equal(peer.connection.canOpen, false)
  t.equal(peer.ask(), undefined)
  peer.receive(frame(1, 4, 1, okBlock), data(1, 3, 1))
  t.same(first?.events, ['fields :status=200', 'data 3 end'])
  t.same(peer.closed, [undefined])
})

t.test('interim answers and trailers of a server, and what it refuses', async (t) => {
  const peer = createBytePeer({ role: 'client' })
  const [first, second] = [peer.ask(), peer.ask()]
  const interim = '4803313033'
  peer.receive(settings(), frame(1, 4, 1, interim), frame(1, 4, 1, okBlock), data(1, 2), frame(1, 5, 1, '0001780179'))
  t.same(first?.events, ['fields :status=103', 'fields :status=200', 'data 2', 'fields x=y end'])
  peer.receive(frame(3, 0, 3, uint32(7)))
  t.same(second?.events, ['aborted reset: REFUSED_STREAM (unprocessed)'])
})

t.test('the number of streams that a server allows', async (t) => {
  const peer = createBytePeer({ role: 'client' })
  peer.receive(settings([3, 2]))
  t.ok(peer.ask())
  t.ok(peer.ask())
  t.equal(peer.ask(), undefined)
  peer.receive(frame(1, 5, 1, okBlock))
  t.ok(peer.connection.canOpen)
})

t.test('a transport that is gone', async (t) => {
  const peer = serving(2, false)
  peer.connection.transportClosed()
  t.match(
    peer.heard.map(({ events }) => events.at(-1)),
    [/^aborted/, /^aborted/],
  )
  const { stream } = streamOf(peer)
  stream.sendFields(ok, false)
  t.equal(stream.write(Buffer.alloc(100_000), true), true)
  stream.reset(0)
  await turn()
  t.equal(peer.sent().length, 0, 'calls on what is over do nothing')
})
