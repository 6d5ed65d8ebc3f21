/** What the relay does when backends or clients are slow, wrong, hostile or gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { dial, listenRaw, type Peer, type RawServer } from '../support/raw-http.ts'
import { onPorts, startBackend, startRelay } from '../support/relay-fixture.ts'
import { until } from '../support/until.ts'

const get = (path = '/', ...fields: readonly string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.lab', ...fields].join('\r\n')}\r\n\r\n`
const post = 'POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 5\r\n\r\nhello'
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const rawServer = async (t: Test): Promise<RawServer> => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  return server
}

/** A port on which nobody listens. */
const deadPort = async (): Promise<number> => {
  const server = await listenRaw()
  server.close()
  return server.port
}

const dialed = (t: Test, port: number): Peer => {
  const client = dial(port)
  t.teardown(() => client.socket.destroy())
  return client
}

t.test('a dead endpoint: the request goes to another one, whatever its method', async (t) => {
  const backend = await startBackend(t, (request, response) => void request.pipe(response))
  const { port, problems } = await startRelay(t, [await deadPort(), backend.port])
  for (let count = 0; count < 10; count++) {
    const client = dialed(t, port)
    client.say(post)
    await client.hears('hello')
  }
  t.same(problems, [])
})

t.test('only dead endpoints: 502 after three, and the connection is kept', async (t) => {
  const { port, problems } = await startRelay(t, [
    await deadPort(),
    await deadPort(),
    await deadPort(),
    await deadPort(),
  ])
  const client = dialed(t, port)
  client.say(get())
  t.match(await client.hears('\n'), 'HTTP/1.1 502 Bad Gateway')
  client.say(get())
  await until(() => client.heard().split('HTTP/1.1 502').length === 3, 'the second 502')
  t.match(problems, [/no endpoint could be reached/, /no endpoint could be reached/])
})

t.test('one endpoint is tried again like several', async (t) => {
  let asked = 0
  const backend = await startBackend(t, (request, response) => {
    if (++asked % 3 === 0) response.end('ok')
    else request.socket.destroy()
  })
  const { port } = await startRelay(t, [backend.port])
  for (let count = 1; count <= 3; count++) {
    const client = dialed(t, port)
    client.say(get())
    t.match(await client.hears('\n'), '200 OK')
    t.equal(asked, 3 * count)
  }
})

t.test('no endpoints 503, no route 404', async (t) => {
  const { relay, port } = await startRelay(t, [])
  const client = dialed(t, port)
  client.say(get())
  await client.hears('503 Service Unavailable: no ready endpoint\n')
  relay.apply({ tables: [{ entry: 'http', hosts: [['', undefined]] }], backends: [] })
  client.say(get())
  await client.hears('404 Not Found: no route for this host and path\n')
})

t.test('a resting connection that dies under a request', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port])
  const client = dialed(t, port)
  client.say(get())
  const first = await server.accepts(0)
  await first.hears('\r\n\r\n')
  first.say(ok)
  await client.hears('ok')
  client.say(get('/again'))
  await first.hears('/again')
  first.socket.destroy()
  const second = await server.accepts(1)
  await second.hears('/again')
  second.say(ok)
  await until(() => client.heard().split('200 OK').length === 3, 'the answer of the second connection')
  client.say(post)
  await second.hears('hello')
  second.socket.destroy()
  t.match(await client.hears('502'), '502 Bad Gateway: the backend closed the connection')
  t.equal(server.peers.length, 2, 'what may have been done once is not done twice')
})

t.test('a resting connection that says something unasked, or ends, is not used again', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port])
  const client = dialed(t, port)
  for (const unasked of ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged', '']) {
    const before = server.peers.length
    client.say(get())
    const backend = await server.accepts(before)
    await backend.hears('\r\n\r\n')
    backend.say(ok)
    await client.hears('ok')
    if (unasked === '') backend.socket.end()
    else backend.say(unasked)
    await backend.ends()
  }
  t.notMatch(client.heard(), 'forged')
})

t.test("bytes after the answer are nobody's answer", async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port])
  const client = dialed(t, port)
  client.say(get('/1') + get('/2'))
  const first = await server.accepts(0)
  await first.hears('/1')
  first.say(`${ok}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged`)
  const second = await server.accepts(1)
  await second.hears('/2')
  second.say(ok)
  await until(() => client.heard().split('200 OK').length === 3, 'two answers')
  t.notMatch(client.heard(), 'forged')
})

t.test('a wrong answer is 502, a wrong end a reset', async (t) => {
  const server = await rawServer(t)
  const { port, problems } = await startRelay(t, [server.port])
  const ask = async (answer: string, end: boolean): Promise<Peer> => {
    const client = dialed(t, port)
    const nth = server.peers.length
    client.say(get())
    const backend = await server.accepts(nth)
    await backend.hears('\r\n\r\n')
    backend.say(answer)
    if (end) backend.socket.end()
    return client
  }
  for (const wrong of [
    'SSH-2.0-OpenSSH_9\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(40_000)}`,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwrong\r\n',
  ]) {
    const client = await ask(wrong, false)
    await client.hears('502 Bad Gateway: the backend gave a wrong answer')
  }
  t.equal(problems.length, 6)
  for (const cut of [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  ]) {
    const client = await ask(cut, true)
    t.match(await client.ends(), 'half')
    t.equal(client.end(), 'reset', 'half an answer does not look like a whole one')
  }
})

t.test('a backend that takes too long', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port], { response: 80 })
  const client = dialed(t, port)
  client.say(get())
  t.match(await client.hears('\n'), '504 Gateway Timeout')
  for (const nth of [0, 1, 2]) await (await server.accepts(nth)).ends()
  t.equal(server.peers.length, 3, 'three tries, by a Service of one pod as well')
  client.say(get())
  const second = await server.accepts(3)
  await second.hears('\r\n\r\n')
  second.say('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
  await client.ends()
  t.equal(client.end(), 'reset')
})

/** A listener that never accepts: its process is stopped, and its queue is full. */
const blackHole = async (t: Test): Promise<number> => {
  const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    console.log(this.address().port) })`
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  if (!child.stdout) throw new Error('no output')
  const [line] = await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const port = Number(String(line))
  const fillers = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  t.teardown(() => {
    for (const filler of fillers) filler.destroy()
  })
  await until(() => fillers.filter((filler) => !filler.connecting).length >= 2, 'a full queue')
  return port
}

t.test('an endpoint that accepts nothing: another one, else 504', async (t) => {
  const hole = await blackHole(t)
  const backend = await startBackend(t, (_request, response) => void response.end('ok'))
  const { relay, port } = await startRelay(t, [hole, backend.port], { connect: 80 })
  const client = dialed(t, port)
  for (let count = 1; count <= 4; count++) {
    client.say(get())
    await until(() => client.heard().split('200 OK').length > count, `answer ${count}`)
  }
  relay.apply({ tables: [], backends: onPorts([hole]) })
  client.say(get())
  await client.hears('504 Gateway Timeout: no endpoint could be reached in time')
})

t.test('clients that take too long', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port], { head: 80, body: 80, keepAlive: 80, linger: 80 })
  const head = dialed(t, port)
  head.say('GET / HT')
  t.match(await head.ends(), /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*Connection: close/)
  const body = dialed(t, port)
  body.say('POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 5\r\n\r\nhe')
  t.match(await body.ends(), /^HTTP\/1\.1 408 Request Timeout/)
  await (await server.accepts(0)).ends()
  const idle = dialed(t, port)
  t.equal(await idle.ends(), '', 'who never asked is told nothing')
})

t.test('a client that drips its head does not gain time by it', async (t) => {
  const { port } = await startRelay(t, [], { head: 100 })
  const client = dialed(t, port)
  const drip = setInterval(() => client.say('a'), 20)
  t.teardown(() => clearInterval(drip))
  client.say('GET /')
  t.match(await client.ends(), '408 Request Timeout')
})

t.test('an early answer reaches a client that is still sending', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port])
  const client = dialed(t, port)
  client.say('POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 1000000\r\n\r\nstart')
  const backend = await server.accepts(0)
  await backend.hears('start')
  backend.say('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
  client.say('x'.repeat(200_000))
  t.match(await client.ends(), /^HTTP\/1\.1 413 [\s\S]*Connection: close\r\n\r\nbig$/)
  t.equal(client.end(), 'end')
})

t.test('a client that leaves takes its request with it', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port])
  const waiting = dial(port)
  waiting.say(get())
  const first = await server.accepts(0)
  await first.hears('\r\n\r\n')
  waiting.socket.resetAndDestroy()
  await first.ends()
  const sending = dial(port)
  sending.say('POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 5\r\n\r\nhe')
  const second = await server.accepts(1)
  await second.hears('he')
  sending.socket.end()
  await second.ends()
  t.equal(second.heard().endsWith('\r\n\r\nhe'), true)
})

const smuggled: Readonly<Record<string, string>> = {
  'CL.TE': 'POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
  'TE.CL':
    'POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n',
  'TE.TE':
    'POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\nGET /evil',
  'folded coding': 'POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  'blank before the colon': 'POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length : 5\r\n\r\nhello',
  'bare LF': 'GET / HTTP/1.1\nHost: a.lab\n\n',
  'length twice':
    'POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /evil HTTP/1.1\r\n',
  NUL: 'GET / HTTP/1.1\r\nHost: a.lab\r\nX: \x00\r\n\r\n',
  'two hosts': 'GET / HTTP/1.1\r\nHost: a.lab\r\nHost: b.lab\r\n\r\n',
  'absolute form against Host': 'GET http://b.lab/ HTTP/1.1\r\nHost: a.lab\r\n\r\n',
  'TLS to a cleartext port': '\x16\x03\x01\x02\x00\x01',
}

for (const [name, text] of Object.entries(smuggled))
  t.test(`${name}: 400, and no backend hears of it`, async (t) => {
    const server = await rawServer(t)
    const { port } = await startRelay(t, [server.port])
    const client = dialed(t, port)
    client.say(text)
    const heard = await client.ends()
    t.match(heard, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*Connection: close\r\n/)
    t.equal(heard.split('HTTP/1.1 ').length, 2, 'one answer')
    t.equal(server.peers.length, 0)
  })

t.test('a wrong chunk is the end of the request, on both sides', async (t) => {
  const server = await rawServer(t)
  const { port } = await startRelay(t, [server.port])
  const client = dialed(t, port)
  client.say('POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
  const backend = await server.accepts(0)
  await backend.hears('hello')
  client.say(`5\r\nhello!\r\n0\r\n\r\n${get('/evil')}`)
  t.match(await client.ends(), /^HTTP\/1\.1 400 Bad Request/)
  await backend.ends()
  t.notMatch(backend.heard(), '/evil')
  t.equal(server.peers.length, 1)
})

t.test('heads beyond the limits', async (t) => {
  const { port } = await startRelay(t, [], {}, { headBytes: 1_000, targetBytes: 200 })
  const status = async (text: string): Promise<string> => {
    const client = dialed(t, port)
    client.say(text)
    return (await client.ends()).slice(9, 12)
  }
  t.equal(await status(`GET /${'a'.repeat(200)} HTTP/1.1\r\nHost: a.lab\r\n\r\n`), '414')
  t.equal(await status(`GET /${'a'.repeat(500)}`), '414')
  t.equal(await status(get('/', `X: ${'y'.repeat(1_000)}`)), '431')
  t.equal(await status(`GET / HTTP/1.1\r\nX: ${'y'.repeat(1_000)}`), '431')
})
