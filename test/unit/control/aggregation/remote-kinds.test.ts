/** An API server behind this one that keeps objects: they are collected, described, and spoken with as our own. */
import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, Socket } from 'node:net'
import { Duplex, duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../../../src/api/certificates.ts'
import { configMaps, namespaces, services } from '../../../../src/api/resources.ts'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { switchProtocols } from '../../../../src/host/upgrade.ts'
import type { Json } from '../../../support/api-server.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const now = Date.now()
const authority = await createAuthority('test', validFor(1, now))
const front = await issueCertificate(authority, { commonName: 'front-proxy-client' }, validFor(1, now), 'client')

const group = 'furniture.example.com'
const root = `/apis/${group}/v1`
const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']
const chairs = { name: 'chairs', singularName: 'chair', namespaced: true, kind: 'Chair', verbs }

const openApi = {
  swagger: '2.0',
  paths: { [`${root}/namespaces/{namespace}/chairs`]: { get: { responses: {} } }, '/apis/other/v1/x': {} },
  definitions: { Chair: { type: 'object' } },
}

/** Keeps chairs. */
const serveChairs = async (t: Test) => {
  const pair = await issueCertificate(
    authority,
    { commonName: 'api', dnsNames: ['chairs.default.svc'] },
    validFor(1, now),
    'server',
  )
  const kept = new Map<string, KubeObject>()
  let revision = 1
  const watchers = new Set<(type: string, object: KubeObject) => void>()
  const change = (key: string, object: KubeObject | undefined): void => {
    const before = kept.get(key)
    const metadata = {
      ...(object ?? before)?.metadata,
      name: key.split('/')[1] ?? '',
      resourceVersion: String(++revision),
    }
    const changed = { ...(object ?? before), metadata } as KubeObject
    if (object) kept.set(key, changed)
    else kept.delete(key)
    for (const tell of watchers) tell(object ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED', changed)
  }
  const server = createServer({ ...pair, ca: authority.cert, requestCert: true }, async (request, response) => {
    const url = new URL(request.url ?? '', 'https://x')
    const body = await text(request)
    const answer = (code: number, object: unknown): void => {
      response.writeHead(code, { 'content-type': 'application/json' })
      response.end(JSON.stringify(object))
    }
    if (url.pathname === root)
      return answer(200, { kind: 'APIResourceList', groupVersion: `${group}/v1`, resources: [chairs] })
    if (url.pathname === '/openapi/v2') return answer(200, openApi)
    const [, namespace, name] =
      new RegExp(`^${root}(?:/namespaces/([^/]+))?/chairs(?:/([^/]+))?$`).exec(url.pathname) ?? []
    const key = `${namespace}/${name}`
    if (name === undefined && url.searchParams.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.flushHeaders()
      const tell = (type: string, object: KubeObject) => void response.write(`${JSON.stringify({ type, object })}\n`)
      watchers.add(tell)
      response.on('close', () => watchers.delete(tell))
      return
    }
    if (name === undefined) {
      const items = [...kept.values()].filter(
        ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
      )
      return answer(200, {
        kind: 'ChairList',
        apiVersion: `${group}/v1`,
        metadata: { resourceVersion: String(revision) },
        items,
      })
    }
    const found = kept.get(key)
    if (!found)
      return answer(404, { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message: 'no such chair' })
    if (request.method === 'DELETE') change(key, undefined)
    if (request.method === 'PATCH') {
      const patch = JSON.parse(body) as { metadata: object }
      change(key, { ...found, metadata: { ...found.metadata, ...patch.metadata } })
    }
    answer(200, kept.get(key) ?? found)
  })
  server.on('upgrade', (request, socket) => {
    if (!(socket instanceof Duplex)) return
    const who = String(request.headers['x-remote-user'])
    switchProtocols(socket, {
      connection: 'Upgrade',
      upgrade: 'echo',
      'x-protocol': String(request.headers['x-stream-protocol-version']),
    })
    socket.write(`${request.method} ${request.url} by ${who}: `)
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    kept,
    put: (namespace: string, name: string, metadata: object = {}) =>
      change(`${namespace}/${name}`, {
        ...{ apiVersion: `${group}/v1`, kind: 'Chair' },
        metadata: { name, namespace, uid: `uid-of-${name}`, ...metadata },
      }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
    port: (server.address() as AddressInfo).port,
  }
}

const register = async (plane: ControlPlane, port: number): Promise<void> => {
  await plane.client.create(services, {
    metadata: { name: 'chairs', namespace: 'default' },
    spec: { ports: [{ port: 443, targetPort: port }] },
  })
  await plane.commitSlice('chairs', '127.0.0.1', port)
  const caBundle = Buffer.from(authority.cert).toString('base64')
  const spec = {
    ...{ group, version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10, caBundle },
    service: { namespace: 'default', name: 'chairs' },
  }
  const { code } = await plane.request('POST', '/apis/apiregistration.k8s.io/v1/apiservices', {
    body: { metadata: { name: `v1.${group}` }, spec },
  })
  if (code !== 201) throw new Error(`${code}`)
}

const owner = (apiVersion: string, kind: string, name: string, uid = '') => ({
  ownerReferences: [{ apiVersion, kind, name, uid }],
})

t.test('its objects go with their owners and own ours, and go with their namespace', async (t) => {
  const plane = await startControlPlane(t, { frontProxy: () => front })
  const remote = await serveChairs(t)
  const { client } = plane
  await register(plane, remote.port)
  const map = await client.create(configMaps, { metadata: { name: 'room', namespace: 'default' } })
  remote.put('default', 'owned', owner('v1', 'ConfigMap', 'room', map.metadata.uid))
  remote.put('default', 'free')
  remote.put('default', 'lost', owner('v1', 'ConfigMap', 'gone', 'uid-of-nobody'))
  await until(() => !remote.kept.has('default/lost'), 'what has lost its owner to go', 30_000)
  await client.create(configMaps, {
    metadata: { name: 'cushion', namespace: 'default', ...owner(`${group}/v1`, 'Chair', 'free', 'uid-of-free') },
  })
  await client.delete(configMaps, map)
  await until(() => !remote.kept.has('default/owned'), 'what is owned to go')
  t.ok(remote.kept.has('default/free'))
  t.equal((await plane.request('GET', '/api/v1/namespaces/default/configmaps/cushion')).code, 200)
  await plane.answer('DELETE', `${root}/namespaces/default/chairs/free`)
  await until(
    async () => (await plane.request('GET', '/api/v1/namespaces/default/configmaps/cushion')).code === 404,
    'what it owns here to go',
  )

  await client.create(namespaces, { metadata: { name: 'house' } })
  remote.put('house', 'one')
  remote.put('other', 'two')
  await client.delete(namespaces, { metadata: { name: 'house' } })
  await until(async () => (await plane.request('GET', '/api/v1/namespaces/house')).code === 404, 'the namespace to go')
  t.same([...remote.kept.keys()], ['other/two'])

  await client.create(namespaces, { metadata: { name: 'late' } })
  remote.close()
  await client.delete(namespaces, { metadata: { name: 'late' } })
  await until(async () => {
    const { body } = await plane.request('GET', '/api/v1/namespaces/late')
    return JSON.stringify(body['status'] ?? {}).includes('"NamespaceDeletionContentFailure","status":"True"')
  }, 'that nobody knows what is in it')
  t.equal((await plane.request('GET', '/apis')).code, 200, 'discovery goes on')
})

t.test('its documents and its streams are reached through this one', async (t) => {
  const plane = await startControlPlane(t, { frontProxy: () => front })
  const remote = await serveChairs(t)
  await register(plane, remote.port)
  await until(
    async () => {
      const { body } = await plane.request('GET', '/openapi/v2')
      return body['paths']?.[`${root}/namespaces/{namespace}/chairs`] !== undefined
    },
    'its paths',
    30_000,
  )
  const { body } = await plane.request('GET', '/openapi/v2')
  t.notOk('/apis/other/v1/x' in (body['paths'] as Json), 'of its own group version only')

  const path = `${root}/namespaces/default/chairs/a/exec?command=sit`
  const headers = {
    connection: ['Upgrade'],
    upgrade: ['SPDY/3.1'],
    'x-stream-protocol-version': ['v4'],
    authorization: ['Bearer x'],
  }
  const answer = await plane.answer('POST', path, { headers })
  if (answer.kind !== 'upgraded') throw new Error(`a ${answer.kind}`)
  const [near, far] = duplexPair()
  answer.take({ request: new IncomingMessage(new Socket()), socket: far, head: Buffer.from('hello') })
  const said = await read(near, /hello/)
  t.match(said, /^HTTP\/1\.1 101 /)
  t.match(said, /x-protocol: v4/i)
  t.match(said, new RegExp(`POST ${root}/namespaces/default/chairs/a/exec\\?command=sit by admin: hello`))
  near.end()
  remote.close()
  t.equal((await plane.request('GET', '/openapi/v2')).code, 200)
  const failed = await plane.request('POST', path, { headers })
  t.equal(failed.code, 503)
})

const read = (stream: Duplex, end: RegExp): Promise<string> =>
  new Promise((resolve) => {
    let found = ''
    stream.on('data', (chunk: Buffer) => {
      found += String(chunk)
      if (end.test(found)) resolve(found)
    })
  })
