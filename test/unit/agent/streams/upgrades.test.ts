/** exec, attach and port-forward as clients ask the agent, over every carrier; runtime and ports are played. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { type Duplex, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { createFakeRuntime } from '../../../../src/agent/runtime/fake-runtime.ts'
import { createHttpHandlers, serveHttp } from '../../../../src/agent/server/http.ts'
import { createUpgrades } from '../../../../src/agent/streams/upgrades.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { rounds } from '../../../support/rounds.ts'
import { containerSpec, sandboxSpec } from '../../../support/runtime-contract.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'
import { createSpdyClient } from '../../../support/spdy-client.ts'
import { until } from '../../../support/until.ts'
import { pod } from '../pods/builders.ts'

/** The stdin of a container that writes to its log before whoever tells it something has had time to look. */
const answering = (log: string, answer: string): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      appendFileSync(log, answer)
      done()
    },
  })

/** An agent on a port of its own with the pod `default/web`, whose container `main` runs, and answers at once to what it is told. */
const serve = async (t: Test, answer?: string) => {
  const folder = t.testdir()
  const runtime = createFakeRuntime({ clock: systemClock, onChange: () => undefined })
  const web = pod()
  const uid = web.metadata.uid ?? ''
  await runtime.sandboxes.start(sandboxSpec(uid))
  const spec = containerSpec(folder, 'main', ['sleep', '3600'])
  const { id } = await runtime.containers.start(uid, spec)
  writeFileSync(spec.logFile, 'before\n')
  const echo = createTcpServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  const upgrades = createUpgrades({
    ...{ pods: { get: (key) => (key === 'default/web' ? web : undefined) }, log: silentLogger },
    runtimes: {
      ...runtime,
      streams: {
        ...runtime.streams,
        attach: async (id) => ({
          ...(await runtime.streams.attach(id)),
          ...(answer === undefined ? {} : { stdin: answering(spec.logFile, answer) }),
        }),
      },
    },
    ports: {
      connect: async (_pid, port) => {
        if (port !== 80) throw new Error(`connect ECONNREFUSED 127.0.0.1:${port}`)
        return connect({ port: (echo.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
      },
    },
  })
  const server = createServer()
  serveHttp(
    server,
    createHttpHandlers(async () => ({ status: 404, type: 'text/plain', body: 'no' }), upgrades, silentLogger),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const clients: { destroy(): void }[] = []
  t.teardown(() => {
    for (const client of clients) client.destroy()
    server.close()
    echo.close()
  })

  /** Asks for SPDY; the stream, or what is answered in its place. */
  const spdy = (path: string, headers: Readonly<Record<string, string | string[] | undefined>> = {}, method = 'POST') =>
    new Promise<{ code: number; protocol?: unknown; socket?: Duplex; text?: string }>((resolve, reject) => {
      const asked = request({
        ...{ host: '127.0.0.1', port, path, method },
        headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers },
      })
      asked.on('upgrade', (response, socket) => {
        clients.push(socket)
        resolve({ code: 101, protocol: response.headers['x-stream-protocol-version'], socket })
      })
      asked.on('response', async (response) => resolve({ code: response.statusCode ?? 0, text: await text(response) }))
      asked.on('error', reject)
      asked.end()
    })

  /** Messages of a WebSocket by channel; rejects with the status that is answered in its place. */
  const socketTo = async (path: string, protocols: readonly string[]) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols])
    clients.push({ destroy: () => socket.terminate() })
    const messages: Buffer[] = []
    const state = { closed: 0 }
    socket.on('message', (data: Buffer) => messages.push(Buffer.from(data)))
    socket.on('close', (code) => {
      state.closed = code
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
    })
    const channel = (number: number, isBase64 = false): string =>
      messages
        .filter((message) => message[0] === (isBase64 ? 0x30 + number : number))
        .map((message) =>
          (isBase64 ? Buffer.from(message.toString().slice(1), 'base64') : message.subarray(1)).toString(),
        )
        .join('')
    return { socket, messages, channel, state }
  }
  return { spdy, socketTo, runtime, log: spec.logFile, id, uid }
}

const exec = '/exec/default/web/main?output=1&error=1'

t.test('exec over SPDY, of each age', async (t) => {
  const { spdy } = await serve(t)
  for (const [offered, chosen, status] of [
    [
      ['v5.channel.k8s.io, v4.channel.k8s.io', 'v3.channel.k8s.io'],
      'v4.channel.k8s.io',
      /"reason":"NonZeroExitCode".*"message":"3"/,
    ],
    [['v2.channel.k8s.io'], 'v2.channel.k8s.io', /^command terminated with non-zero exit code: exit status 3$/],
    [[], 'channel.k8s.io', /^command terminated/],
  ] as const) {
    const headers = offered.length === 0 ? {} : { 'x-stream-protocol-version': [...offered] }
    const { socket, protocol } = await spdy(`${exec}&command=exit&command=3`, headers)
    t.equal(protocol, chosen)
    if (!socket) return t.fail('no stream')
    const client = createSpdyClient(socket)
    const error = await client.open({ streamType: 'error' })
    const stdout = await client.open({ streamType: 'stdout' })
    const stderr = await client.open({ streamType: 'stderr' })
    await until(() => [error, stdout, stderr].every((id) => client.read(id).isEnded), 'all ends')
    t.equal(client.read(stdout).text, 'exit 3\n')
    t.match(client.read(error).text, status)
  }
})

t.test('stdin over SPDY goes in until its end', async (t) => {
  const { spdy, uid } = await serve(t)
  const path = `/exec/default/web/${uid}/main?input=1&output=1&command=cat`
  const { socket } = await spdy(path, { 'x-stream-protocol-version': 'v4.channel.k8s.io' })
  if (!socket) return t.fail('no stream')
  const client = createSpdyClient(socket)
  const [error, stdin, stdout] = [
    await client.open({ streamType: 'error' }),
    await client.open({ streamType: 'stdin' }),
    await client.open({ streamType: 'stdout' }),
  ]
  client.send(stdin, 'typed ')
  client.send(stdin, 'words', true)
  await until(() => client.read(error).isEnded, 'the end')
  t.equal(client.read(stdout).text, 'typed words')
  t.match(JSON.parse(client.read(error).text), { kind: 'Status', status: 'Success' })
})

t.test('what is not served', async (t) => {
  const { spdy, socketTo, runtime, id } = await serve(t)
  const status = async (path: string, headers = {}, method = 'POST') => {
    const { code, text: said } = await spdy(path, headers, method)
    return [code, said]
  }
  t.same(await status('/exec/default/gone/main?output=1&command=x'), [404, 'pod does not exist'])
  t.same(await status('/exec/default/web/other-uid/main?output=1&command=x'), [404, 'pod does not exist'])
  t.same(await status('/exec/default/web/side?output=1&command=x'), [404, 'container not found ("side")'])
  t.same(await status(exec), [400, 'you must specify a command'])
  t.match(await status('/exec/default/web/main?command=x'), [400, /at least 1 of stdin/])
  t.match(await status(`${exec}&command=x`, { 'x-stream-protocol-version': 'v9' }), [
    403,
    /unable to negotiate protocol/,
  ])
  t.match(await status(`${exec}&command=x`, { upgrade: 'h2c' }), [400, /only SPDY\/3.1 and websocket/])
  t.same(await status(`${exec}&command=x`, {}, 'PUT'), [405, 'method not allowed'])
  t.same(await status('/other'), [404, '404 page not found'])
  t.match(await status('/dial/default/web/other/80', { upgrade: 'tcp' }), [404, 'pod does not exist'])
  await t.rejects(socketTo(`${exec}&command=x`, ['chat']), /400/)
  await t.rejects(socketTo('/portForward/default/web?port=0', []), /400/)
  runtime.finish(id, 0)
  t.same(await status(`${exec}&command=x`), [404, 'container not found ("main")'])
})

t.test('exec over a WebSocket, of each age and form', async (t) => {
  const { socketTo } = await serve(t)
  for (const [offered, isBase64, isJson] of [
    [['v5.channel.k8s.io', 'v4.channel.k8s.io'], false, true],
    [['v4.channel.k8s.io'], false, true],
    [['channel.k8s.io'], false, false],
    [['v4.base64.channel.k8s.io'], true, true],
    [['base64.channel.k8s.io'], true, false],
    [[], false, false],
  ] as const) {
    const { socket, channel, state } = await socketTo(`${exec}&command=exit&command=7`, offered)
    await until(() => state.closed !== 0, 'the end')
    t.equal(state.closed, 1000)
    t.equal(channel(1, isBase64), 'exit 7\n', socket.protocol)
    const status = channel(3, isBase64)
    if (isJson) t.match(JSON.parse(status), { details: { causes: [{ reason: 'ExitCode', message: '7' }] } })
    else t.match(status, /exit status 7$/)
  }
})

t.test('stdin over a WebSocket: v5 says where it ends', async (t) => {
  const { socketTo } = await serve(t)
  const path = '/exec/default/web/main?input=1&output=1&command=cat'
  const { socket, channel, state } = await socketTo(path, ['v5.channel.k8s.io'])
  for (let at = 0; at < 30; at++) socket.send(Buffer.concat([Buffer.from([0]), Buffer.alloc(30_000, 'x')]))
  socket.send(Buffer.from([255, 0]))
  await until(() => state.closed !== 0, 'the end')
  t.equal(channel(1).length, 900_000)
  t.match(JSON.parse(channel(3)), { status: 'Success' })
})

t.test('a client that goes ends its command, one that breaks the rules, too', async (t) => {
  const { socketTo, spdy } = await serve(t)
  const path = '/exec/default/web/main?input=1&output=1&command=cat'
  const { socket, state } = await socketTo(path, ['v4.channel.k8s.io'])
  socket.send('')
  await until(() => state.closed !== 0, 'its end')
  t.equal(state.closed, 1002)
  const large = await socketTo(path, ['v4.channel.k8s.io'])
  large.socket.send(Buffer.alloc(2 * 1024 * 1024))
  await until(() => large.state.closed !== 0, 'the end of one with a message too large')
  const { socket: idle } = await spdy(path)
  idle?.destroy()
  t.ok(idle?.destroyed)
})

t.test('attach gives what comes, until the container ends', async (t) => {
  const { socketTo, runtime, id, log } = await serve(t)
  const { channel, state, messages } = await socketTo('/attach/default/web/main?output=1', ['v4.channel.k8s.io'])
  await until(() => messages.length > 0, 'the connection')
  await until(() => {
    appendFileSync(log, 'after\n')
    return channel(1).includes('after\n')
  }, 'the output')
  t.notMatch(channel(1), /before/)
  runtime.finish(id, 0)
  await until(() => state.closed !== 0, 'the end')
  t.match(JSON.parse(channel(3)), { status: 'Success' })
})

t.test('attach shows what a container answers to its first words', async (t) => {
  const { socketTo, runtime, id } = await serve(t, 'answer\n')
  const path = '/attach/default/web/main?output=1&input=1'
  const { socket, channel, state } = await socketTo(path, ['v4.channel.k8s.io'])
  socket.send(Buffer.from('\0word\n'))
  await until(() => channel(1) === 'answer\n', 'the answer')
  runtime.finish(id, 0)
  await until(() => state.closed !== 0, 'the end')
})

const forward = async (t: Test, socket: Duplex): Promise<void> => {
  const client = createSpdyClient(socket)
  const pair = async (port: string, requestID: string) => [
    await client.open({ streamType: 'error', port, requestID }, true),
    await client.open({ streamType: 'data', port, requestID }),
  ]
  const [error = 0, data = 0] = await pair('80', '0')
  const [otherError = 0, other = 0] = await pair('81', '1')
  client.send(data, 'there and back', true)
  await until(() => client.read(data).isEnded && client.read(error).isEnded, 'the end of both')
  t.equal(client.read(data).text, 'there and back')
  await until(() => client.read(otherError).isEnded && client.read(other).isEnded, 'the end of the refused')
  t.match(client.read(otherError).text, /^error forwarding port 81 to pod web, uid .*: connect ECONNREFUSED/)
}

t.test('port-forward over SPDY, and over SPDY within a WebSocket', async (t) => {
  const { spdy, socketTo } = await serve(t)
  const { socket, protocol } = await spdy('/portForward/default/web', {
    'x-stream-protocol-version': 'portforward.k8s.io',
  })
  t.equal(protocol, 'portforward.k8s.io')
  if (socket) await forward(t, socket)
  // The name is no token, which clients do not mind; this one does.
  await t.rejects(socketTo('/portForward/default/web', ['portforward.k8s.io']), /400/)
})

t.test('port-forward over channels, two for each port', async (t) => {
  const { socketTo } = await serve(t)
  const { socket, messages, channel } = await socketTo('/portForward/default/web?port=80,81', ['v4.channel.k8s.io'])
  await until(() => messages.length >= 4, 'the ports')
  t.same(
    messages.slice(0, 4).map((each) => [...each]),
    [
      [0, 80, 0],
      [1, 80, 0],
      [2, 81, 0],
      [3, 81, 0],
    ],
  )
  socket.send(Buffer.from('\0hello'))
  await until(() => channel(0).endsWith('hello'), 'the echo')
  await until(() => /ECONNREFUSED/.test(channel(3)), 'the refusal')
})

t.test('any messages do at most end the connection', async (t) => {
  const { socketTo } = await serve(t)
  const random = createSeededRandom(47)
  for (let round = 0; round < rounds(15, 500); round++) {
    const { socket, state } = await socketTo('/exec/default/web/main?input=1&output=1&tty=1&command=cat', [
      random.pick(['v5.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io']),
    ])
    for (let at = 0; at < 20 && state.closed === 0; at++) {
      const bytes = Buffer.alloc(random.pick([0, 1, 2, 3, 100]), random.below(256))
      if (bytes.length > 0) bytes[0] = random.pick([0, 4, 255, 0x30, 0x34, random.below(256)])
      socket.send(random.below(2) === 0 ? bytes : bytes.toString('latin1'))
    }
    socket.terminate()
  }
  const { state } = await socketTo(`${exec}&command=exit&command=0`, ['v4.channel.k8s.io'])
  await until(() => state.closed === 1000, 'one that is served as ever')
})
