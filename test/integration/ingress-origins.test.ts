/** Where a request comes from, who may say so, and who may come in. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import {
  annotated,
  ask,
  askH2,
  echoed,
  type Question,
  startEcho,
  startIngress,
  type WorldOptions,
} from '../support/ingress-fixture.ts'
import { bodyOf, dial, type Peer } from '../support/raw-http.ts'
import { authority, openH2 } from '../support/tls-fixture.ts'

type Annotations = Readonly<Record<string, string>>

const serve = async (t: Test, annotations: Annotations, options: WorldOptions = {}) => {
  const echo = await startEcho(t, 'web')
  const fixture = await startIngress(
    t,
    {
      ingresses: [annotated(annotations)],
      services: { web: [echo.port] },
      secrets: { users: { auth: 'anna:{PLAIN}secret' } },
    },
    options,
  )
  return { echo, ...fixture }
}

const forged = {
  'x-forwarded-for': '10.9.9.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.lab',
  'x-forwarded-port': '1',
  'x-forwarded-scheme': 'https',
  'x-real-ip': '10.9.9.9',
  x_real_ip: '10.9.9.9',
  'x-forwarded-user': 'root',
  forwarded: 'for=10.9.9.9',
  proxy: 'http://evil.lab',
  'x-scheme': 'https',
  x_scheme: 'https',
  'x-original-forwarded-for': '10.9.9.9',
  'x-original-uri': '/admin',
  'x-original-url': '/admin',
  'x-original-method': 'DELETE',
}

t.test('what a stranger says of its origin is not passed on', async (t) => {
  const { port, tlsPort } = await serve(t, {})
  const plain = echoed(await ask(port, { headers: forged })).headers
  const secure = echoed(await askH2(openH2(t, tlsPort, 'default.lab'), { headers: forged })).headers
  for (const [headers, scheme, at] of [
    [plain, 'http', port],
    [secure, 'https', tlsPort],
  ] as const) {
    t.match(headers, {
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': scheme,
      'x-forwarded-scheme': scheme,
      'x-scheme': scheme,
      'x-forwarded-host': 'a.lab',
      'x-forwarded-port': String(at),
      forwarded: `for=127.0.0.1;proto=${scheme}`,
    })
    const never = ['x-original-forwarded-for', 'x-original-uri', 'x-original-url', 'x-original-method', 'x_scheme']
    for (const name of ['x_real_ip', 'x-forwarded-user', 'proxy', ...never]) t.equal(headers[name], undefined, name)
  }
})

t.test('what a trusted proxy says', async (t) => {
  const { port } = await serve(t, {}, { trustedProxies: ['127.0.0.0/8', '10.0.0.0/24'] })
  const seen = async (headers: Readonly<Record<string, string>>) => echoed(await ask(port, { headers })).headers
  t.match(await seen({ 'x-forwarded-for': '192.0.2.1, 203.0.113.7, 10.0.0.9' }), {
    'x-forwarded-for': '192.0.2.1, 203.0.113.7, 10.0.0.9, 127.0.0.1',
    'x-real-ip': '203.0.113.7',
    'x-original-forwarded-for': '192.0.2.1, 203.0.113.7, 10.0.0.9',
    forwarded: 'for=203.0.113.7;proto=http',
  })
  t.match(await seen({ 'x-forwarded-for': '2001:db8::7', 'x-forwarded-proto': 'https' }), {
    'x-real-ip': '2001:db8::7',
    forwarded: 'for="[2001:db8::7]";proto=https',
    'x-forwarded-port': '443',
    'x-scheme': 'https',
  })
  t.match(await seen({ 'x-forwarded-for': 'unknown, 10.0.0.9' }), { 'x-real-ip': '10.0.0.9' })
  t.match(await seen({ 'x-forwarded-for': 'evil\t"' }), { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' })
  t.match(await seen({ 'x-forwarded-host': 'shown.lab', 'x-forwarded-port': '8443' }), {
    'x-forwarded-host': 'shown.lab',
    'x-forwarded-port': '8443',
    host: 'a.lab',
  })
  t.match(await seen({ 'x-forwarded-host': 'a b', 'x-forwarded-port': 'x', 'x-forwarded-proto': 'gopher' }), {
    'x-forwarded-host': 'a.lab',
    'x-forwarded-port': String(port),
    'x-forwarded-proto': 'http',
  })
})

t.test('allowed and denied addresses, of the client itself', async (t) => {
  const { port, change } = await serve(t, {}, { trustedProxies: ['127.0.0.1'] })
  const from = async (address: string): Promise<number> =>
    (await ask(port, { headers: { 'x-forwarded-for': address } })).status
  const cases: readonly (readonly [Annotations, Readonly<Record<string, number>>])[] = [
    [
      { 'allowlist-source-range': '10.0.0.0/8, 2001:db8::/32, 192.0.2.7' },
      { '10.1.2.3': 200, '11.0.0.1': 403, '2001:db8::1': 200, '2001:db9::1': 403, '192.0.2.7': 200, '192.0.2.8': 403 },
    ],
    [{ 'whitelist-source-range': '10.0.0.1/24' }, { '10.0.0.200': 200, '10.0.1.1': 403 }],
    [{ 'allowlist-source-range': '0.0.0.0/0' }, { '10.0.0.1': 200, '255.255.255.255': 200, '2001:db8::1': 403 }],
    [{ 'denylist-source-range': '10.0.0.0/8' }, { '10.1.2.3': 403, '::ffff:10.1.2.3': 403, '11.0.0.1': 200 }],
    [
      { 'allowlist-source-range': '10.0.0.0/8', 'denylist-source-range': '10.1.0.0/16' },
      { '10.1.2.3': 403, '10.2.2.3': 200, '11.0.0.1': 403 },
    ],
    [{ 'allowlist-source-range': 'nobody' }, { '10.0.0.1': 503 }],
    [{ 'denylist-source-range': '10.0.0.0/33' }, { '10.0.0.1': 503 }],
  ]
  for (const [annotations, expected] of cases) {
    change({ ingresses: [annotated(annotations)] })
    for (const [address, status] of Object.entries(expected))
      t.equal(await from(address), status, `${JSON.stringify(annotations)} ${address}`)
  }
})

t.test('satisfy: one of several is enough', async (t) => {
  const basic = { 'auth-type': 'basic', 'auth-secret': 'users' }
  const { port, change } = await serve(t, {}, { trustedProxies: ['127.0.0.1'] })
  const login = { authorization: `Basic ${Buffer.from('anna:secret').toString('base64')}` }
  const from = async (address: string, headers: Question['headers'] = {}): Promise<number> =>
    (await ask(port, { headers: { 'x-forwarded-for': address, ...headers } })).status
  const allow = { ...basic, 'allowlist-source-range': '10.0.0.0/8' }
  change({ ingresses: [annotated(allow)] })
  t.same([await from('10.0.0.1'), await from('11.0.0.1', login), await from('10.0.0.1', login)], [401, 403, 200])
  change({ ingresses: [annotated({ ...allow, satisfy: 'any' })] })
  t.same([await from('10.0.0.1'), await from('11.0.0.1', login), await from('11.0.0.1')], [200, 200, 401])
  change({ ingresses: [annotated({ ...basic, 'denylist-source-range': '10.0.0.0/8', satisfy: 'any' })] })
  t.equal(await from('11.0.0.1'), 401, 'not to be denied opens no door')
  t.equal(await from('10.0.0.1', login), 403, 'and a password none to those who are')
  t.equal(await from('11.0.0.1', login), 200)
  change({ ingresses: [annotated({ ...allow, 'denylist-source-range': '10.1.0.0/16', satisfy: 'any' })] })
  t.same([await from('10.2.0.1'), await from('10.1.0.1'), await from('11.0.0.1', login)], [200, 403, 200])
})

const request = 'GET / HTTP/1.1\r\nHost: a.lab\r\nConnection: close\r\n\r\n'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const binary = (command: number, family: number, content: string): Buffer => {
  const bytes = Buffer.from(content, 'hex')
  return Buffer.concat([signature, Buffer.from([0x20 | command, family, 0, bytes.length]), bytes])
}

const headers: Readonly<Record<string, readonly [header: string | Buffer, client: string, port: string | undefined]>> =
  {
    'v1 TCP4': ['PROXY TCP4 203.0.113.7 192.0.2.1 5000 8080\r\n', '203.0.113.7', '8080'],
    'v1 TCP6': ['PROXY TCP6 2001:db8::7 2001:db8::1 5000 443\r\n', '2001:db8::7', '443'],
    'v1 UNKNOWN': ['PROXY UNKNOWN\r\n', '127.0.0.1', undefined],
    'v1 UNKNOWN with addresses': ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', '127.0.0.1', undefined],
    'v2 TCP4': [binary(1, 0x11, 'cb007107c000020113881f90'), '203.0.113.7', '8080'],
    'v2 TCP6': [
      binary(1, 0x21, `20010db8${'0'.repeat(20)}0007${'20010db8'}${'0'.repeat(20)}0001138801bb`),
      '2001:db8::7',
      '443',
    ],
    'v2 TCP4 with more behind': [binary(1, 0x11, 'cb007107c000020113881f90030004deadbeef'), '203.0.113.7', '8080'],
    'v2 LOCAL': [binary(0, 0, ''), '127.0.0.1', undefined],
    'v2 of no family': [binary(1, 0, ''), '127.0.0.1', undefined],
  }

const say = (client: Peer, bytes: string | Buffer): void => {
  client.socket.write(bytes)
}

t.test('the PROXY protocol', async (t) => {
  const { port, tlsPort } = await serve(t, {}, { proxyProtocol: ['127.0.0.1'] })
  for (const [name, [header, address, shownPort]] of Object.entries(headers)) {
    const whole = dial(port)
    say(whole, Buffer.concat([Buffer.from(header), Buffer.from(request)]))
    const seen = JSON.parse(
      bodyOf((await whole.ends()).replace(/\r\n[0-9a-f]+\r\n/g, '\r\n\r\n').split('\r\n0\r\n')[0] ?? ''),
    )
    t.match(seen.headers, { 'x-real-ip': address, 'x-forwarded-port': shownPort ?? String(port) }, name)
    whole.socket.destroy()
  }
  const raw = connect(tlsPort, '127.0.0.1')
  raw.write('PROXY TCP4 203.0.113.7 192.0.2.1 5000 443\r\n')
  const secure = connectTls({ socket: raw, servername: 'default.lab', ca: authority.cert })
  let heard = ''
  secure.on('data', (bytes) => {
    heard += bytes
  })
  secure.write(request)
  await once(secure, 'end')
  secure.end()
  t.match(JSON.parse(bodyOf(heard)).headers, { 'x-real-ip': '203.0.113.7', 'x-forwarded-proto': 'https' }, 'before TLS')
})

t.test('the PROXY protocol a byte at a time', async (t) => {
  const { port } = await serve(t, { 'denylist-source-range': '203.0.113.7' }, { proxyProtocol: ['127.0.0.1'] })
  for (const name of ['v1 TCP4', 'v2 TCP4']) {
    const client = dial(port)
    client.socket.setNoDelay(true)
    for (const byte of Buffer.from(headers[name]?.[0] ?? '')) {
      say(client, Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    say(client, request)
    t.match(await client.ends(), /^HTTP\/1\.1 403/, `${name}: it is the client that is denied`)
    client.socket.destroy()
  }
})

t.test('broken PROXY headers end the connection without a word', async (t) => {
  const { port, echo } = await serve(t, {}, { proxyProtocol: ['127.0.0.1'], timeouts: { head: 100 } })
  const broken: Readonly<Record<string, string | Buffer>> = {
    'none at all': request,
    'a wrong family': `PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n${request}`,
    'a wrong address': `PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n${request}`,
    'the other family': `PROXY TCP4 ::1 ::2 1 2\r\n${request}`,
    'a wrong port': `PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n${request}`,
    'one too many': `PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n${request}`,
    'no end': `PROXY TCP4 ${'1'.repeat(200)}`,
    'a wrong version': Buffer.concat([signature, Buffer.from([0x11, 0x11, 0, 0])]),
    'a wrong command': Buffer.concat([signature, Buffer.from([0x22, 0x11, 0, 0])]),
    'an address cut short': Buffer.concat([signature, Buffer.from([0x21, 0x11, 0, 4, 1, 2, 3, 4])]),
    'one that never ends': 'PROXY TCP4 1.1.1.1',
    'a length that never comes': Buffer.concat([signature, Buffer.from([0x21, 0x11, 0, 200])]),
    nothing: '',
  }
  for (const [name, bytes] of Object.entries(broken)) {
    const client = dial(port)
    say(client, bytes)
    t.equal(await client.ends(), '', name)
    client.socket.destroy()
  }
  t.equal(echo.connections(), 0)
})

t.test('a PROXY header of somebody else is a wrong request', async (t) => {
  const { port } = await serve(t, {}, { proxyProtocol: ['10.0.0.0/8'] })
  for (const name of ['v1 TCP4', 'v2 TCP4']) {
    const client = dial(port)
    say(client, Buffer.concat([Buffer.from(headers[name]?.[0] ?? ''), Buffer.from(request)]))
    t.match(await client.ends(), /^HTTP\/1\.1 400/, name)
    client.socket.destroy()
  }
})
