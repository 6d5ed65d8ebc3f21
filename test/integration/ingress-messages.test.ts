/** Requests and answers through the relay, over real sockets: framing, interim answers, versions, order. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import t from 'tap'
import { bodyOf, dial, listenRaw } from '../support/raw-http.ts'
import { startBackend, startRelay, web } from '../support/relay-fixture.ts'
import { until } from '../support/until.ts'

const get = (path: string, ...fields: readonly string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.lab', ...fields].join('\r\n')}\r\n\r\n`

t.test('a request and its answer', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    response.setHeader('X-From', 'backend').end(JSON.stringify({ url: request.url, headers: request.headers }))
  })
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say(get('/x?y', 'X-Mine: 1'))
  const text = await client.hears('}}')
  t.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  t.match(text, 'X-From: backend')
  t.match(text, /\r\nDate: .* GMT\r\n/i)
  const { url, headers } = JSON.parse(bodyOf(text))
  t.equal(url, '/x?y')
  t.match(headers, {
    host: 'a.lab',
    'x-mine': '1',
    'x-forwarded-for': '127.0.0.1',
    'x-real-ip': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'a.lab',
    'x-forwarded-port': String(port),
    'x-request-id': /^[0-9a-f]{32}$/,
  })
  client.socket.destroy()
})

t.test('connections are kept on both sides', async (t) => {
  const backend = await startBackend(t, (_request, response) => void response.end('ok'))
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  for (let count = 1; count <= 50; count++) {
    client.say(get(`/${count}`))
    await until(() => client.heard().split('\r\n\r\nok').length > count, `answer ${count}`)
  }
  t.equal(backend.connections(), 1)
  client.socket.destroy()
})

t.test('pipelined requests are answered in their order', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    const answer = () => response.end(`<${request.url}>`)
    if (request.url?.endsWith('0')) setTimeout(answer, 5)
    else answer()
  })
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  const paths = Array.from({ length: 100 }, (_, at) => `/${at + 1}`)
  client.say(paths.map((path) => get(path)).join(''))
  const text = await client.hears('</100>')
  t.same(
    [...text.matchAll(/<(.*?)>/g)].map(([, path]) => path),
    paths,
  )
  client.socket.destroy()
})

t.test('thousands of pipelined requests that nobody serves need no backend and no stack', async (t) => {
  const { port } = await startRelay(t, [])
  const client = dial(port)
  client.say(get('/').repeat(5_000))
  client.say(get('/last', 'Connection: close'))
  const text = await client.ends()
  t.equal(text.split('HTTP/1.1 503').length - 1, 5_001)
})

t.test('a body passes in either framing, both ways, byte for byte', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    const hash = createHash('sha256')
    let bytes = 0
    request.on('data', (piece: Buffer) => {
      hash.update(piece)
      bytes += piece.length
    })
    request.on('end', () => {
      response.setHeader('X-Framing', request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? '')
      response.setHeader('X-Hash', hash.digest('hex'))
      if (request.url === '/length') response.setHeader('Content-Length', bytes)
      for (let left = bytes; left > 0; left -= 50_000) response.write(Buffer.alloc(Math.min(left, 50_000), left))
      response.end()
    })
  })
  const { port } = await startRelay(t, [backend.port])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (const size of [0, 1, 100, 65_536, 1_000_003])
    for (const path of ['/length', '/chunked']) {
      const body = Buffer.alloc(size, 'body')
      const headers = path === '/length' ? { 'content-length': size } : { 'transfer-encoding': 'chunked' }
      const sent = request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers })
      for (let at = 0; at < size; at += 70_000) sent.write(body.subarray(at, at + 70_000))
      sent.end()
      const [response] = await once(sent, 'response')
      let received = 0
      for await (const piece of response) received += piece.length
      t.equal(received, size, `${size} bytes back, ${path}`)
      t.equal(response.headers['x-hash'], createHash('sha256').update(body).digest('hex'), 'unchanged on the way')
      t.equal(response.headers['x-framing'], path === '/length' ? String(size) : 'chunked')
    }
  t.equal(backend.connections(), 1, 'and the connections were good for more')
})

t.test('trailers pass both ways', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    request.resume().on('end', () => {
      response.setHeader('Trailer', 'X-Sum').write(`heard ${request.trailers['x-mine']}`)
      response.addTrailers({ 'X-Sum': '42' })
      response.end()
    })
  })
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say(
    'POST / HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Mine: 7\r\n\r\n',
  )
  const text = await client.hears('X-Sum: 42\r\n\r\n')
  t.match(text, 'heard 7')
  client.socket.destroy()
})

t.test('answers without a body', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    if (request.url === '/204') response.writeHead(204).end()
    else if (request.url === '/304') response.writeHead(304, { 'Content-Length': 7 }).end()
    else response.setHeader('Content-Length', 7).end('seven77')
  })
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say(`HEAD /head HTTP/1.1\r\nHost: a.lab\r\n\r\n${get('/204')}${get('/304')}${get('/200')}`)
  const text = await client.hears('\r\n\r\nseven77')
  t.same(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['200', '204', '304', '200'],
  )
  t.equal(text.split('seven77').length, 2, 'one body only')
  t.equal(text.match(/Content-Length: 7/gi)?.length, 3)
  t.equal(backend.connections(), 1)
  client.socket.destroy()
})

t.test('100-continue passes through, and the body waits for it', async (t) => {
  const backend = await startBackend(t, () => {})
  backend.server.on('checkContinue', (request, response) => {
    if (request.url === '/no') return void response.writeHead(401, { 'Content-Length': 0 }).end()
    response.writeContinue()
    request.on('data', (piece: Buffer) => response.end(`got ${piece}`))
  })
  const { port } = await startRelay(t, [backend.port])
  const post = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a.lab\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`
  const client = dial(port)
  client.say(post('/yes'))
  t.equal(await client.hears('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
  client.say('hello')
  await client.hears('got hello')
  client.say(post('/no'))
  const text = await client.ends()
  t.match(text, /HTTP\/1\.1 401 [\s\S]*Connection: close/, 'the body that was not asked for can no longer come')
  client.socket.destroy()
})

t.test('early hints pass to those who know them', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.end('body')
  })
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say(get('/'))
  t.match(await client.hears('body'), /^HTTP\/1\.1 103 Early Hints\r\nLink: .*\r\n\r\nHTTP\/1\.1 200 OK\r\n/i)
  client.socket.destroy()
  const old = dial(port)
  old.say('GET / HTTP/1.0\r\n\r\n')
  t.match(await old.ends(), /^HTTP\/1\.1 200 OK\r\n/)
  old.socket.destroy()
})

t.test('clients of HTTP/1.0', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    if (request.url === '/length') return void response.end(`${request.headers.host} ${request.httpVersion}`)
    response.write('one ')
    response.end('two')
  })
  const { port } = await startRelay(t, [backend.port])
  const once = dial(port)
  once.say('GET /length HTTP/1.0\r\n\r\n')
  t.match(await once.ends(), new RegExp(`Connection: close\r\n\r\n127.0.0.1:${port} 1.1$`))
  const kept = dial(port)
  kept.say('GET /length HTTP/1.0\r\nHost: a.lab\r\nConnection: keep-alive\r\n\r\n')
  t.match(await kept.hears('a.lab 1.1'), 'Connection: keep-alive')
  kept.say('GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
  const text = await kept.ends()
  t.match(text, /Connection: close\r\n\r\none two$/, 'chunks are taken apart')
  for (const { socket } of [once, kept]) socket.destroy()
})

t.test('an answer that ends with its connection', async (t) => {
  const server = await listenRaw()
  t.teardown(() => server.close())
  const { port } = await startRelay(t, [server.port])
  const client = dial(port)
  client.say(get('/'))
  const backend = await server.accepts(0)
  await backend.hears('\r\n\r\n')
  backend.say('HTTP/1.0 200 OK\r\n\r\nall of it')
  await client.hears('all of it')
  t.equal(client.end(), undefined)
  backend.socket.end()
  t.match(await client.ends(), /Connection: close\r\n\r\nall of it$/)
  t.equal(client.end(), 'end')
  client.socket.destroy()
})

t.test('a client that has said all may close its side', async (t) => {
  const backend = await startBackend(t, (_request, response) => void setTimeout(() => response.end('late'), 20))
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.socket.end(get('/'))
  t.match(await client.ends(), /Connection: close\r\n[\s\S]*late$/)
})

t.test('an empty line before a request is overlooked', async (t) => {
  const backend = await startBackend(t, (_request, response) => void response.end('ok'))
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.say('\r')
  client.say(`\n${get('/1')}\r\n${get('/2', 'Connection: close')}`)
  t.equal((await client.ends()).split('HTTP/1.1 200').length, 3)
  client.socket.destroy()
})

t.test('a head in single bytes', async (t) => {
  const backend = await startBackend(t, (_request, response) => void response.end('ok'))
  const { port } = await startRelay(t, [backend.port])
  const client = dial(port)
  client.socket.setNoDelay(true)
  for (const letter of get('/', 'Connection: close')) {
    client.say(letter)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.match(await client.ends(), '200 OK')
  client.socket.destroy()
})

t.test('a backend with an IPv6 address', async (t) => {
  const server = await listenRaw('::1')
  t.teardown(() => server.close())
  const { relay, port } = await startRelay(t, [])
  const endpoint = { key: `[::1]:${server.port}`, address: '::1', port: server.port }
  relay.apply({ tables: [], backends: [[web, { endpoints: [endpoint] }]] })
  const client = dial(port)
  client.say(get('/', 'Connection: close'))
  const backend = await server.accepts(0)
  await backend.hears('\r\n\r\n')
  backend.say('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nsix')
  t.match(await client.ends(), /six$/)
  client.socket.destroy()
})
