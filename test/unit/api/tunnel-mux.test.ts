import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createMux, type MessageLink, type MuxOptions } from '../../../src/api/tunnel/mux.ts'
import { rounds } from '../../support/rounds.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { until } from '../../support/until.ts'

/** Two ends of a link within this process; what is sent arrives later, and may be looked at. */
const linkPair = () => {
  const closed: string[] = []
  const ends = [0, 1].map(() => ({
    sent: [] as Buffer[],
    take: (_message: Buffer): void => undefined,
    closed: (): void => undefined,
  }))
  const close = (why: string): void => {
    closed.push(why)
    for (const end of ends) queueMicrotask(() => end.closed())
  }
  const linkOf = (own: (typeof ends)[number], other: (typeof ends)[number]): MessageLink => ({
    send: (message, sent) => {
      own.sent.push(message)
      setImmediate(() => {
        other.take(message)
        sent()
      })
    },
    onMessage: (handler) => {
      own.take = handler
    },
    onClose: (handler) => {
      own.closed = handler
    },
    close,
  })
  const [a, b] = ends
  if (!a || !b) throw new Error('no ends')
  return { a: linkOf(a, b), b: linkOf(b, a), ends: { a, b }, closed, close }
}

const open = (options: MuxOptions = {}, onStream?: (stream: Duplex) => void) => {
  const pair = linkPair()
  const accepted: Duplex[] = []
  const opener = createMux(pair.a, options)
  const acceptor = createMux(pair.b, {
    ...options,
    accept: (stream) => {
      accepted.push(stream)
      onStream?.(stream)
    },
  })
  return { ...pair, opener, acceptor, accepted }
}

const frame = (type: number, id: number, payload = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt8(type)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, payload])
}

t.test('bytes go both ways, and each side ends its own', async (t) => {
  const { opener, acceptor } = open({}, (stream) => stream.pipe(stream))
  const streams = Array.from({ length: 50 }, () => opener.open())
  const said = await Promise.all(
    streams.map((stream, at) => {
      stream.end(`hello ${at} `.repeat(1000))
      return text(stream)
    }),
  )
  t.same(
    said,
    streams.map((_stream, at) => `hello ${at} `.repeat(1000)),
  )
  await until(() => opener.streams + acceptor.streams === 0, 'the end of all streams')
})

t.test('what nobody reads holds up its own stream and no other', async (t) => {
  const { opener, accepted, ends } = open({ windowBytes: 100_000 })
  const slow = opener.open()
  slow.write(Buffer.alloc(1_000_000))
  const other = opener.open()
  other.end('quick')
  const stream = await until(() => accepted[1], 'the second stream')
  t.equal(await text(stream), 'quick')
  const bytes = () => ends.a.sent.filter((message) => message[0] === 2).reduce((sum, each) => sum + each.length - 5, 0)
  await until(() => bytes() > 100_000, 'a full window')
  await until(() => (accepted[0]?.readableLength ?? 0) >= 64 * 1024, 'what arrives and is not read')
  t.ok(bytes() < 200_000, 'no more than the window and what a stream holds')
  const read = once(accepted[0] ?? slow, 'end')
  accepted[0]?.resume()
  slow.end()
  await read
  t.equal(bytes(), 1_000_005)
})

t.test('an end before the end reaches the other side', async (t) => {
  const { opener, accepted, acceptor } = open()
  const stream = opener.open()
  stream.write('x')
  const other = await until(() => accepted[0], 'the stream')
  stream.destroy()
  await until(() => other.closed, 'its end')
  t.match(other.errored, /gave the stream up/)
  const next = opener.open()
  next.write('y')
  const accepting = await until(() => accepted[1], 'the next stream')
  accepting.destroy(new Error('enough'))
  await until(() => next.closed, 'its end')
  t.match(next.errored, /gave the stream up/)
  await until(() => opener.streams + acceptor.streams === 0, 'the end of all streams')
})

t.test('the end of the connection is the end of its streams', async (t) => {
  const { opener, accepted, close } = open()
  const stream = opener.open()
  stream.write('x')
  await until(() => accepted[0], 'the stream')
  close('power cut')
  await until(() => [stream, ...accepted].every(({ closed }) => closed), 'the end of both')
  t.match(stream.errored, /connection of the node has ended/)
  t.throws(() => opener.open(), /has ended/)
})

t.test('there are only so many streams', async (t) => {
  const { opener } = open({ maxStreams: 3 })
  const streams = [opener.open(), opener.open(), opener.open()]
  t.throws(() => opener.open(), /more than 3 streams/)
  streams[0]?.destroy()
  await until(() => opener.streams === 2, 'room')
  t.ok(opener.open())
})

const offences: Readonly<Record<string, readonly Buffer[]>> = {
  'a frame without a head': [Buffer.from([1, 0])],
  'an empty message': [Buffer.alloc(0)],
  'an unknown type': [frame(1, 1), frame(9, 1)],
  'a stream number that was there': [frame(1, 2), frame(1, 2)],
  'a stream number that goes back': [frame(1, 2), frame(1, 1)],
  'the stream 0': [frame(1, 0)],
  'bytes for a stream that was never opened': [frame(2, 7, Buffer.from('x'))],
  'an opening with a body': [frame(1, 1, Buffer.from('x'))],
  'bytes after the end': [frame(1, 1), frame(3, 1), frame(2, 1, Buffer.from('x'))],
  'two ends': [frame(1, 1), frame(3, 1), frame(3, 1)],
  'no bytes': [frame(1, 1), frame(2, 1)],
  'a grant of nothing': [frame(1, 1), frame(5, 1, Buffer.alloc(4))],
  'a grant of too much': [frame(1, 1), frame(5, 1, Buffer.from([255, 255, 255, 255]))],
  'a grant of three bytes': [frame(1, 1), frame(5, 1, Buffer.alloc(3))],
  'more in a frame than fits': [frame(1, 1), frame(2, 1, Buffer.alloc(64 * 1024 + 1))],
  'more than was asked for': [frame(1, 1), ...Array.from({ length: 9 }, () => frame(2, 1, Buffer.alloc(32 * 1024)))],
  'more streams than there may be': Array.from({ length: 4 }, (_each, at) => frame(1, at + 1)),
}

for (const [name, messages] of Object.entries(offences))
  t.test(`${name} ends the connection`, async (t: Test) => {
    const { ends, closed, accepted } = open({ maxStreams: 3 })
    for (const message of messages) ends.b.take(message)
    t.equal(closed.length, 1)
    t.match(closed[0], /^broken framing: /)
    t.ok(
      accepted.every(({ destroyed }) => destroyed),
      'and all of its streams',
    )
  })

t.test('whoever opens accepts none', async (t) => {
  const { ends, closed } = open()
  ends.a.take(frame(1, 1))
  t.match(closed[0], /^broken framing: /)
})

t.test('any bytes do at most that', async (t) => {
  const random = createSeededRandom(11)
  for (let round = 0; round < rounds(300, 5_000); round++) {
    const { ends, closed, acceptor, accepted } = open({ maxStreams: 8, windowBytes: 1_000 })
    for (let at = 0; at < 50 && closed.length === 0; at++) {
      const payload = Buffer.alloc(random.pick([0, 0, 0, 1, 4, 4, 100, 900]), random.below(256))
      ends.b.take(frame(random.pick([1, 1, 2, 2, 3, 4, 5, 6]), random.below(6), payload))
      if (accepted.some((stream) => stream.readableLength > 1_000)) t.fail('more than the window is held')
    }
    if (closed.length > 0 && acceptor.streams > 0) await until(() => acceptor.streams === 0, 'the end of all streams')
  }
  t.pass('no throw, no growth')
})
