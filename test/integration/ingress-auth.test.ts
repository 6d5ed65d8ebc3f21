/** Passwords, other servers that decide, and routes that are closed because what decides is broken. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import bcrypt from 'bcryptjs'
import t, { type Test } from 'tap'
import { apr1 } from '../../src/proxy/ingress/auth/apr1.ts'
import { freePort } from '../support/free-port.ts'
import {
  annotated,
  ask,
  askH2,
  echoed,
  nginx,
  type Question,
  startEcho,
  startIngress,
  type WorldOptions,
} from '../support/ingress-fixture.ts'
import { ingress, path } from '../support/ingress-objects.ts'
import { dial } from '../support/raw-http.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { newAuthority, openH2 } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

type Annotations = Readonly<Record<string, string>>

const serve = async (
  t: Test,
  annotations: Annotations,
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
  options: WorldOptions = {},
) => {
  const echo = await startEcho(t, 'web')
  const world = { ingresses: [annotated(annotations)], services: { web: [echo.port] }, secrets }
  return { echo, ...(await startIngress(t, world, options)) }
}

const basic = { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'tests' }
const login = (name: string, password: string): Question => ({
  headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
})

t.test('basic auth: every hash of htpasswd, over both HTTPs', async (t) => {
  const lines = [
    `apache:${apr1('eins', 'salt')}`,
    'sha:{SHA}ifey6RPEjHOY+j6mZILHghdWtHs=',
    `crypted:${bcrypt.hashSync('drei', 4).replace('$2b$', '$2y$')}`,
    'plain:{PLAIN}vier:vier',
    'ümlaut:{PLAIN}fünf',
  ]
  const { port, tlsPort, problems } = await serve(t, basic, { users: { auth: lines.join('\n') } })
  t.same(problems(), [])
  const refused = await ask(port)
  t.equal(refused.status, 401)
  t.equal(refused.headers['www-authenticate'], 'Basic realm="tests", charset="UTF-8"')
  const session = openH2(t, tlsPort, 'default.lab')
  for (const [name, password] of [
    ['apache', 'eins'],
    ['sha', 'zwei'],
    ['crypted', 'drei'],
    ['plain', 'vier:vier'],
    ['ümlaut', 'fünf'],
  ] as const) {
    for (let twice = 0; twice < 2; twice++) {
      t.equal((await ask(port, login(name, password))).status, 200, name)
      t.equal((await ask(port, login(name, `${password}x`))).status, 401, name)
    }
    t.equal((await askH2(session, login(name, password))).status, 200, name)
  }
  for (const authorization of ['Basic', 'Basic !', 'Basic bm9jb2xvbg==', 'Bearer x', 'Basic YXBhY2hlOg==', ''])
    t.equal((await ask(port, { headers: { authorization } })).status, 401, authorization)
  for (const name of ['__proto__', 'constructor', 'nobody']) t.equal((await ask(port, login(name, 'x'))).status, 401)
})

t.test('basic auth: users as keys of a Secret, and a password that changes', async (t) => {
  const { port, change } = await serve(t, { ...basic, 'auth-secret-type': 'auth-map' }, { users: { anna: '{PLAIN}a' } })
  t.equal((await ask(port, login('anna', 'a'))).status, 200)
  change({ secrets: { users: { anna: '{PLAIN}b' } } })
  t.equal((await ask(port, login('anna', 'a'))).status, 401)
  t.equal((await ask(port, login('anna', 'b'))).status, 200)
})

t.test('what decides is broken: 503, without a word on what, until it is mended', async (t) => {
  const { port, tlsPort, change, problems, echo } = await serve(t, {})
  const cases: readonly (readonly [Annotations, RegExp])[] = [
    [basic, /Secret default\/users does not exist/],
    [{ ...basic, 'auth-secret': 'other/users' }, /another namespace/],
    [{ 'auth-type': 'basic' }, /no auth-secret/],
    [{ 'auth-secret': 'users' }, /no auth-type/],
    [{ ...basic, 'auth-type': 'digest' }, /digest is not served/],
    [{ 'auth-url': 'ftp://x' }, /expected a URL/],
    [{ 'auth-url': 'http://$arg_x/' }, /names a host/],
    [{ 'allowlist-source-range': '' }, /is empty/],
    [{ 'auth-tls-secret': 'ca' }, /Secret default\/ca does not exist/],
    [{ 'proxy-ssl-secret': 'ca' }, /Secret default\/ca does not exist/],
  ]
  for (const [annotations, problem] of cases) {
    change({ ingresses: [annotated(annotations)] })
    t.match(problems().join('\n'), problem)
    const answer = await ask(port)
    t.equal(answer.status, 503, JSON.stringify(annotations))
    t.notMatch(answer.body, /default|auth|Secret/, 'names nothing')
    t.equal((await askH2(openH2(t, tlsPort, 'default.lab'))).status, 503)
  }
  t.equal(echo.connections(), 0)
  change({ ingresses: [annotated(basic)], secrets: { users: { auth: 'anna:{PLAIN}a' } } })
  t.equal((await ask(port, login('anna', 'a'))).status, 200, 'mended')
})

t.test('auth-tls: what a client says of its certificate without TLS is its own invention', async (t) => {
  const people = await newAuthority('people')
  const annotations = { 'auth-tls-secret': 'ca', 'auth-tls-verify-client': 'optional' }
  const { port, change } = await serve(t, annotations, { ca: { 'ca.crt': people.cert } })
  const forged = {
    headers: { 'ssl-client-verify': 'SUCCESS', ssl_client_verify: 'SUCCESS', 'ssl-client-subject-dn': 'CN=root' },
  }
  const { headers } = echoed(await ask(port, forged))
  t.equal(headers['ssl-client-verify'], 'NONE')
  t.equal(headers['ssl_client_verify'], undefined)
  t.equal(headers['ssl-client-subject-dn'], undefined)
  change({ ingresses: [annotated({ 'auth-tls-secret': 'ca' })] })
  t.equal((await ask(port)).status, 403, 'required: HTTPS alone')
})

/** An auth server that keeps what it was asked, and answers by the field `x-verdict`. */
const startJudge = async (t: Test, fields: Readonly<Record<string, string | string[]>> = {}) => {
  const asked: IncomingMessage[] = []
  const bodies: string[] = []
  const { port } = await startBackend(t, async (request, response) => {
    asked.push(request)
    let body = ''
    for await (const piece of request) body += piece
    bodies.push(body)
    for (const [key, value] of Object.entries(fields)) response.setHeader(key, value)
    response.writeHead(Number(request.headers['x-verdict'] ?? 200), { 'content-type': 'text/plain' })
    response.end('the word of the judge')
  })
  return { port, asked, bodies }
}

t.test('auth-url: who may come in, and what the backend learns', async (t) => {
  const judge = await startJudge(t, { 'X-User': 'anna', 'Set-Cookie': ['s=1', 't=2'] })
  const annotations = {
    'auth-url': `http://127.0.0.1:${judge.port}/check?of=$host`,
    'auth-response-headers': 'X-User, X-Groups',
  }
  const { port, tlsPort } = await serve(t, annotations)
  const session = openH2(t, tlsPort, 'default.lab')
  const question: Question = {
    ...{ method: 'POST', path: '/x?y=z', body: 'secret body' },
    headers: { cookie: 'c=1', 'x-user': 'root', 'x-groups': 'admins', x_groups: 'admins', authorization: 'Bearer x' },
  }
  for (const answer of [await ask(port, question), await askH2(session, question)]) {
    t.equal(answer.status, 200)
    t.same(answer.headers['set-cookie'], ['s=1', 't=2'])
    const { headers, body } = echoed(answer)
    t.equal(body, 'secret body', 'the backend gets it, after the verdict')
    t.equal(headers['x-user'], 'anna')
    t.equal(headers['x-groups'], undefined, 'what the judge does not say, nobody else may')
    t.equal(headers['x_groups'], undefined)
  }
  t.same(judge.bodies, ['', ''], 'the judge gets no body')
  const [first] = judge.asked
  t.equal(first?.method, 'GET')
  t.equal(first?.url, '/check?of=a.lab')
  t.match(first?.headers, {
    cookie: 'c=1',
    authorization: 'Bearer x',
    'x-original-method': 'POST',
    'x-original-url': 'http://a.lab/x?y=z',
    'x-auth-request-redirect': '/x?y=z',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': 'a.lab',
    host: `127.0.0.1:${judge.port}`,
  })
  t.equal(first?.headers['content-length'], undefined)
})

t.test('auth-url: refusals', async (t) => {
  const judge = await startJudge(t, { 'WWW-Authenticate': 'Bearer realm="x"', 'Set-Cookie': ['s=1'] })
  const url = `http://127.0.0.1:${judge.port}/`
  const { port, tlsPort, echo, reports, change } = await serve(t, { 'auth-url': url, 'auth-method': 'HEAD' })
  const session = openH2(t, tlsPort, 'default.lab')
  const verdict = (status: number): Question => ({
    method: 'POST',
    body: 'x',
    headers: { 'x-verdict': String(status) },
  })
  for (const answer of [await ask(port, verdict(401)), await askH2(session, verdict(401))])
    t.match(answer, { status: 401, headers: { 'www-authenticate': 'Bearer realm="x"', 'set-cookie': ['s=1'] } })
  t.equal(judge.asked[0]?.method, 'HEAD')
  t.equal((await ask(port, verdict(403))).status, 403)
  for (const status of [302, 404, 500]) t.equal((await ask(port, verdict(status))).status, 500, String(status))
  t.match(reports.join('\n'), /answered 404/)
  t.equal(echo.connections(), 0, 'nobody came in')
  t.equal((await ask(port, verdict(204))).status, 200)

  change({ ingresses: [annotated({ 'auth-url': url, 'auth-signin': 'https://login.lab/start?theme=dark' })] })
  const sent = await ask(port, { path: '/x?y=z&w', headers: { 'x-verdict': '401' } })
  t.equal(sent.status, 302)
  const back = encodeURIComponent('http://a.lab/x?y=z&w')
  t.equal(sent.headers['location'], `https://login.lab/start?theme=dark&rd=${back}`)
  t.same(sent.headers['set-cookie'], ['s=1'])
  t.equal((await ask(port, verdict(403))).status, 403, 'signing in again does not help')
  change({
    ingresses: [annotated({ 'auth-url': url, 'auth-signin': '/login', 'auth-signin-redirect-param': 'next' })],
  })
  t.equal(
    (await ask(port, { headers: { 'x-verdict': '401' } })).headers['location'],
    `/login?next=${encodeURIComponent('http://a.lab/')}`,
  )
})

t.test('auth-url: no client chooses its own judge', async (t) => {
  const judge = await startJudge(t)
  const { port, change, problems, echo } = await serve(t, {})
  const annotations = nginx({ 'auth-url': `http://$host:${judge.port}/` })
  change({ ingresses: [ingress({ annotations, rules: { '': [path('prefix:/', 'web')] } })] })
  t.equal((await ask(port, { host: '127.0.0.1' })).status, 503)
  t.match(problems(), [/auth-url: .* every host/])
  t.equal(echo.connections() + judge.asked.length, 0)
  change({ ingresses: [ingress({ annotations, rules: { localhost: [path('prefix:/', 'web')] } })] })
  t.equal((await ask(port, { host: 'localhost' })).status, 200, 'the host of the rule')
})

t.test('auth-url: a server that is down lets nobody in', async (t) => {
  const { port, echo, reports } = await serve(t, { 'auth-url': `http://127.0.0.1:${await freePort()}/` })
  t.match(await ask(port), { status: 500, body: /does not answer/ })
  t.match(reports, [/auth-url http:.*ECONNREFUSED/])
  t.equal(echo.connections(), 0)
})

t.test('auth-url: a server that is slow, and clients that do not wait', async (t) => {
  const held: ServerResponse[] = []
  let isSlow = true
  const judge = await startBackend(t, (_, response) => {
    if (isSlow) held.push(response)
    else response.end()
  })
  const annotations = { 'auth-url': `http://127.0.0.1:${judge.port}/`, 'limit-connections': '2' }
  const { port, echo } = await serve(t, annotations, {}, { timeouts: { response: 150 } })
  t.equal((await ask(port)).status, 504)
  const client = dial(port)
  client.say('GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n')
  await until(() => held.length === 2, 'the second question')
  client.socket.resetAndDestroy()
  isSlow = false
  for (const each of held) each.end()
  await until(async () => (await ask(port)).status === 200, 'a place')
  const before = echo.connections()
  const both = await Promise.all([ask(port), ask(port)])
  t.same(
    both.map(({ status }) => status),
    [200, 200],
    'both places are free again',
  )
  t.ok(echo.connections() <= before + 2, 'nothing was asked for those who left')
})
