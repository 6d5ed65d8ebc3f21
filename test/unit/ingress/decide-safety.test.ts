/** What clients write never becomes more than a part of a line: in rewrites, redirects, cookies and fields. */
import type { IncomingHttpHeaders } from 'node:http'
import t, { type Test } from 'tap'
import { answerChanges } from '../../../src/proxy/ingress/decide/answers.ts'
import { type Asking, valueIn } from '../../../src/proxy/ingress/decide/asking.ts'
import { createDraft, requestChangesOf, type Step } from '../../../src/proxy/ingress/decide/draft.ts'
import { externalAuthStep } from '../../../src/proxy/ingress/decide/external-auth.ts'
import { appRootStep, httpsStep, redirectStep, redirectTo } from '../../../src/proxy/ingress/decide/redirects.ts'
import { rewrittenTarget } from '../../../src/proxy/ingress/decide/rewrite.ts'
import { defaultLimits } from '../../../src/proxy/ingress/http/limits.ts'
import { parseRequestHead, type RequestHead } from '../../../src/proxy/ingress/http/request-head.ts'
import { requestText, type Via, viaFields } from '../../../src/proxy/ingress/http/request-text.ts'
import { parseResponseHead } from '../../../src/proxy/ingress/http/response-head.ts'
import { replyText, responseText } from '../../../src/proxy/ingress/http/response-text.ts'
import { createOutside } from '../../../src/proxy/ingress/names/ask-outside.ts'
import { createLookup } from '../../../src/proxy/ingress/names/lookup.ts'
import { type PathRewrite, plainPolicy } from '../../../src/proxy/ingress/policy/policy.ts'
import { fill, parseTemplate, type Template } from '../../../src/proxy/ingress/policy/template.ts'
import { emptyTable, match } from '../../../src/proxy/ingress/routes/match.ts'
import { compileHost } from '../../../src/proxy/ingress/routes/paths.ts'
import type { PathMatch, RouteRule } from '../../../src/proxy/ingress/routes/rule.ts'
import { startBackend } from '../../support/relay-fixture.ts'
import { attempt, head } from '../../support/request-heads.ts'
import { stepContext } from '../../support/step-context.ts'

const via: Via = {
  ...{ clientAddress: '10.9.8.7', forwardedFor: '10.9.8.7', scheme: 'http', port: 80, localAuthority: '10.0.0.1' },
}
const delivery = { minor: 1, framing: 0, keepAlive: true, date: 'Thu, 01 Jan 2026 00:00:00 GMT' } as const

const asking = (request: RequestHead): Asking => ({ request, via, viaText: viaFields(via), proof: undefined })

const rule = (path: PathMatch): RouteRule => ({
  ...{ host: '', path, created: '', order: '' },
  route: {
    origin: { kind: 'Ingress', namespace: 'default', name: 'test', path: '/', service: 'web' },
    policy: plainPolicy,
    targets: [],
  },
})

/** Paths that are more than they seem. Some are refused as heads, the others must stay what they are. */
const hostile: readonly string[] = [
  ...['/x/%0d%0aX-Evil:%201', '/x/%0D%0A%0D%0AGET%20/evil', '/x/%0a', '/x/%09', '/x/%20HTTP/1.1%0d%0a', '/x/%7f'],
  ...['/x/%3F', '/x/%3f%0d%0aX-Evil:%201', '/x/%3Fa%20HTTP/1.1%0d%0aX-Evil:%201%0d%0a%0d%0a', '/x/%23evil'],
  ...['/x/%C4%8D%C4%8AX-Evil:%201', '/x/%c4%8a', '/x/%E5%98%8A%E5%98%8D', '/x/%ff%fe', '/x/%85', '/x/%e2%80%a8'],
  ...[
    '/x//evil.lab',
    '//evil.lab/x',
    '/x/%2F%2Fevil.lab',
    '/%2fevil.lab/',
    '/x/%5Cevil.lab',
    '/%5cevil.lab',
    '/x/%09/evil',
  ],
  ...['/x/..%2f..%2f', '/x/%252e%252e/', '/x/%25%0d', '/x/.%0a./y', '/x/;/evil', '/x/%3B', '/x/a%3Ab@evil', '/x/...'],
  ...['/x/?%0d%0aX-Evil:1', '/x/?a=%0d%0aX-Evil:%201', '/x/?a=//evil.lab', '/x/?a=/evil.lab', '/x/?a=%5Cevil.lab'],
  ...['/x/?a=%C4%8D%C4%8AX-Evil:%201', '/x/?a=%00', '/x/?a=%0a/evil.lab', '/x/?a=%09/evil.lab', '/x/?a=.evil.lab'],
  ...['/x/?a=@evil.lab', '/x/?a=:80@evil.lab', '/x/?a=%E2%84%AA', '/x/?a=javascript:alert(1)', '/x/?a=\\evil.lab'],
]

const rewrites: readonly PathRewrite[] = [
  { kind: 'full', path: '/new' },
  { kind: 'full', path: '/n?w=x' },
  { kind: 'prefix', prefix: '/x', replacement: '/' },
  { kind: 'prefix', prefix: '/x', replacement: '/new/' },
  { kind: 'prefix', prefix: '', replacement: '/new' },
  { kind: 'regex', pattern: '/x/([\\s\\S]*)', replacement: '/$1' },
  { kind: 'regex', pattern: '/x/([\\s\\S]*)', replacement: '$1' },
  { kind: 'regex', pattern: '/x/([\\s\\S]*)', replacement: '/new?path=$1' },
  { kind: 'regex', pattern: '/x/(.)([\\s\\S]*)', replacement: '/$2$1' },
  { kind: 'regex', pattern: '/x(/|$)([\\s\\S]*)', replacement: '/new/$2/$1' },
]

const heads = hostile.flatMap((target) => attempt(() => head(target)) ?? [])

t.test('most of the hostile paths are read, so that the rest of this file means something', async (t) => {
  t.ok(heads.length > hostile.length * 0.75, `${heads.length} of ${hostile.length}`)
})

/** Counts what was looked at, by what it was looked at with: whatever is refused whenever it is tried is held by nothing. */
const createTally = (names: readonly string[]) => {
  const counts = new Map(names.map((name) => [name, 0]))
  return {
    count: (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1),
    check: (t: Test, tries: number): void => {
      for (const [name, count] of counts) t.ok(count > tries / 2, `${name}: ${count} of ${tries}`)
    },
  }
}

/** Reads the text of a head again: one request, with nothing in it that was not meant. */
const reread = (text: string): RequestHead => {
  const read = parseRequestHead(text, defaultLimits)
  if (read.fields.some(({ key }) => key === 'x-evil')) throw new Error(`a field too many: ${JSON.stringify(text)}`)
  return read
}

t.test('a rewritten target is a target, and no way out of the path', async (t) => {
  const tally = createTally(rewrites.map((rewrite) => JSON.stringify(rewrite)))
  for (const request of heads)
    for (const rewrite of rewrites) {
      const target = attempt(() => rewrittenTarget(request, rewrite))
      if (target === undefined) continue
      tally.count(JSON.stringify(rewrite))
      const name = `${request.target} ${JSON.stringify(rewrite)} ${target}`
      const outgoing = { head: request, target, host: 'a.lab', changes: undefined }
      const read = attempt(() => reread(requestText(outgoing, via, viaFields(via), () => 'id')))
      if (read?.target !== target || !target.startsWith('/') || target.startsWith('//')) t.fail(name)
    }
  tally.check(t, heads.length)
})

t.test('an escaped question mark stays in the path', async (t) => {
  const prefix: PathRewrite = { kind: 'prefix', prefix: '/x', replacement: '/new' }
  t.equal(rewrittenTarget(head('/x/a%3Fadmin=1?b=c'), prefix), '/new/a%3Fadmin=1?b=c')
  const regex: PathRewrite = { kind: 'regex', pattern: '/x/(.*)', replacement: '/new?path=$1' }
  t.equal(rewrittenTarget(head('/x/a%3Fb%20%26c?d'), regex), '/new?path=a%3Fb%20%26c&d')
  t.equal(rewrittenTarget(head('/x/%252e%252e/a%2Fb'), prefix), '/new/%252e%252e/a%2Fb')
})

const template = (text: string): Template => {
  const parsed = parseTemplate(text)
  if ('unknown' in parsed) throw new Error(parsed.unknown)
  return parsed.template
}

const outside = createOutside(createLookup({ cluster: undefined, isRefused: () => false, report: () => {} }))
t.teardown(outside.close)
const relay = { ...stepContext(), outside }
/** The Location of a step, once read back from the bytes that the client gets. */
const locationOf = (t: Test, step: Step, request: RequestHead): string | undefined => {
  const reply = step(asking(request), createDraft(), relay)
  if (reply === undefined || reply instanceof Promise) return undefined
  const text = Buffer.from(replyText(reply, delivery, false), 'latin1').toString('latin1')
  const fields = attempt(() => parseResponseHead(text, 'HEAD', defaultLimits))?.fields ?? []
  if (fields.length !== 5) t.fail(`not the fields that were meant: ${JSON.stringify(text)}`)
  return fields.find(({ key }) => key === 'location')?.value
}

/** Where a browser ends up that was at http://a.lab. */
const hostAfter = (location: string | undefined): string => new URL(location ?? 'none:', 'http://a.lab/x').hostname

t.test('redirects stay at the host they are meant for', async (t) => {
  const urls = [
    ...[
      'https://b.lab$request_uri',
      'https://b.lab$uri',
      'https://b.lab/$arg_a',
      'https://b.lab/?to=$escaped_request_uri',
    ],
    ...['https://b.lab$is_args$args', 'https://b.lab/$http_user_agent/$cookie_c'],
  ]
  const tally = createTally(urls)
  for (const url of urls)
    for (const request of heads) {
      const step = redirectStep({ kind: 'url', status: 302, url: template(url) })
      const location = locationOf(t, step, request)
      if (hostAfter(location) !== 'b.lab') t.fail(`${url} with ${request.target}: ${location}`)
      tally.count(url)
    }
  tally.check(t, heads.length)
})

t.test('redirects to a path stay at the same host', async (t) => {
  const urls = ['/$arg_a', '/new$uri', '/$uri', '/$request_uri', '/$args', '/$http_x', '/$cookie_c']
  const tally = createTally(urls)
  for (const url of urls)
    for (const request of heads.flatMap(({ target }) => [
      head(target),
      head(target, 'X: /evil.lab', 'Cookie: c=/evil.lab'),
      head(target, 'X: \\evil.lab', 'Cookie: c=\\\\evil.lab'),
      head(target, 'X: \xc4\x8a/evil.lab', 'Cookie: c=\t/evil.lab'),
    ])) {
      const location = locationOf(t, redirectStep({ kind: 'url', status: 302, url: template(url) }), request)
      if (hostAfter(location) !== 'a.lab') t.fail(`${url} with ${request.target}: ${location}`)
      tally.count(url)
    }
  tally.check(t, 4 * heads.length)
})

t.test('redirects to HTTPS, to www, and to the root of an app', async (t) => {
  const steps: Readonly<Record<string, Step>> = {
    'a.lab': httpsStep(false),
    'A.lab': httpsStep(true),
    'www.a.lab': redirectStep({ kind: 'parts', status: 308, host: 'www.a.lab' }),
    'WWW.a.lab': redirectStep({
      ...{ kind: 'parts', status: 308, host: 'www.a.lab', scheme: 'https' },
      path: { kind: 'regex', pattern: '/x/([\\s\\S]*)', replacement: '$1' },
    }),
  }
  const tally = createTally(Object.keys(steps))
  for (const [host, step] of Object.entries(steps))
    for (const request of heads) {
      const location = attempt(() => locationOf(t, step, request))
      if (location === undefined) continue
      tally.count(host)
      if (hostAfter(location) !== host.toLowerCase()) t.fail(`${request.target}: ${location}`)
    }
  tally.check(t, heads.length)
  for (const path of ['/', '//', '/%2e', '/?//evil.lab']) {
    const request = attempt(() => head(path))
    if (request) t.equal(hostAfter(locationOf(t, appRootStep('/app'), request)), 'a.lab', path)
  }
})

t.test('what a Location holds', async (t) => {
  const location = (url: string) => redirectTo(302, url).fields[0]?.[1]
  t.equal(location('/a\r\nX: y'), '/a%0D%0AX:%20y', 'line breaks and blanks are escaped, not taken away')
  t.equal(location('/\u010d\u010a'), '/%C4%8D%C4%8A', 'what is not a byte goes as UTF-8')
  t.equal(location('/caf\xe9'), '/caf%E9', 'bytes stay bytes')
  t.equal(location('/\\evil.lab'), '/%5Cevil.lab', 'browsers take a backslash for a slash')
  t.equal(location('//evil.lab'), '/evil.lab')
  t.equal(location('https://b.lab//x'), 'https://b.lab//x')
})

t.test('a query parameter in a template is as it was written', async (t) => {
  t.equal(fill(template('$arg_a'), valueIn(asking(head('/?b=1&a=%C4%8A&a=2')))), '%C4%8A')
})

t.test('fields that a policy sets cannot end their line', async (t) => {
  const values = [
    'a\r\nX-Evil: 1',
    'a\nX-Evil: 1',
    '\u010d\u010aX-Evil: 1',
    'a\0b',
    '\u{1f600}',
    '\u560a\u560dX-Evil: 1',
  ]
  for (const value of values) {
    const changes = { dropped: new Set<string>(), appended: [['X-Set', value] as const] }
    const request = head('/')
    const outgoing = { head: request, target: '/', host: 'a.lab', changes }
    const sent = Buffer.from(
      requestText(outgoing, via, viaFields(via), () => 'id'),
      'latin1',
    ).toString('latin1')
    t.ok(
      reread(sent).fields.some(({ key }) => key === 'x-set'),
      JSON.stringify(value),
    )
    const answer = parseResponseHead('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'GET', defaultLimits)
    const told = Buffer.from(responseText(answer, { ...delivery, changes }), 'latin1').toString('latin1')
    t.notOk(parseResponseHead(told, 'GET', defaultLimits).fields.some(({ key }) => key === 'x-evil'))
  }
})

t.test('the length of an answer of ours is that of its bytes', async (t) => {
  const text = replyText({ status: 403, fields: [], body: 'caf\xe9 \u010d\u010a \u{1f600}' }, delivery, true)
  const [start = '', body = ''] = text.split('\r\n\r\n')
  t.equal(Number(/Content-Length: (\d+)/.exec(start)?.[1]), Buffer.from(body, 'latin1').length)
  t.equal(Buffer.from(body, 'latin1').toString('utf8'), 'caf\xe9 \u010d\u010a \u{1f600}')
})

t.test('cookies and redirects of backends are rewritten in their own line', async (t) => {
  const map = answerChanges({
    ...plainPolicy,
    cookieDomain: { from: 'b.lab', to: 'a.lab' },
    cookiePath: { from: '/in', to: '/out$&' },
    redirectFrom: { from: 'http://b.lab/', to: 'http://a.lab/' },
  })?.map
  const mapped = (name: string, value: string) => map?.({ name, key: name.toLowerCase(), value })
  t.equal(mapped('Set-Cookie', 'a=b; Path=/in/x; Domain=.b.lab'), 'a=b; Path=/out$&/x; Domain=a.lab')
  t.equal(mapped('Set-Cookie', 'Domain=b.lab; domain=evil.b.lab'), 'Domain=b.lab; domain=evil.b.lab')
  t.equal(mapped('Location', 'http://b.lab//evil'), 'http://a.lab//evil')
})

t.test('what a policy sets cannot be said by the client in another spelling', async (t) => {
  const changes = { dropped: new Set(['x-auth-user']), appended: [['X-Auth-User', 'alice'] as const] }
  const request = head('/', 'X-Auth-User: root', 'X_Auth_User: root', 'x-auth_USER: root', 'X-Auth-Users: other')
  const text = requestText({ head: request, target: '/', host: 'a.lab', changes }, via, '', () => 'id')
  t.same(text.match(/^x.auth.user.*$/gim), ['X-Auth-Users: other', 'X-Auth-User: alice'])
})

t.test('only the proxy says what a client certificate says', async (t) => {
  const request = head('/', 'ssl-client-verify: SUCCESS', 'SSL_Client_Cert: x', 'Ssl-Client-Subject-Dn: CN=root')
  const text = requestText({ head: request, target: '/', host: 'a.lab', changes: undefined }, via, '', () => 'id')
  t.notMatch(text, /ssl.client/i)
})

t.test('a line break in a path is a letter like others to patterns', async (t) => {
  const { paths } = compileHost('', [rule({ kind: 'regex', path: '/private/.*$', caseless: false })], false)
  const table = { ...emptyTable(), anyHost: paths }
  t.ok(match(table, head('/private/a%0ab')), 'no way around a rule')
  const rewrite: PathRewrite = { kind: 'regex', pattern: '/x/(.*)', replacement: '/new/$1' }
  t.equal(rewrittenTarget(head('/x/a%0ab'), rewrite), '/new/a%0ab')
})

t.test('an auth server alone says what it says, and is asked about what the backend gets', async (t) => {
  const { port } = await startBackend(t, (request, response) => {
    asked = request.headers
    response.setHeader('X-Auth-User', 'b\xf6b\xc4\x8a').end()
  })
  let asked: IncomingHttpHeaders = {}
  const step = externalAuthStep({
    ...{
      url: [`http://127.0.0.1:${port}/`],
      responseHeaders: ['x-auth-user', 'x-auth-role'],
      signInRedirectParam: 'rd',
    },
  })
  const request = head(
    '/',
    'X-Auth-Role: admin',
    'X_Auth_Role: admin',
    'X_Real_IP: 1.1.1.1',
    'X-Scheme: https',
    'X-Original-Forwarded-For: 1.1.1.1',
    'X_Original_URI: /public',
    'X_Original_URL: /public',
    'X_Original_Method: OPTIONS',
    'X-Request-ID: {}',
    'Connection: X-Tenant',
    'X-Tenant: a',
  )
  const found = createDraft()
  t.equal(await step(asking(request), found, relay), undefined)
  t.match(asked, {
    ...{ 'x-real-ip': '10.9.8.7', 'x-tenant': undefined, x_real_ip: undefined },
    ...{ 'x-scheme': 'http', 'x-forwarded-scheme': 'http', 'x-forwarded-port': '80' },
    ...{ 'x-original-forwarded-for': undefined, 'x-request-id': undefined },
    ...{ 'x-original-uri': '/', 'x-original-url': 'http://a.lab/', 'x-original-method': 'GET' },
    ...{ x_original_uri: undefined, x_original_url: undefined, x_original_method: undefined },
  })
  const outgoing = { head: request, target: '/', host: 'a.lab', changes: requestChangesOf(found) }
  const sent = requestText(outgoing, via, '', () => 'id')
  t.same(sent.match(/^x.auth.*$/gim), ['x-auth-user: b\xf6b\xc4\x8a'])
})

t.test('a sign-in page is told where to come back to by us, unless its author says so', async (t) => {
  const { port } = await startBackend(t, (_request, response) => void response.writeHead(401).end())
  const location = async (signIn: string, target: string) => {
    const step = externalAuthStep({
      ...{
        url: [`http://127.0.0.1:${port}/`],
        responseHeaders: [],
        signInRedirectParam: 'rd',
        signIn: template(signIn),
      },
    })
    return (await step(asking(head(target)), createDraft(), relay))?.fields[0]?.[1]
  }
  const back = 'http%3A%2F%2Fa.lab%2Fx%3Frd%3Dhttps%3A%2F%2Fevil.lab'
  t.equal(await location('https://b.lab/in', '/x?rd=https://evil.lab'), `https://b.lab/in?rd=${back}`)
  t.match(await location('https://b.lab/in?$args', '/x?rd=https://evil.lab'), `&rd=${back}`)
  t.equal(await location('https://b.lab/in?rd=/home', '/x'), 'https://b.lab/in?rd=/home')
})
