/** The proxy of pods, Services and nodes, over a dialer whose agent and pod are played. */
import { createServer, IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { duplexPair, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type ApiError, notFound } from '../../../../src/api/errors.ts'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import type { Dialer } from '../../../../src/control/dial/dialer.ts'
import type { ObjectName, Objects } from '../../../../src/control/objects/objects.ts'
import { pod as podKind } from '../../../../src/control/resources/core/pod.ts'
import type { ResourceDefinition } from '../../../../src/control/resources/definition.ts'
import { type Answer, asking, type Call, withHeaders } from '../../../../src/control/server/call.ts'
import { proxies } from '../../../../src/control/streams/proxy/proxy.ts'
import { switchProtocols } from '../../../../src/host/upgrade.ts'

const pod = (name: string, ip: string, more: object = {}) => ({
  ...{ kind: 'Pod', metadata: { name, namespace: 'n', uid: `uid-${name}` }, status: { podIP: ip, podIPs: [{ ip }] } },
  spec: { nodeName: 'node1', containers: [{ name: 'c', ports: [{ containerPort: 8080 }] }], ...more },
})

const endpoints = (...addresses: readonly object[]) => ({
  subsets: [{ addresses, ports: [{ name: 'http', port: 8080 }] }],
})

const objects: Readonly<Record<string, object>> = {
  'pods/n/web': pod('web', '10.0.0.1'),
  'pods/n/bare': pod('bare', '10.0.0.2', { containers: [{ name: 'c' }] }),
  'pods/n/new': pod('new', ''),
  'pods/n/sly': pod('sly', '127.0.0.1'),
  'pods/n/slier': pod('slier', '169.254.169.254'),
  'pods/n/lost': pod('lost', '10.0.0.3', { nodeName: 'gone' }),
  'services/n/web': { metadata: { name: 'web' }, spec: { ports: [{ name: 'http', port: 80 }] } },
  'endpoints/n/web': endpoints({ ip: '10.0.0.1', targetRef: { kind: 'Pod', name: 'web' } }),
  'services/n/forged': { metadata: { name: 'forged' }, spec: { ports: [{ name: 'http', port: 80 }] } },
  'endpoints/n/forged': endpoints({ ip: '192.0.2.7' }, { ip: '192.0.2.8', targetRef: { kind: 'Pod', name: 'web' } }),
  'services/n/empty': { metadata: { name: 'empty' }, spec: { ports: [{ port: 80 }] } },
  'endpoints/n/empty': {},
  'services/n/bare': { metadata: { name: 'bare' }, spec: { ports: [{ port: 80 }] } },
  'nodes/node1': { metadata: { name: 'node1' }, status: { daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } } } },
}

const store: Pick<Objects, 'get'> = {
  get: (definition: ResourceDefinition, { namespace, name }: ObjectName): KubeObject => {
    const found = objects[[definition.plural, namespace, name].filter(Boolean).join('/')]
    if (!found) throw notFound(definition, name)
    return found as KubeObject
  },
}

/** What the pod answers. */
const answerOf = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.url === '/redirect') return void response.writeHead(302, { location: '/there' }).end()
  if (request.url === '/page')
    return void response.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/rewriteme">test</a>')
  if (request.url === '/crash') return void request.socket.destroy()
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    const { authorization = '', 'x-own': own = '', host = '' } = request.headers
    response.writeHead(201, { 'content-type': 'text/plain', 'x-said': 'yes' })
    response.end([request.method, request.url, host, authorization, own, body].join(' '))
  })
}

const dialled: string[] = []
const podServer = createServer(answerOf).on('upgrade', (_request, socket) => {
  switchProtocols(socket, { connection: 'Upgrade', upgrade: 'echo', 'x-said': 'yes' })
  socket.pipe(socket)
})
const agentServer = createServer((request, response) => void response.end(`agent ${request.url}`)).on(
  'upgrade',
  (request, socket) => {
    dialled.push(request.url ?? '')
    switchProtocols(socket, { connection: 'Upgrade', upgrade: 'tcp' })
    podServer.emit('connection', socket)
  },
)
const dialer: Dialer = {
  open: async (node) => {
    if (node !== 'node1') throw new Error('its agent has not dialled')
    const [near, far] = duplexPair()
    agentServer.emit('connection', far)
    return near
  },
}
const admit: Objects['admit'] = async ({ object }) => object
const handlers = proxies({ ...(store as Objects), admit }, dialer)

const ask = (path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}, body?: string) => {
  const { pathname, search, searchParams } = new URL(path, 'https://api')
  const [, , , , namespace, plural, name = ''] = pathname.startsWith('/api/v1/nodes')
    ? ['', '', '', '', undefined, 'nodes', pathname.split('/')[4]]
    : pathname.split('/')
  const call: Call = {
    ...asking('GET', pathname, searchParams),
    ...{ user: { name: 'me', groups: [] }, contentType: '' },
    ...withHeaders(
      Object.fromEntries(Object.entries({ host: 'api:6443', ...headers }).map(([key, value]) => [key, [value]])),
    ),
    ...{ body: async () => undefined, rawBody: async () => Buffer.alloc(0), signal: new AbortController().signal },
    raw: { method, search, body: () => (body === undefined ? undefined : Readable.from([Buffer.from(body)])) },
  }
  const request = {
    ...({ kind: 'resource', verb: 'get', group: '', version: 'v1', subresource: 'proxy' } as const),
    ...{ plural: plural ?? '', namespace, name },
  }
  const handle = handlers[`${plural}/proxy get`]
  if (!handle) throw new Error(`nobody proxies ${plural}`)
  return handle(call, request, podKind)
}

const shown = async (answering: Promise<Answer>) => {
  const answer = await answering
  if (answer.kind !== 'stream') throw new Error(`an answer of the kind ${answer.kind}`)
  return { code: answer.code, headers: answer.headers ?? {}, text: await text(answer.chunks) }
}

t.test('a request goes to the pod as it is, but for who asks', async (t) => {
  const path = '/api/v1/namespaces/n/pods/web:9090/proxy/a%2Fb/c?d=%20&e'
  const headers = { authorization: 'Bearer secret', 'x-own': 'kept', 'content-length': '4' }
  const { code, headers: found, text: said } = await shown(ask(path, 'PUT', headers, 'body'))
  t.equal(code, 201)
  t.match(found, { 'x-said': 'yes' })
  t.equal(said, 'PUT /a%2Fb/c?d=%20&e 10.0.0.1:9090  kept body')
  t.equal(dialled.at(-1), '/dial/n/web/uid-web/9090')
})

t.test('whom names mean', async (t) => {
  const hostOf = async (path: string) => (await shown(ask(`/api/v1/${path}`))).text.split(' ')[2]
  t.equal(await hostOf('namespaces/n/pods/web/proxy/'), '10.0.0.1:8080', 'the first port that is declared')
  t.equal(await hostOf('namespaces/n/pods/bare/proxy/'), '10.0.0.2:80')
  t.equal(await hostOf('namespaces/n/services/web:80/proxy/'), '10.0.0.1:8080')
  t.equal(await hostOf('namespaces/n/services/web:http/proxy/'), '10.0.0.1:8080')
  t.equal(await hostOf('namespaces/n/services/:web:http/proxy/'), '10.0.0.1:8080')
  t.equal((await shown(ask('/api/v1/nodes/node1/proxy/pods'))).text, 'agent /pods')
  t.equal((await shown(ask('/api/v1/nodes/node1:10250/proxy/healthz'))).text, 'agent /healthz')
})

t.test('what cannot be reached', async (t) => {
  const failing = (path: string) =>
    ask(`/api/v1/${path}`).then(
      () => undefined,
      (error: unknown) => error as ApiError,
    )
  const cases: Readonly<Record<string, readonly [number, RegExp]>> = {
    'namespaces/n/services/empty:80/proxy/': [503, /^no endpoints available for service "empty"$/],
    'namespaces/n/services/empty/proxy/': [503, /^no endpoints available for service "empty"$/],
    'namespaces/n/services/web:81/proxy/': [503, /^no service port 81 found for service "web"$/],
    'namespaces/n/services/web:other/proxy/': [503, /^no endpoints available for service "web"$/],
    'namespaces/n/services/forged:80/proxy/': [503, /^no endpoints available for service "forged"$/],
    'namespaces/n/services/bare:80/proxy/': [503, /^no endpoints available for service "bare"$/],
    'namespaces/n/services/none:80/proxy/': [404, /^services "none" not found$/],
    'namespaces/n/pods/none/proxy/': [404, /^pods "none" not found$/],
    'namespaces/n/pods/new/proxy/': [400, /has no address/],
    'namespaces/n/pods/sly/proxy/': [400, /^address not allowed$/],
    'namespaces/n/pods/slier/proxy/': [400, /^address not allowed$/],
    'namespaces/n/pods/web:x/proxy/': [400, /invalid port "x"/],
    'namespaces/n/pods/web:70000/proxy/': [400, /invalid port/],
    'namespaces/n/pods/lost/proxy/': [503, /^error trying to reach service: its agent has not dialled$/],
    'namespaces/n/pods/web/proxy/crash': [503, /^error trying to reach service: /],
    'nodes/node1:22/proxy/': [400, /only the agent's port/],
    'nodes/none/proxy/': [404, /^nodes "none" not found$/],
  }
  for (const [path, [code, message]] of Object.entries(cases)) t.match(await failing(path), { code, message }, path)
})

t.test('addresses lead back through the proxy', async (t) => {
  const root = '/api/v1/namespaces/n/pods/web/proxy'
  t.match(await shown(ask(root)), { code: 301, headers: { location: `${root}/` } }, 'to where relative ones begin')
  t.match(await shown(ask(`${root}?a=b`, 'HEAD')), { code: 301, headers: { location: `${root}/?a=b` } })
  t.match(await shown(ask(root, 'POST')), { code: 201 })
  t.match(await shown(ask(`${root}/redirect`)), { code: 302, headers: { location: `${root}/there` } })
  t.match(await shown(ask(`${root}/page`)), { code: 200, text: `<a href="${root}/rewriteme">test</a>` })
})

t.test('an upgrade becomes a stream', async (t) => {
  const headers = { connection: 'Upgrade', upgrade: 'echo' }
  const answer = await ask('/api/v1/namespaces/n/services/web:80/proxy/x', 'GET', headers)
  if (answer.kind !== 'upgraded') return t.fail('no upgrade')
  const [client, socket] = duplexPair()
  answer.take({ request: new IncomingMessage(new Socket()), socket, head: Buffer.from('early ') })
  client.end('late')
  const said = await text(client)
  t.match(said, /^HTTP\/1.1 101 [\s\S]*x-said: yes\r\n/)
  t.match(said, /\r\n\r\nearly late$/)
})
