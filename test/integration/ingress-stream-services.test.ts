/** TCP and UDP Services behind ports of the node, over real sockets. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import type { Protocol } from '../../src/api/types/index.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createStreamServices, readStreamLine } from '../../src/proxy/ingress/stream-services.ts'
import { createFedInformer } from '../support/fed-informer.ts'
import { createFedNamedData } from '../support/fed-named-data.ts'
import { freePort } from '../support/free-port.ts'
import { byService, service, slice } from '../support/ingress-objects.ts'
import { dial } from '../support/raw-http.ts'
import { udpAnswer } from '../support/udp-answer.ts'
import { until } from '../support/until.ts'

const portOf = (address: ReturnType<ReturnType<typeof createServer>['address']>): number =>
  typeof address === 'object' && address !== null ? address.port : 0

const tcpBackend = async (t: Test, name: string): Promise<number> => {
  const server = createServer((socket) => {
    socket.on('error', () => {}).write(`${name}\n`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return portOf(server.address())
}

const udpBackend = async (t: Test): Promise<number> => {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => socket.send(`heard ${message}`, port, address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  return socket.address().port
}

const start = (
  t: Test,
  ports: readonly { readonly name: string; readonly port: number; readonly protocol: Protocol }[],
) => {
  const services = createFedInformer([
    service('db', { ports: ports.map(({ name, protocol }, at) => ({ name, protocol, port: 5000 + at })) }),
  ])
  const slices = createFedInformer([slice({ service: 'db', addresses: { '127.0.0.1': {} }, ports })], {
    service: byService,
  })
  const configMaps = createFedNamedData({ 'infra/tcp': {}, 'infra/udp': {} })
  const streams = createStreamServices({
    ...{ services, slices, configMaps, log: silentLogger },
    settings: { address: '127.0.0.1', tcp: 'infra/tcp', udp: 'infra/udp' },
  })
  const stop = new AbortController()
  const done = streams.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  return { configMaps, slices }
}

const greeting = async (port: number): Promise<string | undefined> => {
  const client = dial(port)
  try {
    return (await client.hears('\n')).trim()
  } catch {
    // Nobody listens (yet, or any more).
    return undefined
  } finally {
    client.socket.destroy()
  }
}

t.test('TCP: a line opens a port, another endpoint is followed, the line gone closes it', async (t) => {
  const [one, two, port] = [await tcpBackend(t, 'one'), await tcpBackend(t, 'two'), await freePort()]
  const { configMaps, slices } = start(t, [{ name: 'db', port: one, protocol: 'TCP' }])
  configMaps.put('infra/tcp', { [port]: 'default/db:5000', nonsense: 'x' })
  await until(async () => (await greeting(port)) === 'one', 'the first endpoint')
  slices.put(
    slice({ service: 'db', addresses: { '127.0.0.1': {} }, ports: [{ name: 'db', port: two, protocol: 'TCP' }] }),
  )
  await until(async () => (await greeting(port)) === 'two', 'the second one')
  configMaps.put('infra/tcp', {})
  await until(async () => (await greeting(port)) === undefined, 'the end')
})

t.test('UDP, by the name of the Service port', async (t) => {
  const port = await freePort()
  const { configMaps } = start(t, [{ name: 'log', port: await udpBackend(t), protocol: 'UDP' }])
  configMaps.put('infra/udp', { [port]: 'default/db:log' })
  t.equal(await udpAnswer(t, port), 'heard you')
})

t.test('lines of the ConfigMaps', async (t) => {
  t.same(readStreamLine('9000', 'default/db:5432'), { port: 9000, service: 'default/db', servicePort: 5432 })
  t.same(readStreamLine('53', ' infra/dns:dns '), { port: 53, service: 'infra/dns', servicePort: 'dns' })
  for (const [key, value] of [
    ['0', 'default/db:1'],
    ['70000', 'default/db:1'],
    ['x', 'default/db:1'],
    ['1', 'db:1'],
    ['1', 'default/db'],
    ['1', 'default/db:1:PROXY'],
  ] as const)
    t.type(readStreamLine(key, value), 'string', `${key}: ${value}`)
})
