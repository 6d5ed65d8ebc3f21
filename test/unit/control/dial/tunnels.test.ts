/** Both ends of the connection that agents dial: the agent's, and the control plane's. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createHttpHandlers } from '../../../../src/agent/server/http.ts'
import { RequestError } from '../../../../src/agent/server/log-query.ts'
import { createTunnel } from '../../../../src/agent/server/tunnel.ts'
import { tunnelPath } from '../../../../src/api/tunnel/web-socket.ts'
import type { User } from '../../../../src/control/auth/user.ts'
import { acceptTunnel } from '../../../../src/control/dial/accept-tunnel.ts'
import { type OutgoingRequest, requestOver } from '../../../../src/control/dial/agent-request.ts'
import { firstOf, NodeUnreachable } from '../../../../src/control/dial/dialer.ts'
import { createTunnels } from '../../../../src/control/dial/tunnels.ts'
import { asking, withHeaders } from '../../../../src/control/server/call.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { joinStreams, switchProtocols } from '../../../../src/host/upgrade.ts'
import { until } from '../../../support/until.ts'

const nodeUser = (name: string): User => ({ name: `system:node:${name}`, groups: ['system:nodes'] })
const never = new AbortController().signal

const handlers = createHttpHandlers(
  async ({ method, url }) => {
    if (url === '/big') return { status: 200, type: 'text/plain', body: Readable.from([Buffer.alloc(3_000_000, 'b')]) }
    if (url === '/missing') throw new RequestError(404, 'no such thing')
    return { status: 200, type: 'text/plain', body: `${method} ${url}` }
  },
  async ({ url }) => {
    if (url !== '/echo') throw new RequestError(403, 'not that')
    return ({ socket, head }) => {
      switchProtocols(socket, { connection: 'Upgrade', upgrade: 'echo' })
      if (head.length > 0) socket.unshift(head)
      socket.pipe(socket)
    }
  },
  silentLogger,
)

/** The API's side, on a port of its own; callers are who they say in the header `x-user`. */
const serve = async (t: Test, waitMs = 100) => {
  const tunnels = createTunnels({ log: silentLogger, waitMs })
  const accept = acceptTunnel(tunnels)
  const server = createServer()
  const sockets = new Set<{ destroy(): void }>()
  server.on('upgrade', async (request, socket, head) => {
    sockets.add(socket)
    const user = nodeUser(String(request.headers.authorization?.slice('Bearer '.length)))
    try {
      const headers = withHeaders(request.headersDistinct)
      const given = await accept({
        ...asking('GET', tunnelPath, new URLSearchParams()),
        ...{ user, contentType: '', signal: never, ...headers },
        ...{ body: async () => undefined, rawBody: async () => Buffer.alloc(0) },
      })
      if (given.kind === 'upgraded') given.take({ request, socket, head })
    } catch {
      socket.destroy()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  t.teardown(() => {
    tunnels.close()
    dropAll()
    server.close()
  })
  return { tunnels, dropAll, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const dial = (t: Test, url: string, node: string) => {
  const stop = new AbortController()
  const connection = async () => ({ server: url, token: node })
  const tunnel = createTunnel({ connection, handlers, log: silentLogger, backOffMs: { base: 10, max: 50 } })
  const running = tunnel.run(stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await running
  }
  t.teardown(end)
  return { tunnel, end }
}

const ask = (path: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  ...{ method: 'GET', path, headers: { host: 'node' }, ...more },
})

t.test('a node that has dialled is asked over what it has dialled', async (t) => {
  const { tunnels, url } = await serve(t, 10_000)
  dial(t, url, 'a')
  const get = async (path: string) => requestOver(await tunnels.open('a', never), ask(path), never)
  const answer = await get('/x?y=1')
  t.equal(answer.code, 200)
  t.equal(await text(answer.body), 'GET /x?y=1')
  t.equal((await buffer((await get('/big')).body)).length, 3_000_000)
  const missing = await get('/missing')
  t.same([missing.code, await text(missing.body)], [404, 'no such thing'])
  const all = await Promise.all(Array.from({ length: 100 }, async (_each, at) => text((await get(`/${at}`)).body)))
  t.same(
    all,
    all.map((_text, at) => `GET /${at}`),
    'many at once',
  )
})

t.test('an upgrade over it is a stream both ways', async (t) => {
  const { tunnels, url } = await serve(t, 10_000)
  dial(t, url, 'a')
  const headers = { host: 'node', connection: 'Upgrade', upgrade: 'echo' }
  const asked = async (path: string) =>
    requestOver(await tunnels.open('a', never), ask(path, { headers, method: 'POST' }), never)
  const { upgraded, code } = await asked('/echo')
  t.equal(code, 101)
  if (!upgraded) return t.fail('no stream')
  upgraded.socket.end(Buffer.alloc(1_000_000, 'e'))
  t.equal(upgraded.head.length + (await buffer(upgraded.socket)).length, 1_000_000)
  const refused = await asked('/other')
  t.same([refused.code, await text(refused.body)], [403, 'not that'])
})

t.test('a node dials again when its connection has ended', async (t) => {
  const { tunnels, url, dropAll } = await serve(t, 10_000)
  const { tunnel } = dial(t, url, 'a')
  await until(() => tunnel.isOpen, 'the connection')
  dropAll()
  const again = async () => text((await requestOver(await tunnels.open('a', never), ask('/again'), never)).body)
  // The end of the first is not known everywhere at once.
  t.equal(await until(() => again().catch(() => undefined), 'an answer over another'), 'GET /again')
})

t.test('a node that has not dialled, and one that has gone', async (t) => {
  const { tunnels, url } = await serve(t)
  await t.rejects(tunnels.open('a', never), new NodeUnreachable('its agent has not dialled'))
  const { tunnel, end } = dial(t, url, 'a')
  await until(() => tunnel.isOpen, 'the connection')
  await t.rejects(tunnels.open('b', never), NodeUnreachable, 'another one')
  const waiting = requestOver(await tunnels.open('a', never), ask('/big'), never)
  const { body } = await waiting
  await end()
  await t.rejects(buffer(body), 'what was under way breaks off')
  await t.rejects(tunnels.open('a', never), NodeUnreachable)
})

t.test('of two agents the newer is asked, and the older when that has gone', async (t) => {
  const { tunnels, url } = await serve(t)
  const first = dial(t, url, 'a')
  await until(() => first.tunnel.isOpen, 'the first')
  const second = dial(t, url, 'a')
  await until(() => second.tunnel.isOpen, 'the second')
  await second.end()
  const answer = await requestOver(await tunnels.open('a', never), ask('/x'), never)
  t.equal(await text(answer.body), 'GET /x')
})

t.test('who may dial in', async (t) => {
  const added: string[] = []
  const accept = acceptTunnel({ add: (node) => void added.push(node) })
  const call = (user: User, protocol: string) => ({
    ...asking('GET', tunnelPath, new URLSearchParams()),
    ...{ user, contentType: '', signal: never },
    ...withHeaders({ 'sec-websocket-protocol': [protocol] }),
    ...{ body: async () => undefined, rawBody: async () => Buffer.alloc(0) },
  })
  const admin = { name: 'admin', groups: ['system:masters'] }
  t.throws(() => accept(call(admin, 'v1.tunnel.podway.dev')), { code: 403, message: /admin.* is no node/ })
  t.throws(() => accept(call(nodeUser('a'), 'chat')), /a tunnel speaks/)
  t.match(accept(call(nodeUser('a'), 'v1.tunnel.podway.dev')), { kind: 'upgraded' })
  t.same(added, [])
})

t.test('of several ways the first that leads there; else all reasons', async (t) => {
  const { tunnels } = await serve(t, 1)
  const open = async () => {
    throw new NodeUnreachable('dial tcp 192.0.2.1:10250: refused')
  }
  await t.rejects(
    firstOf([tunnels, { open }]).open('a', never),
    new NodeUnreachable('its agent has not dialled; dial tcp 192.0.2.1:10250: refused'),
  )
})

t.test('joined streams end as both ends do', async (t) => {
  const server = createServer().on('upgrade', (_request, socket, head) => {
    if (head.length > 0) socket.unshift(head)
    switchProtocols(socket, { upgrade: 'x', connection: 'Upgrade' })
    socket.once('data', (bytes: Buffer) => socket.end(Buffer.concat([bytes, Buffer.alloc(2_000_000, 'z')])))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { tunnels, url } = await serve(t, 10_000)
  const port = (server.address() as AddressInfo).port
  const proxied = createHttpHandlers(
    async () => ({ status: 404, type: 'text/plain', body: '' }),
    async () =>
      ({ socket, head }) => {
        if (head.length > 0) socket.unshift(head)
        joinStreams(socket, connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
      },
    silentLogger,
  )
  const stop = new AbortController()
  const connection = async () => ({ server: url, token: 'a' })
  const running = createTunnel({ connection, handlers: proxied, log: silentLogger }).run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const headers = { host: 'node', connection: 'Upgrade', upgrade: 'x' }
  const opened = await tunnels.open('a', never)
  const request = `GET / HTTP/1.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`
  opened.write(request)
  // Only now is there somebody at the other end, who wants a request of its own.
  opened.write(`${request}question`)
  const all = await buffer(opened)
  t.match(all.toString('latin1', 0, 200), /^HTTP\/1.1 101/)
  t.match(all.toString('latin1'), /questionz/)
  t.equal(all.toString('latin1').split('question')[1]?.length, 2_000_000, 'nothing of the end is lost')
})
