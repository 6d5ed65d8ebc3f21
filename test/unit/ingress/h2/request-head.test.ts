/** Request heads of HTTP/2: each trick by its name, with the status it gets. */
import t from 'tap'
import { bodyLengthOf, countBody } from '../../../../src/proxy/ingress/h2/body-length.ts'
import { checkTrailers } from '../../../../src/proxy/ingress/h2/field-rules.ts'
import { readH2Request } from '../../../../src/proxy/ingress/h2/request-head.ts'
import { readH2Response } from '../../../../src/proxy/ingress/h2/response-head.ts'
import type { Field } from '../../../../src/proxy/ingress/http/fields.ts'
import { defaultLimits } from '../../../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../../../src/proxy/ingress/http/refusal.ts'

type Pair = readonly [name: string, value: string]

const fieldsOf = (pairs: readonly Pair[]): readonly Field[] =>
  pairs.map(([name, value]) => ({ name, key: name, value }))

const statusOf = (action: () => unknown): number => {
  try {
    action()
    return 200
  } catch (error) {
    if (isRefusal(error)) return error.status
    throw error
  }
}

const pseudo = { ':method': 'GET', ':scheme': 'http', ':path': '/a', ':authority': 'a.lab' }

/** A plain head with some pseudo fields changed, or left out as undefined, and fields behind it. */
const head = (changes: Readonly<Record<string, string | undefined>>, ...others: readonly Pair[]): readonly Pair[] => [
  ...Object.entries({ ...pseudo, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  ),
  ...others,
]

const request = (pairs: readonly Pair[], ends = true) => readH2Request(fieldsOf(pairs), ends, defaultLimits)

const corpus: Readonly<Record<string, readonly [pairs: readonly Pair[], status: number]>> = {
  plain: [head({}), 200],
  https: [head({ ':scheme': 'https' }), 200],
  'no method': [head({ ':method': undefined }), 400],
  'no scheme': [head({ ':scheme': undefined }), 400],
  'no path': [head({ ':path': undefined }), 400],
  'no authority and no host': [head({ ':authority': undefined }), 400],
  'host only': [head({ ':authority': undefined }, ['host', 'a.lab']), 200],
  'host that agrees': [head({}, ['host', 'A.lab:80']), 200],
  'host of another name': [head({}, ['host', 'b.lab']), 400],
  'host of another port': [head({}, ['host', 'a.lab:81']), 400],
  'host with the port of the other scheme': [head({ ':scheme': 'https' }, ['host', 'a.lab:80']), 400],
  'two hosts': [head({}, ['host', 'a.lab'], ['host', 'a.lab']), 400],
  'empty authority': [head({ ':authority': '' }), 400],
  'authority with a user': [head({ ':authority': 'me@a.lab' }), 400],
  'pseudo field twice': [head({}, [':path', '/b']), 400],
  'pseudo field behind a field': [head({ ':path': undefined }, ['x', 'y'], [':path', '/b']), 400],
  'unknown pseudo field': [head({ ':protocol': 'websocket' }), 400],
  'pseudo field of an answer': [head({ ':status': '200' }), 400],
  'another scheme': [head({ ':scheme': 'ftp' }), 400],
  'scheme in capitals': [head({ ':scheme': 'HTTP' }), 400],
  'method in small letters': [head({ ':method': 'get' }), 400],
  'method with a line': [head({ ':method': 'GET / HTTP/1.1\r\n' }), 400],
  'empty method': [head({ ':method': '' }), 400],
  CONNECT: [head({ ':method': 'CONNECT', ':path': undefined, ':scheme': undefined }), 501],
  TRACE: [head({ ':method': 'TRACE' }), 501],
  'empty path': [head({ ':path': '' }), 400],
  asterisk: [head({ ':method': 'OPTIONS', ':path': '*' }), 400],
  'absolute path field': [head({ ':path': 'http://a.lab/' }), 400],
  'path with a blank': [head({ ':path': '/a HTTP/1.1' }), 400],
  'path with a line': [head({ ':path': '/\r\nx: y' }), 400],
  'path with a fragment': [head({ ':path': '/a#b' }), 400],
  'path with dots': [head({ ':path': '/a/../b' }), 400],
  'path too long': [head({ ':path': `/${'a'.repeat(defaultLimits.targetBytes)}` }), 414],
  'too many fields': [head({}, ...Array.from({ length: 101 }, () => ['a', 'b'] as const)), 431],
  'name in capitals': [head({}, ['X-A', 'b']), 400],
  'name with a blank': [head({}, ['x a', 'b']), 400],
  'name with a line': [head({}, ['x\r\ny', 'b']), 400],
  'name with a colon': [head({}, ['x:y', 'b']), 400],
  'empty name': [head({}, ['', 'b']), 400],
  'value with CR': [head({}, ['x', 'a\rb']), 400],
  'value with LF': [head({}, ['x', 'a\nb']), 400],
  'value with NUL': [head({}, ['x', 'a\0b']), 400],
  'value with DEL': [head({}, ['x', 'a\x7fb']), 400],
  'blank in front of a value': [head({}, ['x', ' a']), 400],
  'tab behind a value': [head({}, ['x', 'a\t']), 400],
  'empty value': [head({}, ['x', '']), 200],
  'value beyond ASCII': [head({}, ['x', 'caf\xe9']), 200],
  connection: [head({}, ['connection', 'close']), 400],
  'keep-alive': [head({}, ['keep-alive', '1']), 400],
  'proxy-connection': [head({}, ['proxy-connection', 'close']), 400],
  'transfer-encoding': [head({}, ['transfer-encoding', 'chunked']), 400],
  upgrade: [head({}, ['upgrade', 'h2c']), 400],
  'te trailers': [head({}, ['te', 'trailers']), 200],
  'te gzip': [head({}, ['te', 'gzip']), 400],
  'te with more': [head({}, ['te', 'trailers, gzip']), 400],
  'content-length 0': [head({}, ['content-length', '0']), 200],
  'content-length without a body': [head({}, ['content-length', '5']), 400],
  'content-length twice': [head({}, ['content-length', '0'], ['content-length', '0']), 400],
  'content-length with a sign': [head({}, ['content-length', '+0']), 400],
  'content-length as a list': [head({}, ['content-length', '0, 0']), 400],
  'expect something': [head({}, ['expect', 'more']), 417],
}

t.test('heads of requests', async (t) => {
  for (const [name, [pairs, status]] of Object.entries(corpus))
    t.equal(
      statusOf(() => request(pairs)),
      status,
      name,
    )
})

t.test('what a head says', async (t) => {
  const found = request(head({ ':path': '/a%62?c' }, ['x', 'y'], ['expect', '100-continue']), false)
  t.match(found, { method: 'GET', target: '/a%62?c', path: '/ab', host: 'a.lab', authority: 'a.lab', body: 'chunked' })
  t.match(found, { minor: 1, keepAlive: true, connection: [], upgrade: undefined, expectsContinue: true })
  t.same(
    found.fields,
    fieldsOf([
      ['x', 'y'],
      ['expect', '100-continue'],
    ]),
    'no pseudo fields',
  )
  t.equal(request(head({}, ['content-length', '12']), false).body, 12)
  t.equal(request(head({})).body, 0)
  const cookies = request(head({}, ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2']))
  t.same(
    cookies.fields,
    fieldsOf([
      ['x', 'y'],
      ['cookie', 'a=1; b=2'],
    ]),
    'pieces of a cookie are put together',
  )
})

const answers: Readonly<Record<string, readonly [pairs: readonly Pair[], ends: boolean, status: number]>> = {
  plain: [[[':status', '200']], false, 200],
  'no status': [[['x', 'y']], false, 400],
  'two statuses': [
    [
      [':status', '200'],
      [':status', '200'],
    ],
    false,
    400,
  ],
  'status of two digits': [[[':status', '20']], false, 400],
  'status with a reason': [[[':status', '200 OK']], false, 400],
  'pseudo field of a request': [
    [
      [':status', '200'],
      [':path', '/'],
    ],
    false,
    400,
  ],
  '101': [[[':status', '101']], false, 400],
  'transfer-encoding': [
    [
      [':status', '200'],
      ['transfer-encoding', 'chunked'],
    ],
    false,
    400,
  ],
  'content-length without a body': [
    [
      [':status', '200'],
      ['content-length', '5'],
    ],
    true,
    400,
  ],
}

t.test('heads of answers', async (t) => {
  for (const [name, [pairs, ends, status]] of Object.entries(answers))
    t.equal(
      statusOf(() => readH2Response(fieldsOf(pairs), 'GET', ends)),
      status,
      name,
    )
  const sized = fieldsOf([
    [':status', '200'],
    ['content-length', '5'],
  ])
  t.match(readH2Response(sized, 'GET', false), { status: 200, body: 5, reason: '', keepAlive: true })
  t.equal(readH2Response(sized, 'HEAD', true).body, 0, 'an answer to HEAD tells the length of what it has not')
  t.equal(readH2Response(fieldsOf([[':status', '200']]), 'GET', false).body, 'chunked')
  t.equal(readH2Response(fieldsOf([[':status', '200']]), 'GET', true).body, 0)
})

t.test('trailers', async (t) => {
  t.equal(
    statusOf(() => checkTrailers(fieldsOf([['grpc-status', '0']]))),
    200,
  )
  t.equal(
    statusOf(() => checkTrailers(fieldsOf([[':status', '200']]))),
    400,
  )
  t.equal(
    statusOf(() => checkTrailers(fieldsOf([['connection', 'close']]))),
    400,
  )
})

t.test('bodies and their content-length', async (t) => {
  const count = (pieces: readonly number[], length: string | undefined) => {
    const counted = countBody(bodyLengthOf(length, false))
    return statusOf(() => {
      for (const [at, piece] of pieces.entries()) counted(piece, at === pieces.length - 1)
    })
  }
  t.equal(count([2, 3], '5'), 200)
  t.equal(count([2, 3, 0], '5'), 200, 'trailers')
  t.equal(count([2, 4], '5'), 400, 'too long')
  t.equal(count([2, 2], '5'), 400, 'too short')
  t.equal(count([2, 2], undefined), 200)
})
