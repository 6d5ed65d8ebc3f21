import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import t from 'tap'
import type { Service } from '../../../../src/api/types/index.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import type { Portal } from '../../../../src/proxy/relays.ts'
import { localhostPorts, runLocalhostNodePorts } from '../../../../src/proxy/userspace/localhost.ts'
import { createPicker, type Target } from '../../../../src/proxy/userspace/picker.ts'
import { listenTcp, type Route } from '../../../../src/proxy/userspace/tcp-relay.ts'
import { listenUdp } from '../../../../src/proxy/userspace/udp-relay.ts'
import { createUserspaceProxy } from '../../../../src/proxy/userspace/userspace-proxy.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { freePort } from '../../../support/free-port.ts'
import { until } from '../../../support/until.ts'
import { makeService } from '../support/objects.ts'

const loopback = '127.0.0.1'
const targets = (count: number): readonly Target[] =>
  Array.from({ length: count }, (_, n) => ({ address: `10.1.0.${n + 1}`, port: 80 }))
const portalOf = (endpoints: readonly Target[], more: Partial<Portal> = {}): Portal => ({
  ...{ id: 'p', protocol: 'tcp', balancing: 'round-robin', affinitySeconds: undefined, endpoints },
  ...more,
})

/** A clock that stands still until told. */
const createStillClock = () => {
  let now = 1_000
  return {
    now: () => now,
    after: () => () => undefined,
    pass: (ms: number) => {
      now += ms
    },
  }
}

t.test('in turn, with the others to fall back on', async (t) => {
  const picker = createPicker(portalOf(targets(3)))
  const firsts = Array.from({ length: 6 }, () =>
    picker
      .candidates('c')
      .map(({ address }) => address.at(-1))
      .join(''),
  )
  t.same(firsts, ['123', '231', '312', '123', '231', '312'])
  picker.update(portalOf([]))
  t.same(picker.candidates('c'), [])
})

t.test('by chance', async (t) => {
  const picker = createPicker(portalOf(targets(4), { balancing: 'random' }), undefined, () => 0.6)
  t.equal(picker.candidates('c')[0]?.address, '10.1.0.3')
})

t.test('a client stays, until it was away for too long or its endpoint is gone', async (t) => {
  const clock = createStillClock()
  const portal = portalOf(targets(3), { affinitySeconds: 10 })
  const picker = createPicker(portal, clock)
  const visit = (client: string): string => {
    const [first] = picker.candidates(client)
    if (!first) throw new Error('no endpoint')
    picker.served(client, first)
    return first.address
  }
  t.equal(visit('a'), '10.1.0.1')
  t.equal(visit('b'), '10.1.0.2')
  for (let n = 0; n < 3; n++) {
    clock.pass(9_000)
    t.equal(visit('a'), '10.1.0.1', 'each visit begins the time anew')
  }
  t.equal(visit('b'), '10.1.0.3', 'b was away for too long')
  picker.update({ ...portal, endpoints: targets(3).slice(1) })
  t.not(visit('a'), '10.1.0.1', 'its endpoint is gone')
})

/** An endpoint that says its name and then what it hears. */
const startEndpoint = async (t: Test, name: string, port = 0): Promise<Target> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.write(`${name}:`)
    socket.pipe(socket)
  })
  server.listen(port, loopback)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { address: loopback, port: (server.address() as AddressInfo).port }
}

/** A port where nobody listens. */
const deadPort = async (): Promise<Target> => ({ address: loopback, port: await freePort() })

const routeTo = (candidates: readonly Target[]): Route & { readonly got: Target[] } => {
  const got: Target[] = []
  return { candidates: () => candidates, isOffered: () => true, served: (_client, target) => got.push(target), got }
}

const say = async (port: number, words: string): Promise<string> => {
  const socket = connect({ port, host: loopback, allowHalfOpen: true })
  socket.end(words)
  return text(socket)
}

t.test('TCP: both ways, ends included; a dead endpoint costs a retry', async (t) => {
  const [dead, alive] = [await deadPort(), await startEndpoint(t, 'one')]
  const route = routeTo([dead, alive])
  const relay = await listenTcp(loopback, 0, route)
  t.teardown(() => relay.destroy())
  t.equal(await say(relay.port, 'hello'), 'one:hello', 'the client has ended and still hears the answer')
  t.same(route.got, [alive])
  const big = 'x'.repeat(3_000_000)
  t.equal((await say(relay.port, big)).length, big.length + 4)
})

t.test('TCP: nobody there', async (t) => {
  const relay = await listenTcp(loopback, 0, routeTo([await deadPort()]))
  t.teardown(() => relay.destroy())
  const socket = connect(relay.port, loopback)
  const [error] = await once(socket, 'error').catch((failure: unknown) => [failure])
  t.match(error, { code: 'ECONNRESET' })
  const none = await listenTcp(loopback, 0, routeTo([]))
  t.teardown(() => none.destroy())
  const other = connect(none.port, loopback)
  const [reset] = await once(other, 'error').catch((failure: unknown) => [failure])
  t.match(reset, { code: 'ECONNRESET' })
})

t.test('TCP: a side that breaks off breaks the other off', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  server.listen(0, loopback)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const relay = await listenTcp(
    loopback,
    0,
    routeTo([{ address: loopback, port: (server.address() as AddressInfo).port }]),
  )
  t.teardown(() => relay.destroy())
  const socket = connect(relay.port, loopback)
  socket.write('x')
  const [error] = await once(socket, 'error').catch((failure: unknown) => [failure])
  t.match(error, { code: 'ECONNRESET' })

  const heard: Socket[] = []
  const listening = createServer((one) => {
    one.on('error', () => undefined)
    heard.push(one)
  })
  listening.listen(0, loopback)
  await once(listening, 'listening')
  t.teardown(() => listening.close())
  const second = await listenTcp(
    loopback,
    0,
    routeTo([{ address: loopback, port: (listening.address() as AddressInfo).port }]),
  )
  t.teardown(() => second.destroy())
  const client = connect(second.port, loopback)
  await until(() => heard.length === 1, 'the endpoint to have a connection')
  client.resetAndDestroy()
  await until(() => heard[0]?.destroyed === true, 'the endpoint to be let go')
  t.pass('let go')
})

const startUdpEndpoint = async (t: Test, name: string): Promise<Target> => {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => socket.send(`${name}:${message}`, port, address))
  socket.bind(0, loopback)
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return { address: loopback, port: socket.address().port }
}

t.test('UDP: each client has its endpoint, and moves when that is gone', async (t) => {
  const [a, b] = [await startUdpEndpoint(t, 'a'), await startUdpEndpoint(t, 'b')]
  const picker = createPicker(portalOf([a, b], { protocol: 'udp' }))
  const relay = await listenUdp(loopback, 0, picker)
  t.teardown(() => relay.destroy())
  const client = () => {
    const socket = createSocket('udp4')
    t.teardown(() => socket.close())
    return async (words: string): Promise<string> => {
      socket.send(words, relay.port, loopback)
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(2_000) })
      return String(answer)
    }
  }
  const [first, second] = [client(), client()]
  t.equal(await first('1'), 'a:1')
  t.equal(await second('1'), 'b:1')
  t.equal(await first('2'), 'a:2')
  picker.update(portalOf([b], { protocol: 'udp' }))
  t.equal(await first('3'), 'b:3')
})

t.test('portals come, change and go', async (t) => {
  const opened: string[] = []
  const proxy = createUserspaceProxy({
    ...{ family: 'IPv4', log: silentLogger, address: loopback },
    onOpen: (service) => opened.push(service),
  })
  t.teardown(() => proxy.close())
  const [one, two] = [await startEndpoint(t, 'one'), await startEndpoint(t, 'two')]
  t.same([...proxy.place('ns/web', [portalOf([one])])], [], 'not yet')
  await until(() => opened.length === 1, 'the port')
  const port = proxy.place('ns/web', [portalOf([one])]).get('p') ?? 0
  t.equal(await say(port, '1'), 'one:1')
  t.equal(proxy.place('ns/web', [portalOf([two])]).get('p'), port, 'the same port for other endpoints')
  t.equal(await say(port, '2'), 'two:2')
  const long = connect(port, loopback)
  await once(long, 'data')
  proxy.place('ns/web', [])
  t.equal(await say(port, '3'), 'two:3', 'rules may still lead there')
  proxy.written()
  await t.rejects(say(port, '4'), { code: 'ECONNREFUSED' })
  long.write('still')
  const [heard] = await once(long, 'data')
  t.equal(String(heard), 'still', 'who was connected may finish')
  long.destroy()
})

t.test('node ports at loopback', async (t) => {
  const nodePort = (more: object = {}): Service =>
    makeService({
      type: 'NodePort',
      ports: [
        { port: 80, nodePort: 30080 },
        { port: 53, protocol: 'UDP', nodePort: 30053 },
      ],
      ...more,
    })
  const to = (address: string, port: number) => ({ target: { address, port } })
  t.match(localhostPorts(nodePort(), 'fd00::1'), [
    { id: 'tcp 30080', ...to(loopback, 30080) },
    { id: 'udp 30053', ...to(loopback, 30053) },
  ])
  const six = { clusterIP: 'fd00:96::1', clusterIPs: ['fd00:96::1'] }
  t.match(localhostPorts(nodePort(six), 'fd00::1')[0], to('fd00::1', 30080))
  t.same(localhostPorts(nodePort(six), undefined), [])
  t.same(localhostPorts(makeService(), undefined), [])

  const endpoint = await startEndpoint(t, 'local')
  const services = createFedInformer<Service>([])
  const stop = new AbortController()
  // At 127.0.0.2 here, so that the port it leads to is free at 127.0.0.1.
  const running = runLocalhostNodePorts(
    { services, isServed: () => true, nodeAddress6: undefined, log: silentLogger, address: '127.0.0.2' },
    stop.signal,
  )
  const ask = (): Promise<string> => {
    const socket = connect({ port: endpoint.port, host: '127.0.0.2', allowHalfOpen: true })
    socket.end('hi')
    return text(socket)
  }
  services.put(makeService({ type: 'NodePort', ports: [{ port: 80, nodePort: endpoint.port }] }))
  await until(async () => (await ask().catch(() => '')) === 'local:hi', 'the listener')
  services.remove('default/web')
  await until(
    () =>
      ask().then(
        () => false,
        () => true,
      ),
    'its end',
  )
  stop.abort()
  await running
})
