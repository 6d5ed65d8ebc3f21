/** The API over real TLS sockets, with the client and informers that agents use. */
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { createClient } from '../../src/api/client.ts'
import { systemClock } from '../../src/api/clock.ts'
import { createHttpTransport } from '../../src/api/http-transport.ts'
import { createInformer } from '../../src/api/informer.ts'
import { configMaps } from '../../src/api/resources.ts'
import { bearerOf, createAuthentication } from '../../src/control/auth/authenticate.ts'
import { certificateUsers } from '../../src/control/auth/certificate-users.ts'
import { controlUser, mastersGroup } from '../../src/control/auth/user.ts'
import { keepDefaultRoles } from '../../src/control/bootstrap/default-roles.ts'
import { authenticated } from '../../src/control/server/authentication.ts'
import { createApiServer } from '../../src/control/server/https.ts'
import { createLocalTransport } from '../../src/control/server/local-transport.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createTestApi } from '../support/api-server.ts'
import { until } from '../support/until.ts'

const now = Date.now()
const authority = await createAuthority('test', validFor(1, now))
const stranger = await createAuthority('stranger', validFor(1, now))
const serverPair = await issueCertificate(
  authority,
  { commonName: 'api', addresses: ['127.0.0.1'] },
  validFor(1, now),
  'server',
)
const admin = await issueCertificate(
  authority,
  { commonName: 'admin', organizations: [mastersGroup] },
  validFor(1, now),
  'client',
)
const serving = await issueCertificate(
  authority,
  { commonName: 'admin', organizations: [mastersGroup] },
  validFor(1, now),
  'server',
)
const ended = await issueCertificate(
  authority,
  { commonName: 'admin', organizations: [mastersGroup] },
  validFor(1, now - 2 * 86_400_000),
  'client',
)
const forged = await issueCertificate(
  stranger,
  { commonName: 'admin', organizations: [mastersGroup] },
  validFor(1, now),
  'client',
)

const serve = async (t: Test) => {
  const api = await createTestApi({ history: 50 })
  await keepDefaultRoles(createClient(createLocalTransport(api.handle, controlUser)))
  const bearer = { name: 'bearer', groups: [mastersGroup] }
  const authenticate = createAuthentication([
    certificateUsers(systemClock),
    (credentials) => (bearerOf(credentials) === 'secret' ? bearer : undefined),
  ])
  const handle = authenticated(authenticate, api.handle)
  const server = createApiServer(handle, { ...serverPair, ca: authority.cert, log: silentLogger })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connection = { server: `https://127.0.0.1:${port}`, ca: authority.cert, ...admin }
  const transport = createHttpTransport(connection)
  t.teardown(async () => {
    await transport.close()
    server.closeAllConnections()
    server.close()
  })
  return { api, port, client: createClient(transport), connection, server }
}
interface Sent {
  readonly cert?: string
  readonly key?: string
  readonly headers?: Record<string, string>
  readonly method?: string
  readonly body?: string | Buffer
}

const send = (port: number, path: string, { method = 'GET', body, headers = {}, ...tls }: Sent = {}) =>
  new Promise<{ code: number; headers: Record<string, unknown>; body: string; bytes: Buffer }>((resolve, reject) => {
    const outgoing = httpsRequest({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      ca: authority.cert,
      agent: false,
      ...tls,
    })
    outgoing.once('error', reject)
    outgoing.once('response', async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      resolve({ code: response.statusCode ?? 0, headers: response.headers, body: bytes.toString(), bytes })
    })
    outgoing.end(body)
  })

t.test('who may come in', async (t) => {
  const { port } = await serve(t)
  const nobody = await send(port, '/api')
  t.match(
    JSON.parse(nobody.body),
    { code: 403, message: 'forbidden: User "system:anonymous" cannot get path "/api"' },
    'nobody is a caller like any other',
  )
  t.equal((await send(port, '/api', forged)).code, 401, 'a certificate of a stranger')
  t.equal((await send(port, '/api', serving)).code, 401, 'a certificate that serves')
  t.equal((await send(port, '/api', ended)).code, 401, 'one that has ended')
  t.equal((await send(port, '/api', { headers: { authorization: 'Bearer wrong' } })).code, 401)
  t.equal((await send(port, '/api', { headers: { authorization: 'Bearer secret' } })).code, 200)
  t.equal((await send(port, '/api', admin)).code, 200)
  t.equal((await send(port, '/healthz')).body, 'ok', 'health is public')
  t.match((await send(port, '/healthz')).headers['audit-id'], /^[\da-f-]{36}$/)
  t.equal((await send(port, '/healthz', { headers: { 'audit-id': 'mine' } })).headers['audit-id'], 'mine')
  const refused = JSON.parse((await send(port, '/api', forged)).body)
  t.match(refused, { kind: 'Status', message: 'Unauthorized', reason: 'Unauthorized', code: 401 })
})

t.test('bodies: JSON, YAML, too large, broken, in a form we do not read', async (t) => {
  const { port } = await serve(t)
  const path = '/api/v1/namespaces/default/configmaps'
  const post = (body: string | Buffer, type: string) =>
    send(port, path, { ...admin, method: 'POST', body, headers: { 'content-type': type } })
  t.equal((await post('{"metadata":{"name":"a"}}', 'application/json; charset=utf-8')).code, 201)
  t.equal((await post('metadata:\n  name: b\n', 'application/yaml')).code, 201)
  t.equal((await post('{"metadata":', 'application/json')).code, 400)
  t.equal((await post(Buffer.alloc(4 * 1024 * 1024, 'x'), 'application/json')).code, 413)
  t.equal((await post('k8s\0', 'application/cbor')).code, 415)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await send(port, `${path}/b`, { ...admin, method: 'DELETE', headers: form })).code, 200, 'no body, any type')
  const warned = await post('{"metadata":{"name":"c"},"dta":{}}', 'application/json')
  t.equal(warned.headers['warning'], '299 - "unknown field \\"dta\\""')
})

t.test('a body over the limit is answered, also to a client that sends on or asks first', async (t) => {
  const { port } = await serve(t)
  const path = '/api/v1/namespaces/default/configmaps'
  const headers = { 'content-type': 'application/json' }
  const large = Buffer.alloc(24 * 1024 * 1024, '{')
  const told = (body: string) => JSON.parse(body) as object
  const status = { kind: 'Status', status: 'Failure', reason: 'RequestEntityTooLarge', code: 413 }

  const announced = await send(port, path, { ...admin, method: 'POST', body: large, headers })
  t.match(told(announced.body), status, 'its length is known')
  const chunked = { ...headers, 'transfer-encoding': 'chunked' }
  const streamed = await send(port, path, { ...admin, method: 'POST', body: large, headers: chunked })
  t.match(told(streamed.body), status, 'its length is not known')
  const asking = { ...headers, expect: '100-continue', 'content-length': String(large.length) }
  t.match(told((await send(port, path, { ...admin, method: 'POST', headers: asking })).body), status, 'asked first')
  const stranger = await send(port, path, { method: 'POST', body: large, headers })
  t.match(told(stranger.body), { reason: 'Forbidden' }, 'nobody is told that first')
  const nested = `{"metadata":{"name":"n","managedFields":[{"fieldsV1":${'{"f:a":'.repeat(20_000)}{}${'}'.repeat(20_000)}}]}}`
  t.equal((await send(port, path, { ...admin, method: 'POST', body: nested, headers })).code, 400, 'nested')
})

t.test('a method that is not allowed is told with those that are', async (t) => {
  const { port } = await serve(t)
  const refused = await send(port, '/api/v1/namespaces', { ...admin, method: 'DELETE' })
  t.match(JSON.parse(refused.body), { kind: 'Status', reason: 'MethodNotAllowed', code: 405 })
  t.equal(refused.headers['allow'], 'POST, GET')
  t.equal((await send(port, '/api/v1/namespaces/default', admin)).code, 200, 'nothing is gone')
})

t.test('a client may wait for leave to send', async (t) => {
  const { port } = await serve(t)
  const made = await new Promise((resolve, reject) => {
    const outgoing = httpsRequest({
      ...{ host: '127.0.0.1', port, ca: authority.cert, agent: false, ...admin, method: 'POST' },
      path: '/api/v1/namespaces/default/configmaps',
      headers: { 'content-type': 'application/json', expect: '100-continue' },
    })
    outgoing.once('continue', () => outgoing.end('{"metadata":{"name":"waited"}}'))
    outgoing.once('response', (response) => resolve(response.resume().statusCode))
    outgoing.once('error', reject)
    outgoing.flushHeaders()
  })
  t.equal(made, 201)
})

t.test('a fault of the server is told without its particulars', async (t) => {
  const broken = async () => {
    throw new Error('cannot write /var/lib/podway/store.db: disk full')
  }
  const logged: unknown[] = []
  const log = { ...silentLogger, error: (...line: unknown[]) => logged.push(line) } as typeof silentLogger
  const server = createApiServer(broken, { ...serverPair, ca: authority.cert, log })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const reply = await send((server.address() as AddressInfo).port, '/api', admin)
  t.equal(reply.code, 500)
  t.match(JSON.parse(reply.body), { kind: 'Status', reason: 'InternalError', code: 500 })
  t.notMatch(reply.body, /var|store\.db|disk/)
  t.match(JSON.stringify(logged.map((line) => (line as { err: Error }[])[0]?.err.message)), /disk full/)
})

t.test('health is told while the worst bodies come', async (t) => {
  const { port } = await serve(t)
  const headers = { 'content-type': 'application/yaml' }
  const mapping = Array.from({ length: 9_000 }, (_, at) => `  k${at}: v`).join('\n')
  const body = `metadata:\n  name: large\ndata:\n${mapping}\n`
  const path = '/api/v1/namespaces/default/configmaps?dryRun=All'
  let isOver = false
  const attack = Promise.all(
    Array.from({ length: 4 }, () => send(port, path, { ...admin, method: 'POST', body, headers })),
  ).then((replies) => {
    isOver = true
    return replies.map(({ code }) => code)
  })
  const waits: number[] = []
  while (!isOver) {
    const began = performance.now()
    t.equal((await send(port, '/healthz')).code, 200)
    waits.push(performance.now() - began)
  }
  t.same(await attack, [201, 201, 201, 201])
  waits.sort((a, b) => a - b)
  const median = waits[waits.length >> 1] ?? 0
  t.ok(waits.length > 3 && median < 250, `${waits.length} answers, half of them within ${Math.round(median)} ms`)
})

t.test('an informer keeps up: past, present, deletions, and after being cut off', async (t) => {
  const { client, server } = await serve(t)
  const make = (name: string) => client.create(configMaps, { metadata: { name, namespace: 'default' } })
  await make('a')
  const stop = new AbortController()
  const informer = createInformer(client, configMaps)
  const running = informer.run(stop.signal)
  await informer.synced
  t.ok(informer.get('default/a'))
  await make('b')
  await client.delete(configMaps, { metadata: { name: 'a', namespace: 'default' } })
  await until(
    () => informer.get('default/b') !== undefined && informer.get('default/a') === undefined,
    'b to come and a to go',
  )

  server.closeAllConnections()
  for (let n = 0; n < 5; n++) await make(`after-${n}`)
  await until(() => informer.get('default/after-4') !== undefined, 'what came while it was cut off')
  t.equal(informer.size, 6)

  server.closeAllConnections()
  for (let n = 0; n < 200; n++)
    await client.patch(configMaps, { metadata: { name: 'b', namespace: 'default' } }, { data: { n: String(n) } })
  await until(() => informer.get('default/b')?.data?.['n'] === '199', 'the last change')
  t.pass('also when the server has forgotten where it was')
  stop.abort()
  await running
})

t.test('the OpenAPI document is sent once to whoever keeps it', async (t) => {
  const { port } = await serve(t)
  const first = await send(port, '/openapi/v2', admin)
  t.equal(first.headers['content-type'], 'application/json')
  const tag = String(first.headers['etag'])
  t.match(tag, /^"[0-9a-f]{64}"$/)
  const again = await send(port, '/openapi/v2', { ...admin, headers: { 'if-none-match': tag } })
  t.strictSame([again.code, again.body], [304, ''])
  const other = await send(port, '/openapi/v2', { ...admin, headers: { 'if-none-match': '"other"' } })
  t.equal(other.code, 200)
})

t.test('a large list is sent in fewer bytes to whoever can read them', async (t) => {
  const { api, port } = await serve(t)
  const value = 'a word '.repeat(10_000)
  for (const name of ['a', 'b', 'c'])
    await api.request('POST', '/api/v1/namespaces/default/configmaps', {
      body: { metadata: { name }, data: { value } },
    })
  const path = '/api/v1/namespaces/default/configmaps'
  const plain = await send(port, path, admin)
  t.equal(plain.headers['content-encoding'], undefined)
  for (const [taken, isPacked] of [
    ['gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['gzip;q=0', false],
    ['identity', false],
  ] as const) {
    const answer = await send(port, path, { ...admin, headers: { 'accept-encoding': taken } })
    t.equal(answer.headers['content-encoding'], isPacked ? 'gzip' : undefined, taken)
    if (isPacked) {
      t.ok(answer.bytes.length < plain.bytes.length / 10)
      t.equal(gunzipSync(answer.bytes).toString(), plain.body)
      t.equal(answer.headers['vary'], 'Accept-Encoding')
    } else t.equal(answer.body, plain.body)
  }
  const one = await send(port, `${path}/a`, { ...admin, headers: { 'accept-encoding': 'gzip' } })
  t.equal(one.headers['content-encoding'], undefined, 'a small answer stays as it is')
})
