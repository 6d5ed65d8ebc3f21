/** Connections to API servers behind this one. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t from 'tap'
import { createRemoteConnections } from '../../../../src/control/aggregation/connection.ts'

const remote = {
  ...{ group: 'furniture.example.com', version: 'v1', caBundle: undefined, isUnverified: false },
  ...{ service: { namespace: 'default', name: 'chairs', port: 443 }, priority: 0, isExpected: true },
}

t.test('a client that goes while its upgrade is still being connected leaves nothing behind', async (t) => {
  // Accepts, and never says a word of TLS.
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const connections = createRemoteConnections(
    async () => connect(port, '127.0.0.1'),
    () => undefined,
  )
  const accepted = once(server, 'connection')
  const client = new AbortController()
  const user = { name: 'jane', groups: [] }
  const asked = connections.upgrade(remote, {
    ...{ method: 'POST', path: '/apis/furniture.example.com/v1/chairs/a/exec', user, headers: {} },
    signal: client.signal,
  })
  const [socket] = await accepted
  client.abort()
  await t.rejects(asked, { name: 'AbortError' })
  const closed = once(socket.resume(), 'close', { signal: AbortSignal.timeout(2_000) })
  await t.resolves(closed, 'the connection has ended, too')
})
