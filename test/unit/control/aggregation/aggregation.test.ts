/** API servers behind this one: found, asked in the caller's name, and missed by nobody when they are dead. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../../../src/api/certificates.ts'
import { services as serviceResource } from '../../../../src/api/resources.ts'
import type { User } from '../../../../src/control/auth/user.ts'
import type { Json } from '../../../support/api-server.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const now = Date.now()
const authority = await createAuthority('test', validFor(1, now))
const proxy = await issueCertificate(authority, { commonName: 'front-proxy-client' }, validFor(1, now), 'client')

interface Asked {
  readonly path: string
  readonly method: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly by: string
  readonly body: string
}

const resources = [
  {
    name: 'chairs',
    singularName: 'chair',
    namespaced: true,
    kind: 'Chair',
    verbs: ['get', 'list'],
    shortNames: ['ch'],
  },
  { name: 'chairs/status', singularName: '', namespaced: true, kind: 'Chair', verbs: ['get'] },
]

const isTls = (socket: Socket): socket is TLSSocket => 'getPeerCertificate' in socket

/** The other API server. */
const serveApi = async (t: Test) => {
  const identity = { commonName: 'api', dnsNames: ['chairs.default.svc'] }
  const pair = await issueCertificate(authority, identity, validFor(1, now), 'server')
  const asked: Asked[] = []
  const server = createServer({ ...pair, ca: authority.cert, requestCert: true }, async (request, response) => {
    const { socket, url: path = '', method = '', headers } = request
    const by = isTls(socket) ? String(socket.getPeerCertificate().subject?.CN) : ''
    asked.push({ path, method, headers, by, body: await text(request) })
    const answer: Readonly<Record<string, unknown>> = {
      '/apis/furniture.example.com/v1': {
        kind: 'APIResourceList',
        groupVersion: 'furniture.example.com/v1',
        resources,
      },
      '/openapi/v3/apis/furniture.example.com/v1': { openapi: '3.0.0', paths: {} },
    }
    const found = answer[path] ?? { kind: 'ChairList', apiVersion: 'furniture.example.com/v1', metadata: {}, items: [] }
    response.writeHead(path.includes('teapot') ? 418 : 200, { 'content-type': 'application/json', 'x-from': 'chairs' })
    response.end(JSON.stringify(found))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, server, port: (server.address() as AddressInfo).port }
}

const register = async (plane: ControlPlane): Promise<void> => {
  const caBundle = Buffer.from(authority.cert).toString('base64')
  const spec = {
    ...{ group: 'furniture.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10, caBundle },
    service: { namespace: 'default', name: 'chairs' },
  }
  const body = { metadata: { name: 'v1.furniture.example.com' }, spec }
  const { code, body: answer } = await plane.request('POST', '/apis/apiregistration.k8s.io/v1/apiservices', { body })
  if (code !== 201) throw new Error(JSON.stringify(answer))
}

const available = async (plane: ControlPlane, name: string): Promise<Json | undefined> => {
  const { body } = await plane.request('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${name}`)
  return [...((body['status']?.['conditions'] ?? []) as unknown as Json[])].find(
    ({ type }) => String(type) === 'Available',
  )
}

/** An answer that is handed on, as text. */
const ask = async (plane: ControlPlane, path: string, user?: User): Promise<string> => {
  const answer = await plane.answer(
    'GET',
    path,
    user ? { user, headers: { 'x-remote-user': ['root'], authorization: ['Bearer x'] } } : {},
  )
  if (answer.kind !== 'stream') throw new Error(`a ${answer.kind}`)
  const parts: Uint8Array[] = []
  for await (const chunk of answer.chunks) parts.push(chunk)
  return `${answer.code} ${Buffer.concat(parts).toString()}`
}

t.test('what another server has is found beside our own, and asked in the name of who asks', async (t) => {
  const plane = await startControlPlane(t, { frontProxy: () => proxy })
  const { asked, server, port } = await serveApi(t)
  await plane.client.create(serviceResource, {
    metadata: { name: 'chairs', namespace: 'default' },
    spec: { ports: [{ port: 443, targetPort: port }] },
  })
  await register(plane)
  await until(
    async () => String((await available(plane, 'v1.furniture.example.com'))?.['reason']) === 'MissingEndpoints',
    'that nobody is there',
  )
  t.equal((await plane.request('GET', '/apis/furniture.example.com/v1/chairs')).code, 503)
  t.equal((await plane.request('GET', '/api/v1/pods')).code, 200, 'which is nobody else’s trouble')

  await plane.commitSlice('chairs', '127.0.0.1', port)
  await until(
    async () => String((await available(plane, 'v1.furniture.example.com'))?.['status']) === 'True',
    'that somebody is there',
    30_000,
  )

  const jane = { name: 'jane', groups: ['system:masters'], extra: { 'example.com/team': ['a'] } }
  t.match(
    await ask(plane, '/apis/furniture.example.com/v1/namespaces/default/chairs?limit=5', jane),
    /^200 .*ChairList/,
  )
  // Not the last one: the control plane asks from time to time whether the server is there.
  const janes = asked.find(({ path }) => path === '/apis/furniture.example.com/v1/namespaces/default/chairs?limit=5')
  t.equal(janes?.by, 'front-proxy-client')
  t.match(janes?.headers, {
    'x-remote-user': 'jane',
    'x-remote-group': 'system:masters',
    'x-remote-extra-example.com%2fteam': 'a',
  })
  t.equal(janes?.headers['authorization'], undefined, 'no secret of the caller goes along')
  t.match(await ask(plane, '/apis/furniture.example.com/v1/teapot'), /^418 /)

  const { body: groups } = await plane.request('GET', '/apis')
  t.match(JSON.stringify(groups), /"furniture\.example\.com\/v1"/)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  await until(
    async () => /"chairs"/.test(JSON.stringify((await plane.request('GET', '/apis', { accept })).body)),
    'its resources',
    40_000,
  )
  t.match(await ask(plane, '/apis/furniture.example.com/v1'), /APIResourceList/)
  t.match(JSON.stringify((await plane.request('GET', '/openapi/v3')).body), /apis\/furniture\.example\.com\/v1/)
  t.match(await ask(plane, '/openapi/v3/apis/furniture.example.com/v1'), /"openapi":"3\.0\.0"/)

  const nobody: User = { name: 'joe', groups: [] }
  t.equal((await plane.request('GET', '/apis/furniture.example.com/v1/chairs', { user: nobody })).code, 403)
  server.closeAllConnections()
  server.close()
  t.equal((await plane.request('GET', '/apis/furniture.example.com/v1/chairs')).code, 503)
  t.equal((await plane.request('GET', '/apis')).code, 200)
})

t.test('our own group versions are APIServices, too, and nobody takes their place', async (t) => {
  const plane = await startControlPlane(t)
  const path = '/apis/apiregistration.k8s.io/v1/apiservices'
  await until(async () => String((await available(plane, 'v1.apps'))?.['reason']) === 'Local', 'the local ones')
  t.match((await plane.request('GET', `${path}/v1.`)).body, { spec: { version: 'v1' } })
  const merge = { contentType: 'application/merge-patch+json' }
  const taken = await plane.request('PATCH', `${path}/v1.apps`, {
    body: { spec: { service: { namespace: 'default', name: 'evil' } } },
    ...merge,
  })
  t.equal(taken.code, 200)
  t.equal((await plane.request('GET', '/apis/apps/v1/deployments')).code, 200)
  const wrong = await plane.request('POST', path, {
    body: { metadata: { name: 'v1.other' }, spec: { group: 'example.com', version: 'v1' } },
  })
  t.equal(wrong.code, 422)
})

t.test('metrics are ours until users have a server of their own for them, and again when it has gone', async (t) => {
  const plane = await startControlPlane(t, { frontProxy: () => proxy })
  const { asked, port } = await serveApi(t)
  const nodes = '/apis/metrics.k8s.io/v1beta1/nodes'
  const services = '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io'
  const whose = async (): Promise<string> => {
    const answer = await plane.answer('GET', nodes)
    return answer.kind === 'stream' ? 'theirs' : 'ours'
  }
  await until(async () => (await plane.request('GET', services)).code === 200, 'our APIService')
  t.equal(String((await available(plane, 'v1beta1.metrics.k8s.io'))?.['reason'] ?? 'Local'), 'Local')
  t.equal(await whose(), 'ours')

  await plane.client.create(serviceResource, {
    metadata: { name: 'metrics', namespace: 'default' },
    spec: { ports: [{ port: 443, targetPort: port }] },
  })
  await plane.commitSlice('metrics', '127.0.0.1', port)
  const spec = { service: { namespace: 'default', name: 'metrics' }, insecureSkipTLSVerify: true }
  const changed = await plane.request('PATCH', services, {
    ...{ body: { spec }, contentType: 'application/merge-patch+json' },
  })
  t.equal(changed.code, 200, String(changed.body['message']))
  await until(async () => (await whose()) === 'theirs', 'their server')
  await ask(plane, nodes)
  t.ok(asked.some(({ path, by }) => path === nodes && by === 'front-proxy-client'))
  const { body } = await plane.request('GET', '/apis')
  const groups = (body['groups'] as unknown as Json[]).filter(({ name }) => String(name) === 'metrics.k8s.io')
  t.equal(groups.length, 1)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  t.notMatch(
    JSON.stringify((await plane.request('GET', '/apis', { accept })).body),
    /NodeMetrics/,
    'what it has, it tells',
  )
  await until(
    async () => String((await available(plane, 'v1beta1.metrics.k8s.io'))?.['reason']) === 'Passed',
    'that it is looked at',
    30_000,
  )

  t.equal((await plane.request('DELETE', services)).code, 200)
  await until(async () => (await whose()) === 'ours', 'that it is ours again')
})
