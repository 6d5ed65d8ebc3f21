/** What peers may do only so often. Time stands still but where a test moves it. */
import t from 'tap'
import { answers, createBytePeer, frame, getBlock, hello, request, settings, uint32 } from '../../../support/h2-peer.ts'

const calm = 'GOAWAY ENHANCE_YOUR_CALM'
const reset = (id: number): Buffer => frame(3, 0, id, uint32(8))
const odd = (at: number): number => 2 * at + 1

/** Frames of which one more makes a flood, by its number. */
const floods: Readonly<Record<string, (at: number) => Buffer>> = {
  PING: () => frame(6, 0, 0, Buffer.alloc(8)),
  SETTINGS: () => settings(),
  'SETTINGS acknowledged': () => frame(4, 1, 0),
  'empty DATA': () => frame(0, 0, 1),
  'DATA of padding': () => frame(0, 8, 1, '00'),
  PRIORITY: () => frame(2, 0, 1, '0000000000'),
  WINDOW_UPDATE: () => frame(8, 0, 1, uint32(1)),
  'unknown frames': () => frame(99, 0, 0),
  GOAWAY: () => frame(7, 0, 0, Buffer.alloc(8)),
  'RST_STREAM of what is gone': () => reset(1),
  'requests that are reset': (at) => Buffer.concat([request(odd(at + 1), false), reset(odd(at + 1))]),
  'requests that make us reset them': (at) =>
    Buffer.concat([request(odd(at + 1)), frame(8, 0, odd(at + 1), uint32(0))]),
  'CONTINUATION without an end': (at) => (at === 0 ? frame(1, 1, 3, getBlock) : frame(9, 0, 3)),
  'DATA of streams that are gone': (at) => (at === 0 ? reset(1) : frame(0, 0, 1, '00')),
}

const limits = { resetsPerSecond: 10, controlFramesPerSecond: 10 }

t.test('floods end the connection', async (t) => {
  for (const [name, make] of Object.entries(floods)) {
    const peer = createBytePeer({ limits })
    peer.receive(hello, request(1, false))
    const last = (): string | undefined => answers(peer).at(-1)
    let said: string | undefined
    for (let at = 0; at < 300 && peer.closed.length === 0; at++) {
      peer.receive(make(at))
      said = last() ?? said
    }
    t.match(said, /GOAWAY (ENHANCE_YOUR_CALM|STREAM_CLOSED)/, name)
    t.equal(peer.closed.length, 1)
    peer.receive(hello)
    t.same(answers(peer), [], 'nothing is said after it')
  }
})

t.test('a header block without an end, in whole frames', async (t) => {
  const peer = createBytePeer()
  const part = Buffer.alloc(16_384)
  peer.receive(hello, frame(1, 1, 1, part), frame(9, 0, 1, part), frame(9, 0, 1, part), frame(9, 0, 1, part))
  t.same(answers(peer), [])
  peer.receive(frame(9, 0, 1, '00'))
  t.same(answers(peer), [calm])
})

t.test('what is slow enough goes on for ever', async (t) => {
  let time = 0
  const peer = createBytePeer({ limits, now: () => time })
  peer.receive(hello)
  for (let at = 0; at < 500; at++) {
    time += 200
    peer.receive(request(odd(at), false), reset(odd(at)), frame(6, 0, 0, Buffer.alloc(8)))
  }
  t.same(peer.closed, [])
})

t.test('window updates go with the data that they are for', async (t) => {
  const peer = createBytePeer({ limits })
  peer.receive(hello, request(1))
  peer.heard[0]?.stream.sendFields([{ key: ':status', value: '200' }], false)
  for (let at = 0; at < 500; at++) {
    peer.heard[0]?.stream.write(Buffer.alloc(100), false)
    peer.receive(frame(8, 0, 0, uint32(100)), frame(8, 0, 1, uint32(100)))
  }
  t.same(peer.closed, [])
})

t.test('requests beyond the allowed number are refused', async (t) => {
  const peer = createBytePeer({ limits: { maxConcurrentStreams: 3 } })
  peer.receive(hello, ...[1, 3, 5, 7].map((id) => request(id)))
  t.same(answers(peer), ['RST 7 REFUSED_STREAM'])
  t.equal(peer.heard.length, 3)
})
