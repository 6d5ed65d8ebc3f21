/** The whole proxy: from objects of the API to answers of its threads. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { silentLogger } from '../../src/host/log.ts'
import { createIngress, type IngressOptions, type IngressSettings } from '../../src/proxy/ingress/ingress.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { byService, ingress, ingressClass, path, service, slice } from '../support/ingress-objects.ts'
import { startBackend } from '../support/relay-fixture.ts'
import { askTls, certificateFor } from '../support/tls-fixture.ts'
import { until } from '../support/until.ts'

const world = (t: Test, port: number, settings: Partial<IngressSettings> = {}, more: Partial<IngressOptions> = {}) => {
  const sources = {
    ingresses: createFedInformer([ingress({ className: 'edge', rules: { 'a.lab': [path('prefix:/', 'web')] } })]),
    classes: createFedInformer([ingressClass('edge')]),
    services: createFedInformer([service('web')]),
    slices: createFedInformer(
      [slice({ service: 'web', addresses: { '127.0.0.1': {} }, ports: [{ name: '', port }] })],
      { service: byService },
    ),
    secrets: createFedNamedData(),
    configMaps: createFedNamedData(),
  }
  const proxy = createIngress({
    ...sources,
    settings: { address: '127.0.0.1', httpPort: 0, httpsPort: 0, ...settings },
    ...{ log: silentLogger, timeouts: { drain: 2_000 } },
    ...more,
  })
  const stop = new AbortController()
  const done = proxy.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  return { ...sources, proxy, stop, done }
}

interface Answer {
  readonly status: number
  readonly body: string
}

const ask = (port: number, host = 'a.lab', agent?: Agent, path = '/'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, headers: { host }, ...(agent ? { agent } : {}) },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (piece) => {
          body += piece
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    outgoing.on('error', reject).end()
  })

t.test('routes come, change and go while connections stay', async (t) => {
  const backend = await startBackend(t, (_, response) => void response.end('hello'))
  const { proxy, ingresses, services, slices } = world(t, backend.port)
  await proxy.ready
  const { http = 0 } = proxy.ports()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  let connections = 0
  agent.on('free', () => {})
  const original = agent.createConnection.bind(agent)
  agent.createConnection = (...args: Parameters<typeof original>) => {
    connections++
    return original(...args)
  }
  t.same(await ask(http, 'a.lab', agent), { status: 200, body: 'hello' })
  t.equal((await ask(http, 'b.lab', agent)).status, 404)
  ingresses.put(ingress({ name: 'b', className: 'edge', rules: { 'b.lab': [path('prefix:/', 'other')] } }))
  await until(async () => (await ask(http, 'b.lab', agent)).status === 503, 'a route without endpoints')
  services.put(service('other'))
  slices.put(slice({ service: 'other', addresses: { '127.0.0.1': {} }, ports: [{ name: '', port: backend.port }] }))
  await until(async () => (await ask(http, 'b.lab', agent)).status === 200, 'its endpoints')
  ingresses.remove('default/b')
  await until(async () => (await ask(http, 'b.lab', agent)).status === 404, 'its end')
  t.equal(connections, 1, 'all over one connection')
})

t.test('a WebSocket outlives every change', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  t.teardown(() => server.close())
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(`heard ${data}`)))
  const address = server.address()
  const { proxy, ingresses } = world(t, typeof address === 'object' && address !== null ? address.port : 0)
  await proxy.ready
  const { http = 0 } = proxy.ports()
  const client = new WebSocket(`ws://127.0.0.1:${http}/`, { headers: { host: 'a.lab' } })
  await once(client, 'open')
  t.teardown(() => client.terminate())
  ingresses.put(ingress({ name: 'b', className: 'edge', rules: { 'b.lab': [path('prefix:/', 'web')] } }))
  ingresses.remove('default/web')
  await until(async () => (await ask(http, 'a.lab')).status === 404, 'the change')
  client.send('you')
  const [said] = await once(client, 'message')
  t.equal(String(said), 'heard you')
})

t.test('certificates come from Secrets, and are taken over when they change', async (t) => {
  const backend = await startBackend(t, (_, response) => void response.end('hello'))
  const { proxy, ingresses, secrets } = world(t, backend.port)
  const plain = ingress({ className: 'edge', rules: { 'a.lab': [path('prefix:/', 'web')] } })
  ingresses.put({ ...plain, spec: { ...plain.spec, tls: [{ hosts: ['a.lab'], secretName: 'web-tls' }] } })
  await proxy.ready
  const { http = 0, https = 0 } = proxy.ports()
  await t.rejects(askTls(https, { host: 'a.lab' }), 'the default certificate')
  t.match(proxy.problems(), [{ ingress: 'default/web', message: /default\/web-tls.*does not exist/ }])
  t.equal((await ask(http)).status, 308, 'HTTP is sent to HTTPS')
  const secret = async (name: string) => {
    const { certificate, key } = await certificateFor(name)
    return { 'tls.crt': certificate, 'tls.key': key }
  }
  secrets.put('default/web-tls', await secret('a.lab'))
  await until(
    async () => (await askTls(https, { host: 'a.lab' }).catch(() => undefined))?.status === 200,
    'the certificate',
  )
  t.same(proxy.problems(), [])
  secrets.put('default/web-tls', { 'tls.crt': 'nonsense', 'tls.key': 'x' })
  await until(() => proxy.problems().length > 0, 'the problem')
  await t.rejects(askTls(https, { host: 'a.lab' }), 'the default one again')
})

t.test('several threads share the ports, and count together', async (t) => {
  const backend = await startBackend(t, (_, response) => void response.end('hello'))
  const { proxy } = world(t, backend.port, { threads: 3 })
  await proxy.ready
  const { http = 0 } = proxy.ports()
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(http)))
  t.ok(answers.every(({ status }) => status === 200))
  const snapshots = await proxy.snapshots()
  t.equal(snapshots.length, 3)
  const counts = snapshots.map(({ series }) => series.reduce((sum, { count }) => sum + count, 0))
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    60,
  )
  t.ok(counts.filter((count) => count > 0).length > 1, `spread: ${counts}`)
})

t.test('a port that somebody else has is waited for, and the others are served', async (t) => {
  const backend = await startBackend(t, (_, response) => void response.end('hello'))
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const address = holder.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  const { proxy } = world(t, backend.port, { httpsPort: taken })
  await proxy.ready
  t.same(Object.keys(proxy.ports()), ['http'])
  t.equal((await ask(proxy.ports()['http'] ?? 0)).status, 200)
})

t.test('stopping finishes what runs', async (t) => {
  const held = Promise.withResolvers<void>()
  const backend = await startBackend(t, async (_, response) => {
    response.write('first ')
    await held.promise
    response.end('last')
  })
  const { proxy, stop, done } = world(t, backend.port)
  await proxy.ready
  const { http = 0 } = proxy.ports()
  const running = ask(http)
  await until(() => backend.connections() === 1, 'the request')
  stop.abort()
  await until(async () => (await ask(http).catch(() => undefined)) === undefined, 'nobody to be accepted any more')
  held.resolve()
  t.same(await running, { status: 200, body: 'first last' })
  await done
})

t.test('the access log of all threads', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-ingress-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'access.log')
  const backend = await startBackend(t, (_, response) => void response.end('hello'))
  const { proxy, stop, done } = world(t, backend.port, { accessLog: { file, sample: 1 }, threads: 2 })
  await proxy.ready
  const { http = 0 } = proxy.ports()
  await Promise.all(Array.from({ length: 20 }, (_, at) => ask(http, 'a.lab', undefined, `/${at}`)))
  stop.abort()
  await done
  const uris = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).uri)
  t.same(uris.sort(), Array.from({ length: 20 }, (_, at) => `/${at}`).sort())
})
