import t from 'tap'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../../src/proxy/ingress/http/refusal.ts'
import { parseResponseHead } from '../../../src/proxy/ingress/http/response-head.ts'

const parse = (method: string, ...lines: readonly string[]) =>
  parseResponseHead(`${lines.join('\r\n')}\r\n\r\n`, method, defaultLimits)

t.test('where the body ends', async (t) => {
  const body = (method: string, status: number, ...fields: readonly string[]) =>
    parse(method, `HTTP/1.1 ${status} OK`, ...fields).body
  t.equal(body('GET', 200, 'Content-Length: 5'), 5)
  t.equal(body('GET', 200, 'Transfer-Encoding: chunked'), 'chunked')
  t.equal(body('GET', 200), 'close')
  t.equal(body('HEAD', 200, 'Content-Length: 5'), 0)
  t.equal(body('HEAD', 200, 'Transfer-Encoding: chunked'), 0)
  t.equal(body('GET', 204), 0)
  t.equal(body('GET', 304, 'Content-Length: 5'), 0)
  t.equal(body('GET', 100), 0)
})

t.test('whether the connection goes on', async (t) => {
  t.match(parse('GET', 'HTTP/1.1 200 OK'), { keepAlive: true, keepAliveMs: undefined })
  t.match(parse('GET', 'HTTP/1.1 200 OK', 'Connection: Close'), { keepAlive: false, connection: ['close'] })
  t.match(parse('GET', 'HTTP/1.0 200 OK', 'Connection: keep-alive'), { keepAlive: false })
  t.match(parse('GET', 'HTTP/1.1 200 OK', 'Keep-Alive: timeout=5, max=100'), { keepAliveMs: 5_000 })
})

t.test('a reason may be missing', async (t) => {
  t.match(parse('GET', 'HTTP/1.1 200'), { status: 200, reason: '' })
  t.match(parse('GET', 'HTTP/1.1 200 '), { status: 200, reason: '' })
  t.match(parse('GET', 'HTTP/1.1 404 Not \xe9 Found'), { status: 404, reason: 'Not \xe9 Found' })
})

t.test('refused', async (t) => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    'not HTTP': ['SSH-2.0-OpenSSH'],
    'HTTP/2': ['HTTP/2 200 OK'],
    'status of two digits': ['HTTP/1.1 20 OK'],
    'status of four digits': ['HTTP/1.1 2000 OK'],
    'two blanks': ['HTTP/1.1  200 OK'],
    'control character in the reason': ['HTTP/1.1 200 O\x00K'],
    'length and coding': ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    'length twice': ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 5'],
    'coding other than chunked': ['HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked'],
    'coding in HTTP/1.0': ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'],
    'folded line': ['HTTP/1.1 200 OK', 'X: y', ' z'],
    'blank before the colon': ['HTTP/1.1 200 OK', 'X : y'],
    'bare LF': ['HTTP/1.1 200 OK', 'X: y\nSet-Cookie: z'],
  }
  for (const [name, lines] of Object.entries(wrong))
    try {
      parse('GET', ...lines)
      t.fail(name)
    } catch (error) {
      t.ok(isRefusal(error), name)
    }
})
