/** Wrong frames: what goes in, and what is said to it, by the sections of RFC 9113. */
import t from 'tap'
import {
  answers,
  createBytePeer,
  frame,
  getBlock,
  hello,
  okBlock,
  request,
  settings,
  uint32,
} from '../../../support/h2-peer.ts'

const data = (id: number, bytes: number, flags = 0): Buffer => frame(0, flags, id, Buffer.alloc(bytes))
const reset = (id: number): Buffer => frame(3, 0, id, uint32(8))
const widen = (id: number, by: number): Buffer => frame(8, 0, id, uint32(by))
const goAway = (last: number, code = 0): Buffer => frame(7, 0, 0, Buffer.concat([uint32(last), uint32(code)]))
/** A block with a table index that is not there. */
const wrongBlock = 'ff00'

type Case = readonly [frames: readonly Buffer[], said: readonly string[]]

const serverCases: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  '3.4 preface': {
    right: [[hello], []],
    'HTTP/1.1': [[Buffer.from('GET / HTTP/1.1\r\n\r\n')], ['GOAWAY PROTOCOL_ERROR']],
    'SETTINGS missing': [[hello.subarray(0, 24), frame(6, 0, 0, Buffer.alloc(8))], ['GOAWAY PROTOCOL_ERROR']],
  },
  '4.2 frame size': {
    'too long': [[hello, data(1, 16_385)], ['GOAWAY FRAME_SIZE_ERROR']],
    'length alone': [[hello, Buffer.from('ffffff000000000001', 'hex')], ['GOAWAY FRAME_SIZE_ERROR']],
  },
  '4.3 field sections': {
    'wrong block': [[hello, frame(1, 5, 1, wrongBlock)], ['GOAWAY COMPRESSION_ERROR']],
    'wrong block for a stream that is reset': [
      [hello, request(1, false), widen(1, 0), frame(1, 5, 1, wrongBlock)],
      ['RST 1 PROTOCOL_ERROR', 'GOAWAY COMPRESSION_ERROR'],
    ],
    'another frame inside': [[hello, frame(1, 1, 1, getBlock), data(1, 1)], ['GOAWAY PROTOCOL_ERROR']],
    'another stream inside': [[hello, frame(1, 1, 1, getBlock), frame(9, 4, 3)], ['GOAWAY PROTOCOL_ERROR']],
    'unknown type inside': [[hello, frame(1, 1, 1, getBlock), frame(77, 0, 1)], ['GOAWAY PROTOCOL_ERROR']],
  },
  '5.1 stream states': {
    'DATA on an idle stream': [[hello, data(1, 1)], ['GOAWAY PROTOCOL_ERROR']],
    'RST_STREAM on an idle stream': [[hello, reset(1)], ['GOAWAY PROTOCOL_ERROR']],
    'WINDOW_UPDATE on an idle stream': [[hello, widen(1, 1)], ['GOAWAY PROTOCOL_ERROR']],
    'PRIORITY on an idle stream': [[hello, frame(2, 0, 1, '0000000000')], []],
    'DATA behind the end': [[hello, request(1), data(1, 1)], ['RST 1 STREAM_CLOSED']],
    'HEADERS behind the end': [[hello, request(1), request(1)], ['RST 1 STREAM_CLOSED']],
    'HEADERS behind a reset of the peer': [[hello, request(1, false), reset(1), request(1)], ['GOAWAY STREAM_CLOSED']],
    'DATA behind a reset of the peer': [[hello, request(1, false), reset(1), data(1, 1)], ['RST 1 STREAM_CLOSED']],
    'all sorts behind our reset': [
      [hello, request(1, false), widen(1, 0), data(1, 5), frame(1, 5, 1, getBlock), widen(1, 1), reset(1)],
      ['RST 1 PROTOCOL_ERROR'],
    ],
  },
  '5.1.1 stream numbers': {
    'an even one': [[hello, request(2)], ['GOAWAY PROTOCOL_ERROR']],
    'a lower one': [[hello, request(5), request(3)], ['GOAWAY STREAM_CLOSED']],
    'with a gap': [[hello, request(5), request(9)], []],
  },
  '5.5 extensions': { 'unknown type': [[hello, frame(200, 255, 7, '00')], []] },
  '6.1 DATA': {
    'on stream 0': [[hello, data(0, 1)], ['GOAWAY PROTOCOL_ERROR']],
    'padding as long as the frame': [[hello, request(1, false), frame(0, 8, 1, '03000000')], []],
    'padding longer than the frame': [
      [hello, request(1, false), frame(0, 8, 1, '04000000')],
      ['GOAWAY PROTOCOL_ERROR'],
    ],
    'padded without a length': [[hello, request(1, false), frame(0, 8, 1)], ['GOAWAY FRAME_SIZE_ERROR']],
  },
  '6.2 HEADERS': {
    'on stream 0': [[hello, request(0)], ['GOAWAY PROTOCOL_ERROR']],
    'padding longer than the frame': [[hello, frame(1, 0xd, 1, 'ff82')], ['GOAWAY PROTOCOL_ERROR']],
    'too short for a priority': [[hello, frame(1, 0x25, 1, '00000000')], ['GOAWAY FRAME_SIZE_ERROR']],
    'padding and priority': [[hello, frame(1, 0x2d, 1, `020000000010${getBlock}0000`)], []],
    'trailers that do not end': [[hello, request(1, false), request(1, false)], ['RST 1 PROTOCOL_ERROR']],
  },
  '6.3 PRIORITY': {
    'on stream 0': [[hello, frame(2, 0, 0, '0000000000')], ['GOAWAY PROTOCOL_ERROR']],
    'of four bytes': [[hello, request(1), frame(2, 0, 1, '00000000')], ['RST 1 FRAME_SIZE_ERROR']],
  },
  '6.4 RST_STREAM': {
    'on stream 0': [[hello, reset(0)], ['GOAWAY PROTOCOL_ERROR']],
    'of three bytes': [[hello, request(1), frame(3, 0, 1, '000000')], ['GOAWAY FRAME_SIZE_ERROR']],
  },
  '6.5 SETTINGS': {
    'on a stream': [[hello, frame(4, 0, 1)], ['GOAWAY PROTOCOL_ERROR']],
    'of five bytes': [[hello, frame(4, 0, 0, '0000000000')], ['GOAWAY FRAME_SIZE_ERROR']],
    'acknowledged with content': [[hello, frame(4, 1, 0, '000300000001')], ['GOAWAY FRAME_SIZE_ERROR']],
    'ENABLE_PUSH of 2': [[hello, settings([2, 2])], ['GOAWAY PROTOCOL_ERROR']],
    'INITIAL_WINDOW_SIZE too large': [[hello, settings([4, 2 ** 31])], ['GOAWAY FLOW_CONTROL_ERROR']],
    'MAX_FRAME_SIZE too small': [[hello, settings([5, 16_383])], ['GOAWAY PROTOCOL_ERROR']],
    'MAX_FRAME_SIZE too large': [[hello, settings([5, 2 ** 24])], ['GOAWAY PROTOCOL_ERROR']],
    'unknown one': [[hello, settings([99, 1])], []],
  },
  '6.6 PUSH_PROMISE': {
    'of a client': [[hello, request(1, false), frame(5, 4, 1, '00000002')], ['GOAWAY PROTOCOL_ERROR']],
  },
  '6.7 PING': {
    right: [[hello, frame(6, 0, 0, '0102030405060708')], ['PING 0 ack']],
    'on a stream': [[hello, frame(6, 0, 1, Buffer.alloc(8))], ['GOAWAY PROTOCOL_ERROR']],
    'of seven bytes': [[hello, frame(6, 0, 0, Buffer.alloc(7))], ['GOAWAY FRAME_SIZE_ERROR']],
    'acknowledged unasked': [[hello, frame(6, 1, 0, Buffer.alloc(8))], []],
  },
  '6.8 GOAWAY': {
    'on a stream': [[hello, frame(7, 0, 1, Buffer.alloc(8))], ['GOAWAY PROTOCOL_ERROR']],
    'of seven bytes': [[hello, frame(7, 0, 0, Buffer.alloc(7))], ['GOAWAY FRAME_SIZE_ERROR']],
  },
  '6.9 WINDOW_UPDATE': {
    'of three bytes': [[hello, frame(8, 0, 0, '000001')], ['GOAWAY FRAME_SIZE_ERROR']],
    'of nothing': [[hello, widen(0, 0)], ['GOAWAY PROTOCOL_ERROR']],
    'of nothing for a stream': [[hello, request(1), widen(1, 0)], ['RST 1 PROTOCOL_ERROR']],
    'beyond what a window can be': [[hello, widen(0, 2 ** 31 - 1)], ['GOAWAY FLOW_CONTROL_ERROR']],
    'beyond it for a stream': [[hello, request(1), widen(1, 2 ** 31 - 1)], ['RST 1 FLOW_CONTROL_ERROR']],
    'beyond it by SETTINGS': [
      [hello, request(1), widen(1, 2 ** 31 - 1 - 65_535), settings([4, 65_536])],
      ['GOAWAY FLOW_CONTROL_ERROR'],
    ],
  },
  '6.10 CONTINUATION': {
    'of nothing': [[hello, frame(9, 4, 1, getBlock)], ['GOAWAY PROTOCOL_ERROR']],
    'behind a whole block': [[hello, request(1), frame(9, 4, 1)], ['GOAWAY PROTOCOL_ERROR']],
    right: [[hello, frame(1, 1, 1, getBlock.slice(0, 4)), frame(9, 0, 1), frame(9, 4, 1, getBlock.slice(4))], []],
  },
}

/** The client has sent its requests on streams 1 and 3, the second without an end. */
const clientCases: Readonly<Record<string, Case>> = {
  'an answer': [[settings(), frame(1, 5, 1, okBlock)], []],
  'a push': [[settings(), frame(5, 4, 1, '0000000288')], ['GOAWAY PROTOCOL_ERROR']],
  'an answer on an even stream': [[settings(), frame(1, 5, 2, okBlock)], ['GOAWAY PROTOCOL_ERROR']],
  'an answer to nothing': [[settings(), frame(1, 5, 5, okBlock)], ['GOAWAY PROTOCOL_ERROR']],
  'a second answer': [[settings(), frame(1, 5, 1, okBlock), frame(1, 5, 1, okBlock)], ['GOAWAY STREAM_CLOSED']],
  'data before the head': [[settings(), data(1, 1)], ['RST 1 PROTOCOL_ERROR']],
  'an interim answer that ends': [[settings(), frame(1, 5, 1, '0803313030')], ['RST 1 PROTOCOL_ERROR']],
  'ENABLE_PUSH of a server': [[settings([2, 1])], ['GOAWAY PROTOCOL_ERROR']],
  'SETTINGS missing': [[frame(1, 5, 1, okBlock)], ['GOAWAY PROTOCOL_ERROR']],
  'GOAWAY, then all is answered': [[settings(), goAway(3), frame(1, 5, 1, okBlock), frame(1, 5, 3, okBlock)], []],
}

t.test('wrong frames of a client', async (t) => {
  for (const [section, cases] of Object.entries(serverCases))
    for (const [name, [frames, said]] of Object.entries(cases)) {
      const whole = createBytePeer()
      whole.receive(...frames)
      t.same(answers(whole), said, `${section}: ${name}`)
      t.equal(whole.closed.length, said.some((text) => text.startsWith('GOAWAY')) ? 1 : 0, 'closed once, if at all')
      const bytewise = createBytePeer()
      for (const byte of Buffer.concat(frames)) bytewise.receive(Buffer.of(byte))
      t.same(answers(bytewise), said, 'a byte at a time')
    }
})

t.test('wrong frames of a server', async (t) => {
  for (const [name, [frames, said]] of Object.entries(clientCases)) {
    const peer = createBytePeer({ role: 'client' })
    peer.ask()
    peer.ask(false)
    await Promise.resolve()
    answers(peer)
    peer.receive(...frames)
    t.same(answers(peer), said, name)
  }
})
