import t from 'tap'
import { createBodyReader } from '../../../src/proxy/ingress/http/body.ts'
import { isRefusal } from '../../../src/proxy/ingress/http/refusal.ts'
import { checkRequestTrailer } from '../../../src/proxy/ingress/http/request-text.ts'

interface Read {
  readonly passed: string
  /** Bytes that do not belong to the body. */
  readonly rest: string
  readonly done: boolean
  readonly pieces: number
}

/** Feeds the parts one after another to a reader; a refusal comes out as its message. */
const read = (parts: readonly string[], decode = false): Read | string => {
  const reader = createBodyReader('chunked', { decode, maxTrailerBytes: 100, checkTrailer: checkRequestTrailer })
  const passed: string[] = []
  let rest = ''
  try {
    for (const part of parts) {
      const taken = reader.read(Buffer.from(part, 'latin1'), (piece) => void passed.push(piece.toString('latin1')))
      rest += part.slice(taken)
    }
  } catch (error) {
    if (isRefusal(error)) return error.message
    throw error
  }
  return { passed: passed.join(''), rest, done: reader.done, pieces: passed.length }
}

const body = '5\r\nhello\r\nA;name="value"\r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\n'
const withoutExtension = body.replace(';name="value"', '')

t.test('passed on as it came, without extensions', async (t) => {
  t.match(read([`${body}GET`]), { passed: withoutExtension, rest: 'GET', done: true })
  t.match(read(['0\r\n\r\n']), { passed: '0\r\n\r\n', rest: '', done: true })
})

t.test('decoded for those who do not know the coding', async (t) => {
  t.match(read([`${body}GET`], true), { passed: 'hello0123456789', rest: 'GET', done: true })
})

t.test('an ordinary chunk passes in one piece', async (t) => {
  t.match(read(['5\r\nhello\r\n3\r\nabc\r\n']), { passed: '5\r\nhello\r\n3\r\nabc\r\n', pieces: 1, done: false })
})

t.test('the same wherever the bytes are split', async (t) => {
  for (let first = 0; first <= body.length; first++)
    for (let second = first; second <= body.length; second += 3) {
      const parts = [body.slice(0, first), body.slice(first, second), `${body.slice(second)}rest`]
      const { passed, rest, done } = read(parts) as Read
      if (passed !== withoutExtension || rest !== 'rest' || !done) return t.fail(`split at ${first} and ${second}`)
    }
  t.match(read([...body]), { passed: withoutExtension, done: true })
})

t.test('nothing is taken after the end', async (t) => {
  t.match(read(['0\r\n\r\n', 'GET', '0\r\n\r\n']), { passed: '0\r\n\r\n', rest: 'GET0\r\n\r\n' })
})

const wrong: Readonly<Record<string, readonly [text: string, message: string]>> = {
  'no size': ['\r\nhello', 'wrong chunk size'],
  'size with a sign': ['+5\r\nhello', 'wrong chunk size'],
  'negative size': ['-1\r\n', 'wrong chunk size'],
  'size with 0x': ['0x5\r\nhello', 'wrong chunk framing'],
  'size with a blank in front': [' 5\r\nhello', 'wrong chunk size'],
  'size with a blank behind': ['5 \r\nhello', 'wrong chunk framing'],
  'size with an underscore': ['1_0\r\n', 'wrong chunk framing'],
  'size beyond exactness': ['00000000000005\r\nhello', 'wrong chunk size'],
  'huge size': ['FFFFFFFFFFFFFFFFF\r\n', 'wrong chunk size'],
  'bare LF after the size': ['5\nhello', 'wrong chunk framing'],
  'CR without LF after the size': ['5\rhello', 'wrong chunk framing'],
  'bare LF after the data': ['5\r\nhello\n0\r\n\r\n', 'wrong chunk framing'],
  'data longer than its size': ['5\r\nhelloworld\r\n', 'wrong chunk framing'],
  'data shorter than its size': ['5\r\nhell\r\n0\r\n\r\n', 'wrong chunk framing'],
  'LF in an extension': ['5;a\nb\r\nhello', 'wrong chunk framing'],
  'CR in an extension': ['5;a\rb\r\nhello', 'wrong chunk framing'],
  'NUL in an extension': ['5;\x00\r\nhello', 'wrong chunk extension'],
  'extension beyond ASCII': ['5;\xff\r\nhello', 'wrong chunk extension'],
  'extension without a name': ['5;\r\nhello', 'wrong chunk extension'],
  'extension with an open quote': ['5;a="b\r\nhello', 'wrong chunk extension'],
  'endless extension': [`5;${'a'.repeat(300)}`, 'chunk extension too long'],
  'bare LF after the last chunk': ['0\n\n', 'wrong chunk framing'],
  'folded trailer': ['0\r\nX: y\r\n z\r\n\r\n', 'folded field line'],
  'bare LF in a trailer': ['0\r\nX: y\nZ: z\r\n\r\n', 'control character in a field value'],
  'trailer too large': [`0\r\nX: ${'y'.repeat(200)}`, 'trailer too large'],
  'length in a trailer': ['0\r\nContent-Length: 5\r\n\r\n', 'Content-Length in a trailer'],
  'coding in a trailer': ['0\r\nTransfer_Encoding: chunked\r\n\r\n', 'Transfer_Encoding in a trailer'],
  'forged address in a trailer': ['0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n', 'X-Forwarded-For in a trailer'],
}

t.test('refused', async (t) => {
  for (const [name, [text, message]] of Object.entries(wrong)) {
    t.equal(read([text]), message, name)
    t.equal(read([...text]), message, `${name}, byte by byte`)
  }
})

t.test('other framings', async (t) => {
  const options = { decode: false, maxTrailerBytes: 100, checkTrailer: () => {} }
  const passed: string[] = []
  const pass = (piece: Buffer) => void passed.push(piece.toString())
  const exact = createBodyReader(5, options)
  t.equal(exact.read(Buffer.from('hel'), pass), 3)
  t.equal(exact.done, false)
  t.equal(exact.read(Buffer.from('lo GET'), pass), 2)
  t.equal(exact.done, true)
  t.equal(exact.read(Buffer.from('GET'), pass), 0)
  const none = createBodyReader(0, options)
  t.equal(none.read(Buffer.from('GET'), pass), 0)
  t.equal(none.done, true)
  const endless = createBodyReader('close', options)
  t.equal(endless.read(Buffer.from('all'), pass), 3)
  t.equal(endless.done, false)
  t.same(passed, ['hel', 'lo', 'all'])
})
