/** The corpus of request heads: each trick by its name, with the status it gets. */
import t from 'tap'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { isRefusal } from '../../../src/proxy/ingress/http/refusal.ts'
import { parseRequestHead, type RequestHead } from '../../../src/proxy/ingress/http/request-head.ts'

const parse = (text: string): RequestHead => parseRequestHead(text, defaultLimits)

/** The status that a head is refused with, 200 when it is read. */
const statusOf = (text: string): number => {
  try {
    parse(text)
    return 200
  } catch (error) {
    if (isRefusal(error)) return error.status
    throw error
  }
}

const get = (...fields: readonly string[]): string => request('GET / HTTP/1.1', 'Host: a.lab', ...fields)
const post = (...fields: readonly string[]): string => request('POST / HTTP/1.1', 'Host: a.lab', ...fields)
const request = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`
const line = (text: string): string => request(text, 'Host: a.lab')
const target = (text: string): string => line(`GET ${text} HTTP/1.1`)
const host = (text: string): string => request('GET / HTTP/1.1', `Host: ${text}`)

const corpus: Readonly<Record<string, Readonly<Record<string, readonly [head: string, status: number]>>>> = {
  'request line': {
    plain: [line('GET / HTTP/1.1'), 200],
    'HTTP/1.0': [line('GET / HTTP/1.0'), 200],
    'registered method with a hyphen': [line('VERSION-CONTROL /x HTTP/1.1'), 200],
    'two blanks after the method': [line('GET  / HTTP/1.1'), 400],
    'two blanks after the target': [line('GET /  HTTP/1.1'), 400],
    'tab as separator': [line('GET\t/ HTTP/1.1'), 400],
    'blank at the end': [line('GET / HTTP/1.1 '), 400],
    'blank in front': [line(' GET / HTTP/1.1'), 400],
    'HTTP/0.9': [line('GET /'), 400],
    'method in small letters': [line('get / HTTP/1.1'), 400],
    'method with a control character': [line('G\x00ET / HTTP/1.1'), 400],
    'endless method': [line(`${'A'.repeat(100)} / HTTP/1.1`), 400],
    'version in small letters': [line('GET / http/1.1'), 400],
    'version with a long number': [line('GET / HTTP/1.10'), 400],
    'version with a padded number': [line('GET / HTTP/01.1'), 400],
    'HTTP/1.2': [line('GET / HTTP/1.2'), 505],
    'HTTP/2 preface': ['PRI * HTTP/2.0\r\n\r\n', 505],
    'HTTP/3.0': [line('GET / HTTP/3.0'), 505],
    'another protocol': [line('GET / ICY/1.1'), 400],
    'bare LF after the line': ['GET / HTTP/1.1\nHost: a.lab\r\n\r\n', 400],
    'CR CR LF after the line': ['GET / HTTP/1.1\r\r\nHost: a.lab\r\n\r\n', 400],
    CONNECT: [line('CONNECT a.lab:443 HTTP/1.1'), 501],
    TRACE: [line('TRACE / HTTP/1.1'), 501],
  },
  target: {
    'with a query': [target('/a?b=c|{}^"'), 200],
    'absolute form': [target('http://a.lab/x'), 200],
    'absolute form, default port spelt out': [target('http://A.lab:80/x'), 200],
    'absolute form without a path': [target('http://a.lab?x'), 200],
    'absolute form of another host': [target('http://b.lab/x'), 400],
    'absolute form of another port': [target('http://a.lab:81/x'), 400],
    'absolute form with a user': [target('http://me@a.lab/x'), 400],
    'absolute form of another scheme': [target('ftp://a.lab/x'), 400],
    'absolute form of https on a cleartext port': [target('https://a.lab/x'), 400],
    'absolute form without a host': [target('http:///x'), 400],
    'asterisk form': [line('OPTIONS * HTTP/1.1'), 400],
    'authority form': [target('a.lab:80'), 400],
    'no slash': [target('x'), 400],
    fragment: [target('/a#b'), 400],
    NUL: [target('/a\x00b'), 400],
    'beyond ASCII': [target('/caf\xe9'), 400],
    'longest allowed': [target(`/${'a'.repeat(defaultLimits.targetBytes - 1)}`), 200],
    'too long': [target(`/${'a'.repeat(defaultLimits.targetBytes)}`), 414],
  },
  path: {
    'dot segment': [target('/a/./b'), 400],
    'dot-dot segment': [target('/a/../b'), 400],
    'dot-dot at the end': [target('/a/..'), 400],
    'escaped dot-dot': [target('/a/%2e%2E/b'), 400],
    'half escaped dot-dot': [target('/a/.%2e/b'), 400],
    'dot-dot behind an escaped slash': [target('/a%2f..%2fb'), 400],
    'dot-dot behind an escaped backslash': [target('/a%5c..%5cb'), 400],
    'dot-dot with a path parameter': [target('/a/..;x/b'), 400],
    'dot with a path parameter': [target('/a/.;/b'), 400],
    backslash: [target('/a\\b'), 400],
    'escaped NUL': [target('/a%00'), 400],
    'broken escape': [target('/a%2'), 400],
    'escape that is none': [target('/a%zz'), 400],
    'three dots': [target('/a/.../b'), 200],
    'dot file': [target('/.well-known/x'), 200],
    'escaped slash': [target('/a%2Fb'), 200],
    'twice escaped dot-dot': [target('/a/%252e%252e/b'), 200],
    'double slash': [target('//a//b'), 200],
    'dots in the query': [target('/a?x=/../y\\'), 200],
  },
  host: {
    'with a port': [host('a.lab:8080'), 200],
    'IPv4 address': [host('10.0.0.1'), 200],
    'IPv6 address': [host('[fd00::1]:80'), 200],
    'underscore and capitals': [host('My_Host.Lab'), 200],
    missing: [request('GET / HTTP/1.1'), 400],
    'missing in HTTP/1.0': [request('GET / HTTP/1.0'), 200],
    twice: [request('GET / HTTP/1.1', 'Host: a.lab', 'Host: a.lab'), 400],
    'twice, in different letters': [request('GET / HTTP/1.1', 'Host: a.lab', 'hOST: b.lab'), 400],
    empty: [host(''), 400],
    list: [host('a.lab, b.lab'), 400],
    'two words': [host('a.lab b.lab'), 400],
    'with a user': [host('me@a.lab'), 400],
    'with a path': [host('a.lab/x'), 400],
    'port too large': [host('a.lab:65536'), 400],
    'port that is none': [host('a.lab:x'), 400],
    'port empty': [host('a.lab:'), 400],
    'empty label': [host('a..lab'), 400],
    'dot in front': [host('.a.lab'), 400],
    escaped: [host('a%2elab'), 400],
    'beyond ASCII': [host('caf\xe9.lab'), 400],
    'too long': [host('a'.repeat(300)), 400],
  },
  fields: {
    'no value': [get('X:'), 200],
    'blanks around the value': [get('X:   y  '), 200],
    'tab in the value': [get('X: y\tz'), 200],
    'tab before the value': [get('X:\ty'), 400],
    'tab after the value': [get('X: y\t '), 400],
    'tab after a coding': [post('Transfer-Encoding: chunked\t'), 400],
    'beyond ASCII': [get('X: caf\xe9'), 200],
    'folded line': [get('X: y', ' z'), 400],
    'folded line with a tab': [get('X: y', '\tz'), 400],
    'folded first line': ['GET / HTTP/1.1\r\n Host: a.lab\r\n\r\n', 400],
    'blank before the colon': [get('X : y'), 400],
    'tab before the colon': [get('Transfer-Encoding\t: chunked'), 400],
    'no colon': [get('X'), 400],
    'no name': [get(': y'), 400],
    'name with a separator': [get('X(y): z'), 400],
    'name beyond ASCII': [get('X\xe9: z'), 400],
    'NUL in the value': [get('X: y\x00z'), 400],
    'NUL in the name': [get('X\x00: z'), 400],
    'bare CR in the value': [get('X: y\rz'), 400],
    'bare LF in the value': [get('X: y\nZ: z'), 400],
    'LF CR': [get('X: y\n\rZ: z'), 400],
    'vertical tab': [get('X: y\x0b'), 400],
    'form feed before a coding': [post('Transfer-Encoding: \x0cchunked'), 400],
    delete: [get('X: \x7f'), 400],
    'as many as allowed': [get(...Array.from({ length: defaultLimits.fields - 1 }, () => 'X: y')), 200],
    'too many': [get(...Array.from({ length: defaultLimits.fields }, () => 'X: y')), 431],
  },
  framing: {
    length: [post('Content-Length: 5'), 200],
    'no length': [post(), 200],
    chunked: [post('Transfer-Encoding: chunked'), 200],
    'chunked in capitals': [post('Transfer-Encoding: CHUNKED'), 200],
    'CL.TE': [post('Content-Length: 6', 'Transfer-Encoding: chunked'), 400],
    'TE.CL': [post('Transfer-Encoding: chunked', 'Content-Length: 6'), 400],
    'TE.TE': [post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity'), 400],
    'TE.TE, both chunked': [post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), 400],
    'TE list': [post('Transfer-Encoding: gzip, chunked'), 400],
    'TE list of one': [post('Transfer-Encoding: chunked,'), 400],
    'TE chunked twice': [post('Transfer-Encoding: chunked, chunked'), 400],
    'TE other': [post('Transfer-Encoding: gzip'), 400],
    'TE identity': [post('Transfer-Encoding: identity'), 400],
    'TE misspelt': [post('Transfer-Encoding: xchunked'), 400],
    'TE quoted': [post('Transfer-Encoding: "chunked"'), 400],
    'TE with a parameter': [post('Transfer-Encoding: chunked;q=1'), 400],
    'TE empty': [post('Transfer-Encoding:'), 400],
    'TE in HTTP/1.0': [request('POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked'), 400],
    'length twice': [post('Content-Length: 5', 'Content-Length: 6'), 400],
    'length twice, the same': [post('Content-Length: 5', 'Content-Length: 5'), 400],
    'length list': [post('Content-Length: 5, 5'), 400],
    'length signed': [post('Content-Length: +5'), 400],
    'length negative': [post('Content-Length: -5'), 400],
    'length padded': [post('Content-Length: 05'), 400],
    'length hexadecimal': [post('Content-Length: 0x5'), 400],
    'length broken': [post('Content-Length: 5 5'), 400],
    'length fraction': [post('Content-Length: 5.0'), 400],
    'length exponent': [post('Content-Length: 1e3'), 400],
    'length underscored': [post('Content-Length: 1_0'), 400],
    'length empty': [post('Content-Length:'), 400],
    'length beyond exactness': [post('Content-Length: 9007199254740993'), 400],
    'length beyond 64 bits': [post('Content-Length: 18446744073709551621'), 400],
  },
  expectation: {
    '100-continue': [post('Expect: 100-continue', 'Content-Length: 5'), 200],
    'in capitals': [post('Expect: 100-Continue', 'Content-Length: 5'), 200],
    other: [post('Expect: 200-ok'), 417],
    list: [post('Expect: 100-continue, other'), 417],
    'unknown to HTTP/1.0': [request('POST / HTTP/1.0', 'Expect: x'), 200],
  },
}

for (const [group, entries] of Object.entries(corpus))
  t.test(group, async (t) => {
    for (const [name, [head, status]] of Object.entries(entries)) t.equal(statusOf(head), status, name)
  })

t.test('what is read', async (t) => {
  const { fields, ...rest } = parse(
    request('POST /a//%62?q=1 HTTP/1.1', 'Host: A.Lab:8080', 'content-length: 12', 'X-Y:  z  '),
  )
  t.same(rest, {
    method: 'POST',
    target: '/a//%62?q=1',
    path: '/a/b',
    host: 'a.lab',
    authority: 'A.Lab:8080',
    version: '1.1',
    minor: 1,
    body: 12,
    keepAlive: true,
    connection: [],
    upgrade: undefined,
    expectsContinue: false,
  })
  t.same(fields[2], { name: 'X-Y', key: 'x-y', value: 'z' })
})

t.test('an absolute target becomes a path, and its host the host', async (t) => {
  const head = parse(request('GET HTTP://a.lab?x HTTP/1.0'))
  t.match(head, { target: '/?x', path: '/', host: 'a.lab', authority: 'a.lab' })
})

t.test('the connection goes on or ends', async (t) => {
  const keepAlive = (version: string, ...fields: readonly string[]) =>
    parse(request(`GET / ${version}`, 'Host: a', ...fields)).keepAlive
  t.equal(keepAlive('HTTP/1.1'), true)
  t.equal(keepAlive('HTTP/1.1', 'Connection: x, Close'), false)
  t.equal(keepAlive('HTTP/1.1', 'Connection: x', 'Connection: close'), false)
  t.equal(keepAlive('HTTP/1.0'), false)
  t.equal(keepAlive('HTTP/1.0', 'Connection: Keep-Alive'), true)
})

t.test('an upgrade is heard when it can be offered to a backend', async (t) => {
  const upgrade = (version: string, ...fields: readonly string[]) =>
    parse(request(`GET / ${version}`, 'Host: a', ...fields)).upgrade
  const asked = ['Connection: keep-alive, Upgrade', 'Upgrade: websocket']
  t.equal(upgrade('HTTP/1.1', ...asked), 'websocket')
  t.equal(upgrade('HTTP/1.1', 'Upgrade: websocket'), undefined, 'not without Connection')
  t.equal(upgrade('HTTP/1.0', ...asked), undefined, 'not from an old client')
  t.equal(upgrade('HTTP/1.1', ...asked, 'Content-Length: 5'), undefined, 'not with a body')
  t.equal(upgrade('HTTP/1.1', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c'), undefined, 'not to HTTP/2')
  t.equal(upgrade('HTTP/1.1', ...asked, 'Upgrade: h2c'), undefined, 'nor to HTTP/2 among others')
})
