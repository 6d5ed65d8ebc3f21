/** Long-lived traffic through the relay: streams with back-pressure, other protocols, changes and shutdown meanwhile. */
import { createServer as createHttpServer } from 'node:http'
import t, { type Test } from 'tap'
import { createFakeClock } from '../../src/api/clock.ts'
import type { BackendKey } from '../../src/proxy/ingress/policy/backend-key.ts'
import type { RouteTimeouts } from '../../src/proxy/ingress/policy/policy.ts'
import { dial, listenRaw } from '../support/raw-http.ts'
import {
  everythingTo,
  onPorts,
  settles,
  startBackend,
  startLargeBackend,
  startRelay,
  web,
} from '../support/relay-fixture.ts'
import { until } from '../support/until.ts'

const get = (path: string, ...fields: readonly string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.lab', ...fields].join('\r\n')}\r\n\r\n`

const megabyte = 1024 * 1024

t.test('a client that does not read stops the backend, and loses nothing', async (t) => {
  const size = 64 * megabyte
  const backend = await startLargeBackend(t, size, true)
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  t.teardown(() => client.socket.destroy())
  let read = 0
  client.socket.removeAllListeners('data')
  client.socket.pause()
  client.say(get('/', 'Connection: close'))
  await until(() => backend.written() > 0, 'the backend to start')
  const before = process.memoryUsage().arrayBuffers
  const stopped = await backend.heldBack()
  t.ok(stopped < size / 2, `the backend was stopped after ${stopped} of ${size} bytes`)
  t.ok(process.memoryUsage().arrayBuffers - before < 16 * megabyte, 'nobody keeps what the client does not take')
  client.socket.on('data', (piece) => {
    read += piece.length
  })
  client.socket.resume()
  await until(() => read > size, 'all of it')
  t.equal(backend.written(), size)
})

t.test('a client that takes its time gets every answer whole, however short the other time-outs', async (t) => {
  const size = 32 * 1024
  const count = 500
  let asked = 0
  const backend = await startBackend(t, (_request, response) => {
    asked++
    response.end(Buffer.alloc(size, 'x'))
  })
  const { port } = await startRelay(t, [backend.port], { keepAlive: 20, linger: 20 })
  const client = dial(port)
  t.teardown(() => client.socket.destroy())
  let read = 0
  client.socket.removeAllListeners('data')
  client.socket.pause()
  client.say(get('/').repeat(count))
  const stopped = await settles(() => asked, 'the relay to stop, and the short time-outs to pass')
  t.ok(stopped < count, `stopped after ${stopped} of ${count} requests`)
  client.socket.on('data', (bytes) => {
    read += bytes.length
  })
  client.socket.resume()
  await client.ends()
  t.ok(read > count * size, `${read} bytes of ${count} answers`)
  t.equal(client.end(), 'end')
})

t.test('a backend that does not read stops the client, and loses nothing', async (t) => {
  const size = 64 * megabyte
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { port } = await startRelay(t, [server.port])
  const client = dial(port)
  t.teardown(() => client.socket.destroy())
  let written = 0
  let read = 0
  client.say(`POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: ${size}\r\n\r\n`)
  const { socket } = await server.accepts(0)
  socket.removeAllListeners('data')
  socket.pause()
  const piece = Buffer.alloc(64 * 1024, 'x')
  const more = (): void => {
    while (written < size) {
      written += piece.length
      if (!client.socket.write(piece)) return void client.socket.once('drain', more)
    }
  }
  more()
  const stopped = await settles(() => written, 'the client to stop')
  t.ok(stopped < size / 2, `the client was stopped after ${stopped} of ${size} bytes`)
  socket.on('data', (bytes) => {
    read += bytes.length
  })
  socket.resume()
  await until(() => read >= size, 'all of it')
  socket.write('HTTP/1.1 204 No Content\r\n\r\n')
  await client.hears('204 No Content')
})

t.test('an upgraded connection carries anything, both ways, until both sides have ended', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { port } = await startRelay(t, [server.port])
  const client = dial(port)
  client.say(`${get('/ws', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: k')}early`)
  const backend = await server.accepts(0)
  t.match(await backend.hears('\r\n\r\n'), /Connection: Upgrade\r\nUpgrade: websocket\r\n/)
  t.notMatch(backend.heard(), 'early', 'nothing before the backend has agreed')
  backend.say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst')
  t.match(await client.hears('first'), /Upgrade: websocket\r\n/)
  await backend.hears('early')
  client.say('\x81\x00\r\n\r\nGET / nonsense')
  await backend.hears('nonsense')
  client.socket.end('last words')
  await backend.hears('last words')
  await backend.ends()
  backend.say('after your end')
  await client.hears('after your end')
  backend.socket.end()
  await client.ends()
  t.equal(client.end(), 'end')
  await until(() => client.socket.destroyed && backend.socket.destroyed, 'both to be closed')
})

const upgraded = async (t: Test, timeouts: RouteTimeouts) => {
  const clock = createFakeClock()
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { relay, port } = await startRelay(t, [], {}, {}, { clock })
  relay.apply({ tables: everythingTo(web, { timeouts }), backends: onPorts([server.port]) })
  const client = dial(port)
  t.teardown(() => client.socket.destroy())
  client.say(get('/ws', 'Connection: Upgrade', 'Upgrade: websocket'))
  const backend = await server.accepts(0)
  await backend.hears('\r\n\r\n')
  backend.say('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await client.hears('\r\n\r\n')
  return { clock, client, backend }
}

const hour = 3_600_000

t.test('an upgraded connection is silent for as long as proxy-read-timeout says, by either side', async (t) => {
  const long = await upgraded(t, { read: 3 * hour })
  long.clock.advance(2 * hour)
  long.backend.say('two hours')
  await long.client.hears('two hours')
  long.clock.advance(2 * hour)
  long.client.say('four hours')
  await long.backend.hears('four hours')
  long.clock.advance(2 * hour)
  long.backend.say('six hours')
  await long.client.hears('six hours')
  long.clock.advance(3 * hour + 1_000)
  await long.client.ends()
  await long.backend.ends()

  const short = await upgraded(t, { read: 5_000 })
  short.clock.advance(4_000)
  short.client.say('four seconds')
  await short.backend.hears('four seconds')
  short.clock.advance(4_000)
  t.equal(short.client.end(), undefined)
  short.clock.advance(2_000)
  await short.client.ends()
  await short.backend.ends()

  const usual = await upgraded(t, {})
  usual.clock.advance(hour - 1_000)
  t.equal(usual.client.end(), undefined)
  usual.clock.advance(2_000)
  await usual.client.ends()
})

t.test('an upgraded connection whose backend takes no more ends by proxy-send-timeout', async (t) => {
  for (const timeouts of [
    { read: hour, send: 5_000 },
    { read: 5_000, send: hour },
  ]) {
    const { clock, client, backend } = await upgraded(t, timeouts)
    backend.socket.pause()
    let written = 0
    const piece = Buffer.alloc(64 * 1024, 'x')
    const more = (): void => {
      while (!client.socket.destroyed && client.socket.write(piece)) written += piece.length
      client.socket.once('drain', more)
    }
    more()
    await settles(() => written, 'the client to be stopped')
    clock.advance(6_000)
    await client.ends()
    t.ok(written > 0, JSON.stringify(timeouts))
  }
})

t.test('an upgrade that the backend declines is an ordinary answer', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    response.statusCode = request.url === '/ws' ? 426 : 200
    response.setHeader('Upgrade', 'websocket').end(`upgrade: ${request.headers.upgrade}`)
  })
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say(get('/ws', 'Connection: Upgrade', 'Upgrade: other'))
  t.match(await client.hears('upgrade: other'), /426 [\s\S]*Upgrade: websocket\r\nConnection: Upgrade\r\n/)
  client.say(get('/h2c', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: x'))
  await client.hears('upgrade: undefined')
  client.socket.destroy()
})

t.test('a change of routes and endpoints does not touch what runs', async (t) => {
  const old = await listenRaw()
  t.teardown(() => old.close())
  const young = await startBackend(t, (_request, response) => void response.end('young'))
  const { relay, port } = await startRelay(t, [old.port])
  const running = dial(port)
  running.say(get('/slow'))
  const kept = dial(port)
  kept.say(get('/quick'))
  const slow = await old.accepts(0)
  const quick = await old.accepts(1)
  await quick.hears('/quick')
  quick.say('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold')
  await kept.hears('old')

  const other = 'default/other:80' as BackendKey
  relay.apply({ tables: everythingTo(other), backends: [...onPorts([young.port], other), [web, undefined]] })
  await quick.ends()
  t.equal(slow.end(), undefined, 'only the resting connection to the old endpoint is closed')
  kept.say(get('/again'))
  await kept.hears('young')
  await slow.hears('/slow')
  slow.say('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold')
  await running.hears('old')
  await slow.ends()
  running.say(get('/again'))
  await running.hears('young')
  for (const { socket } of [running, kept]) socket.destroy()
})

t.test('endpoints come and go without a failed request', async (t) => {
  const backends = await Promise.all(
    ['a', 'b', 'c'].map((name) => startBackend(t, (_request, response) => void response.end(name))),
  )
  const ports = backends.map((backend) => backend.port)
  const { relay, port, problems } = await startRelay(t, ports)
  const client = dial(port)
  let asked = 0
  const answers = () => client.heard().split('HTTP/1.1 200 OK').length - 1
  for (let round = 0; round < 60; round++) {
    relay.apply({ tables: [], backends: onPorts(ports.filter((_, at) => at !== round % 3)) })
    client.say(get('/').repeat(5))
    asked += 5
    await until(() => answers() === asked, `${asked} answers`)
  }
  t.same(problems, [])
  client.socket.destroy()
})

t.test('stopping: what runs is finished, what rests is closed, nobody new is let in', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { relay, port } = await startRelay(t, [server.port], { drain: 5_000 })
  const idle = dial(port)
  const running = dial(port)
  running.say(get('/'))
  const backend = await server.accepts(0)
  await backend.hears('\r\n\r\n')
  const drained = relay.drain()
  t.equal(await idle.ends(), '')
  idle.socket.end()
  const late = dial(port)
  await late.ends()
  t.equal(late.end(), 'reset')
  backend.say('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  t.match(await running.ends(), /Connection: close\r\n\r\ndone$/)
  running.socket.end()
  await drained
  await backend.ends()
  t.pass('drained')
})

t.test('stopping: who has just come is served', async (t) => {
  const backend = await startBackend(t, (_request, response) => response.end('served'))
  const { relay, port } = await startRelay(t, [backend.port], { drain: 5_000 })
  const silent = dial(port)
  const asking = dial(port)
  const again = dial(port)
  again.say(get('/'))
  await again.hears('served')
  await until(() => relay.connections === 3, 'the connections')
  const drained = relay.drain()
  await again.ends()
  again.socket.end()
  asking.say(get('/'))
  t.match(await asking.ends(), /^HTTP\/1.1 200 .*Connection: close\r\n\r\nserved$/s)
  asking.socket.end()
  t.equal(await silent.ends(), '', 'and not waited for when nothing comes')
  silent.socket.end()
  await drained
})

t.test('stopping does not wait for ever', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { relay, port } = await startRelay(t, [server.port], { drain: 50 })
  const client = dial(port)
  client.say(get('/'))
  await (await server.accepts(0)).hears('\r\n\r\n')
  await relay.drain()
  await client.ends()
  t.pass('ended')
})

t.test('a resting connection to a backend is closed after a while, sooner if the backend says so', async (t) => {
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (_request, response) => void response.end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') return t.fail('no port')
  let open = 0
  server.on('connection', (socket) => {
    open++
    socket.on('close', () => open--)
  })
  const { port } = await startRelay(t, [address.port], { upstreamIdle: 100 })
  const client = dial(port)
  client.say(get('/'))
  await client.hears('ok')
  t.equal(open, 1)
  await until(() => open === 0, 'the resting connection to be closed')
  client.socket.destroy()
})
