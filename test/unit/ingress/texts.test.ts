/** Heads as they leave: towards backends, towards clients, and the proxy's own answers. */
import t from 'tap'
import { trailerLines } from '../../../src/proxy/ingress/http/fields.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import { createRequestIds } from '../../../src/proxy/ingress/http/request-id.ts'
import {
  checkRequestTrailer,
  requestFields,
  requestText,
  type Via,
  viaFields,
} from '../../../src/proxy/ingress/http/request-text.ts'
import { parseResponseHead } from '../../../src/proxy/ingress/http/response-head.ts'
import {
  createHttpDate,
  type Delivery,
  plainReply,
  replyText,
  responseText,
} from '../../../src/proxy/ingress/http/response-text.ts'

const via: Via = {
  clientAddress: '10.9.8.7',
  forwardedFor: '10.9.8.7',
  scheme: 'http',
  port: 80,
  localAuthority: '10.0.0.1',
}
const forwarded = [
  'X-Real-IP: 10.9.8.7',
  'X-Forwarded-For: 10.9.8.7',
  'X-Forwarded-Proto: http',
  'X-Forwarded-Scheme: http',
  'X-Scheme: http',
  'X-Forwarded-Port: 80',
  'Forwarded: for=10.9.8.7;proto=http',
]

/** What backends behind ingress-nginx know to come from the proxy alone. */
const owned = [
  ...['X-Request-ID', 'X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Proto'],
  ...['X-Forwarded-Scheme', 'X-Forwarded-Prefix', 'X-Scheme', 'X-Original-Forwarded-For', 'X-Original-URI'],
  ...['X-Original-URL', 'X-Original-Method', 'X-Auth-Request-Redirect', 'X-Sent-From', 'Proxy', 'Forwarded'],
  ...['SSL-Client-Verify', 'SSL-Client-Subject-DN', 'SSL-Client-Issuer-DN', 'SSL-Client-Cert'],
]

/** The lines that a backend gets for these. */
const request = (...lines: readonly string[]): readonly string[] => {
  const head = parseRequestHead(`${lines.join('\r\n')}\r\n\r\n`, defaultLimits)
  return requestText(
    { head, target: head.target, host: head.authority, changes: undefined },
    via,
    viaFields(via),
    () => 'new-id',
  )
    .split('\r\n')
    .slice(0, -2)
}

t.test('a request goes on with its own fields and ours', async (t) => {
  t.same(request('GET /a//%62?q HTTP/1.1', 'Host: A.lab:80', 'accept: x', 'X-Two:  b'), [
    'GET /a//%62?q HTTP/1.1',
    'Host: A.lab:80',
    'accept: x',
    'X-Two: b',
    ...forwarded,
    'X-Forwarded-Host: A.lab:80',
    'X-Request-ID: new-id',
  ])
})

t.test('what ends here, and what only the proxy may say, does not pass', async (t) => {
  const text = request(
    'GET / HTTP/1.1',
    'Host: a.lab',
    'Connection: keep-alive, X-Hop, X-Real-IP',
    'X-Hop: 1',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: x',
    'Proxy-Authorization: x',
    'TE: trailers',
    'Upgrade: websocket',
    'Forwarded: for=1.1.1.1',
    'X-Forwarded-For: 1.1.1.1',
    'x-forwarded-prefix: /admin',
    'X_Forwarded_Proto: https',
    'X-Real_IP: 1.1.1.1',
    'Content_Length: 5',
    'Transfer_Encoding: chunked',
    'Proxy: http://evil',
    ...owned.map((name) => `${name}: {forged}`),
    ...owned.map((name) => `${name.replaceAll('-', '_').toLowerCase()}: {forged}`),
    'My_Field: kept',
  )
  t.same(text.slice(2), ['My_Field: kept', ...forwarded, 'X-Forwarded-Host: a.lab', 'X-Request-ID: new-id'])
})

t.test('the same in trailers and for backends of HTTP/2', async (t) => {
  for (const name of owned)
    for (const key of [name.toLowerCase(), name.toLowerCase().replaceAll('-', '_')])
      t.throws(() => checkRequestTrailer({ name, key, value: '{forged}' }), key)
  const lines = ['GET / HTTP/1.1', 'Host: a.lab', ...owned.map((name) => `${name}: {forged}`)]
  const head = parseRequestHead(`${lines.join('\r\n')}\r\n\r\n`, defaultLimits)
  const outgoing = { head, target: '/', host: 'a.lab', changes: undefined }
  const fields = requestFields(outgoing, via, 'http', () => 'new-id')
  t.notOk(fields.some(({ value }) => value === '{forged}'))
  t.same(
    fields.filter(({ key }) => key === 'x-scheme'),
    [{ key: 'x-scheme', value: 'http' }],
  )
})

t.test('where a policy sets or removes a field of ours, it has the last word, and there is one', async (t) => {
  const head = parseRequestHead('GET / HTTP/1.1\r\nHost: a.lab\r\nX-Real-IP: 1.1.1.1\r\n\r\n', defaultLimits)
  for (const name of ['X-Real-IP', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Request-ID', 'Forwarded', 'X-Scheme']) {
    const key = name.toLowerCase()
    for (const appended of [[[name, 'policy'] as const], []]) {
      const outgoing = { head, target: '/', host: 'a.lab', changes: { dropped: new Set([key]), appended } }
      const lines = requestText(outgoing, via, viaFields(via), () => 'new-id').split('\r\n')
      t.same(
        lines.filter((line) => line.toLowerCase().startsWith(`${key}:`)),
        appended.map(([, value]) => `${name}: ${value}`),
      )
      t.equal(lines.length, 12 + appended.length, 'all others are there')
      t.same(
        requestFields(outgoing, via, 'http', () => 'new-id').filter((field) => field.key === key),
        appended.map(([, value]) => ({ key, value })),
      )
    }
  }
})

t.test('a request id is kept when it is one', async (t) => {
  const id = (...values: readonly string[]) =>
    request('GET / HTTP/1.1', 'Host: a', ...values.map((value) => `X-Request-Id: ${value}`)).at(-1)
  t.equal(id('abc-123'), 'X-Request-ID: abc-123')
  t.equal(id('a b'), 'X-Request-ID: new-id')
  t.equal(id('x'.repeat(200)), 'X-Request-ID: new-id')
  t.equal(id('one', 'two'), 'X-Request-ID: new-id')
})

t.test('framing, expectation and upgrade are written anew', async (t) => {
  const last = (...fields: readonly string[]) => request('POST / HTTP/1.1', 'Host: a', ...fields).slice(11)
  t.same(last('content-length: 5'), ['Content-Length: 5'])
  t.same(last('Content-Length: 0'), ['Content-Length: 0'])
  t.same(last('TRANSFER-ENCODING: Chunked', 'expect: 100-CONTINUE'), [
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
  ])
  t.same(last('Connection: upgrade', 'Upgrade: websocket'), ['Connection: Upgrade', 'Upgrade: websocket'])
})

t.test('an HTTP/1.0 request without Host gets the address it was sent to', async (t) => {
  t.equal(request('GET / HTTP/1.0')[1], 'Host: 10.0.0.1')
  t.equal(request('GET http://a.lab/x HTTP/1.0')[1], 'Host: a.lab')
})

const delivery: Delivery = { minor: 1, framing: 5, keepAlive: true, date: 'Thu, 01 Jan 2026 00:00:00 GMT' }
const ours = ['Date: Thu, 01 Jan 2026 00:00:00 GMT', 'Server: podway']

/** The lines that a client gets for these. */
const response = (how: Partial<Delivery>, ...lines: readonly string[]): readonly string[] => {
  const head = parseResponseHead(`${lines.join('\r\n')}\r\n\r\n`, 'GET', defaultLimits)
  return responseText(head, { ...delivery, ...how })
    .split('\r\n')
    .slice(0, -2)
}

t.test('an answer goes on with its own fields, Date and Server among them', async (t) => {
  t.same(response({}, 'HTTP/1.1 200 OK', 'Content-Length: 5', 'X: y', 'Set-Cookie: a', 'Set-Cookie: b'), [
    'HTTP/1.1 200 OK',
    'X: y',
    'Set-Cookie: a',
    'Set-Cookie: b',
    ...ours,
    'Content-Length: 5',
  ])
  t.same(response({}, 'HTTP/1.1 200 OK', 'date: d', 'SERVER: s', 'Content-Length: 5'), [
    'HTTP/1.1 200 OK',
    'date: d',
    'SERVER: s',
    'Content-Length: 5',
  ])
})

t.test('hop-by-hop fields of an answer end here', async (t) => {
  const hops = ['Connection: X-Hop, keep-alive', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'Upgrade: h2c']
  t.same(response({ framing: 'chunked' }, 'HTTP/1.1 200 OK', ...hops, 'Transfer-Encoding: chunked'), [
    'HTTP/1.1 200 OK',
    ...ours,
    'Transfer-Encoding: chunked',
  ])
})

t.test('what the client is told of its connection', async (t) => {
  const connection = (how: Partial<Delivery>) =>
    response(how, 'HTTP/1.1 200 OK', 'Content-Length: 5').filter((line) => line.startsWith('Connection'))
  t.same(connection({ keepAlive: true }), [])
  t.same(connection({ keepAlive: false }), ['Connection: close'])
  t.same(connection({ keepAlive: true, minor: 0 }), ['Connection: keep-alive'])
})

t.test('answers without a body', async (t) => {
  t.same(response({ framing: 0 }, 'HTTP/1.1 304 Not Modified', 'Content-Length: 7').at(-1), 'Content-Length: 7')
  t.same(response({ framing: 0 }, 'HTTP/1.1 204 No Content', 'Content-Length: 0'), ['HTTP/1.1 204 No Content', ...ours])
  t.same(response({ framing: 0 }, 'HTTP/1.1 103 Early Hints', 'Link: x'), ['HTTP/1.1 103 Early Hints', 'Link: x'])
})

t.test('the two statuses with an Upgrade', async (t) => {
  const fields = ['Connection: Upgrade', 'Upgrade: websocket']
  t.same(response({ framing: 0 }, 'HTTP/1.1 101 Switching Protocols', ...fields), [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
  ])
  t.same(response({ keepAlive: false }, 'HTTP/1.1 426 Upgrade Required', ...fields, 'Content-Length: 0').slice(3), [
    'Content-Length: 0',
    'Upgrade: websocket',
    'Connection: Upgrade, close',
  ])
})

t.test('the proxy answers itself in one line of text', async (t) => {
  t.same(replyText(plainReply(404, 'no route'), delivery, true).split('\r\n'), [
    'HTTP/1.1 404 Not Found',
    ...ours,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Length: 24',
    '',
    '404 Not Found: no route\n',
  ])
  t.ok(replyText(plainReply(404, 'no route'), delivery, false).endsWith('Content-Length: 24\r\n\r\n'), 'none for HEAD')
  t.match(replyText(plainReply(503, 'x'), { ...delivery, keepAlive: false }, true), 'Connection: close\r\n')
})

t.test('the date is worked out once a second', async (t) => {
  let now = 1_767_225_600_000
  const date = createHttpDate(() => now)
  t.equal(date(), 'Thu, 01 Jan 2026 00:00:00 GMT')
  now += 999
  t.equal(date(), 'Thu, 01 Jan 2026 00:00:00 GMT')
  now += 1
  t.equal(date(), 'Thu, 01 Jan 2026 00:00:01 GMT')
})

t.test('request ids are 32 random digits, drawn in bulk', async (t) => {
  let fills = 0
  const next = createRequestIds((bytes) => void bytes.fill(++fills))
  const ids = Array.from({ length: 257 }, next)
  t.equal(ids[0], '01'.repeat(16))
  t.equal(ids[256], '02'.repeat(16))
  t.not(createRequestIds()(), createRequestIds()())
})

t.test('trailers stay in their lines, wherever they come from', async (t) => {
  const trailer = (name: string, value: string) => ({ name, key: name, value })
  t.equal(trailerLines([trailer('x-sum', '1'), trailer('x', 'y\r\nx-evil: 1')]), 'x-sum: 1\r\nx: y  x-evil: 1\r\n')
  t.equal(trailerLines([trailer('x: y\r\nx-evil', '1'), trailer('', '1')]), '')
})
