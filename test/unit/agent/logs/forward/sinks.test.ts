/** The targets of forwarded logs, against servers that play them. */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { createFakeSink } from '../../../../../src/agent/logs/forward/fake-sink.ts'
import { createFileSink } from '../../../../../src/agent/logs/forward/file-sink.ts'
import { createHttpSink } from '../../../../../src/agent/logs/forward/http-sink.ts'
import { Rejected } from '../../../../../src/agent/logs/forward/sink.ts'
import { createSyslogSink } from '../../../../../src/agent/logs/forward/syslog-sink.ts'
import type { SyslogWay } from '../../../../../src/agent/logs/forward/target.ts'
import { createAuthority, issueCertificate, validFor } from '../../../../../src/api/certificates.ts'
import { recordOf, type SinkUnderTest, sinkContract } from '../../../../support/sink-contract.ts'
import { until } from '../../../../support/until.ts'

const folderOf = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'pw-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const logsOf = (lines: string): readonly string[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => String(JSON.parse(line).log))

const fake = async (): Promise<SinkUnderTest> => {
  const sink = createFakeSink()
  return {
    sink,
    received: async () => sink.records.map(({ log }) => log),
    down: async () => sink.behave('fails'),
    up: async () => sink.behave('takes'),
    hang: async () => sink.behave('hangs'),
  }
}

const file = async (t: Test): Promise<SinkUnderTest> => {
  const folder = join(folderOf(t), 'logs')
  mkdirSync(folder)
  const path = join(folder, 'pods.json')
  let before = ''
  const now = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const sink = createFileSink('file', path, { maxBytes: 1e9, maxBackups: 1, maxAgeDays: 0 })
  return {
    sink,
    received: async () => logsOf(before + now()),
    down: async () => {
      before = now()
      await sink.close()
      rmSync(folder, { recursive: true })
    },
    up: async () => void mkdirSync(folder),
  }
}

/** A server that can be ended and begun again at the same place. */
const restartable = (
  t: Test,
  create: () => Server,
  place: () => { readonly path: string } | { readonly port: number },
) => {
  let server: Server | undefined
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  }
  const up = async (): Promise<number> => {
    const started = create()
    server = started
    started.on('connection', keep)
    started.on('secureConnection', keep)
    started.listen({ host: '127.0.0.1', ...place() })
    await once(started, 'listening')
    const address = started.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const down = async (): Promise<void> => {
    const ended = server
    server = undefined
    if (!ended) return
    const closed = once(ended, 'close')
    ended.close()
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    await closed
  }
  t.teardown(down)
  return { up, down }
}

const http = async (t: Test): Promise<SinkUnderTest> => {
  let body = ''
  let isSilent = false
  let port = 0
  const create = (): HttpServer =>
    createHttpServer(async (request, response) => {
      if (isSilent) return
      body += await text(request)
      response.writeHead(204).end()
    })
  const { up, down } = restartable(t, create, () => ({ port }))
  port = await up()
  return {
    sink: createHttpSink('http', new URL(`http://127.0.0.1:${port}/ingest`)),
    received: async () => logsOf(body),
    down,
    up: async () => void (await up()),
    hang: async () => {
      isSilent = true
    },
  }
}

const header =
  /^<14>1 2026-01-02T03:04:05\.678Z node1 echo web-0 - \[kubernetes@32473( [a-z]+="(?:[^"\\\]]|\\["\\\]])*")+\] /

/** What stands behind the header and the one element of RFC 5424; throws for anything else. */
const messageOf = (message: string): string => {
  const found = header.exec(message)
  const isPlain = Buffer.from(message).every((byte) => byte >= 32 && byte !== 127)
  if (!found || !isPlain) throw new Error(`no syslog message: ${JSON.stringify(message)}`)
  return message.slice(found[0].length)
}

/** Messages behind their lengths, as far as they have come. */
const unframe = (bytes: Buffer): readonly string[] => {
  const messages: string[] = []
  for (let from = 0; from < bytes.length; ) {
    const space = bytes.indexOf(32, from)
    if (space < 0) break
    const length = bytes.toString('latin1', from, space)
    if (!/^[1-9]\d*$/.test(length)) throw new Error(`no length: ${length.slice(0, 40)}`)
    if (space + 1 + Number(length) > bytes.length) break
    messages.push(bytes.toString('utf8', space + 1, space + 1 + Number(length)))
    from = space + 1 + Number(length)
  }
  return messages
}

const validity = validFor(1, Date.now())
const authority = await createAuthority('tests', validity)
const serving = await issueCertificate(authority, { commonName: 'logs', addresses: ['127.0.0.1'] }, validity, 'server')

const stream =
  (protocol: 'tcp' | 'tls' | 'unix') =>
  async (t: Test): Promise<SinkUnderTest> => {
    const path = join(folderOf(t), 'log.sock')
    const done: string[] = []
    let chunks: Buffer[] = []
    let isSilent = false
    let port = 0
    const take = (socket: Socket): void => {
      if (isSilent) return void socket.pause()
      // Each connection is framed by itself.
      done.push(...unframe(Buffer.concat(chunks)))
      chunks = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    }
    const create = (): Server =>
      protocol === 'tls' ? createTlsServer({ key: serving.key, cert: serving.cert }, take) : createServer(take)
    const { up, down } = restartable(t, create, () => (protocol === 'unix' ? { path } : { port }))
    port = await up()
    const way: SyslogWay = protocol === 'unix' ? { protocol, path } : { protocol, host: '127.0.0.1', port }
    return {
      sink: createSyslogSink(protocol, way, { ca: authority.cert }),
      received: async () => [...done, ...unframe(Buffer.concat(chunks))].map(messageOf),
      down,
      up: async () => void (await up()),
      hang: async () => {
        isSilent = true
      },
    }
  }

const udp = async (t: Test): Promise<SinkUnderTest> => {
  const messages: string[] = []
  let socket: DatagramSocket | undefined
  let port = 0
  const up = async (): Promise<void> => {
    const opened = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
    socket = opened
    opened.on('message', (message) => messages.push(message.toString('utf8')))
    opened.bind(port, '127.0.0.1')
    await once(opened, 'listening')
    port = opened.address().port
  }
  const down = async (): Promise<void> => {
    socket?.close()
    socket = undefined
  }
  t.teardown(down)
  await up()
  return {
    sink: createSyslogSink('udp', { protocol: 'udp', host: '127.0.0.1', port }),
    received: async () => messages.map(messageOf),
    ...{ down, up },
  }
}

sinkContract(t, 'fake', fake)
sinkContract(t, 'file', file)
sinkContract(t, 'http', http)
sinkContract(t, 'syslog over TCP', stream('tcp'))
sinkContract(t, 'syslog over TLS', stream('tls'))
sinkContract(t, 'syslog over a unix socket', stream('unix'))
sinkContract(t, 'syslog over UDP', udp)

t.test('a message that no datagram can carry is rejected, and nothing is sent of its batch', async (t) => {
  const { sink, received } = await udp(t)
  t.teardown(() => sink.close())
  const signal = AbortSignal.timeout(10_000)
  const batch = [recordOf('before'), recordOf('\u0001'.repeat(16 * 1024))]
  const error: unknown = await sink.send(batch, signal).catch((error: unknown) => error)
  t.ok(error instanceof Rejected)
  await sink.send([recordOf('after')], signal)
  await until(async () => (await received()).length > 0, 'the next one')
  t.same(await received(), ['after'])
})

/** Asks an HTTP target that answers like this; what it was asked, and what came of it. */
const answered = async (
  t: Test,
  answer: number,
  options: { readonly url?: string; readonly tokenFile?: string } = {},
) => {
  const asked: IncomingMessage[] = []
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(request)
    request.resume()
    response.writeHead(answer, answer === 302 ? { location: 'http://127.0.0.1:1/' } : {})
    response.end(answer === 204 ? '' : 'said\nby the "target"\u001b[2J'.repeat(50_000))
  }
  const server = options.tokenFile
    ? createHttpsServer({ key: serving.key, cert: serving.cert }, handle)
    : createHttpServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const url = new URL((options.url ?? 'http://127.0.0.1:PORT/').replace('PORT', String(port)))
  const { tokenFile } = options
  const sink = createHttpSink('http', url, { ca: authority.cert, ...(tokenFile ? { tokenFile } : {}) })
  t.teardown(() => sink.close())
  const error = await sink.send([recordOf('x')], AbortSignal.timeout(10_000)).then(
    () => undefined,
    (error: Error) => error,
  )
  return { asked, error }
}

t.test('what HTTP targets answer', async (t) => {
  for (const code of [200, 204]) t.equal((await answered(t, code)).error, undefined, `${code}`)
  for (const code of [400, 413, 422]) t.ok((await answered(t, code)).error instanceof Rejected, `${code}`)
  for (const code of [302, 401, 403, 404, 429, 500, 503]) {
    const { error } = await answered(t, code)
    t.notOk(error instanceof Rejected, `${code}`)
    const { message = '' } = error ?? {}
    t.match(message, new RegExp(`^the target answered ${code}`))
    t.ok(message.length < 400 && Buffer.from(message).every((byte) => byte >= 32), 'its words stay in their line')
  }
})

t.test('who sends to an HTTP target', async (t) => {
  const { asked } = await answered(t, 204, { url: 'http://me:s%20cret@127.0.0.1:PORT/in?tenant=a' })
  t.match(asked[0], {
    ...{ method: 'POST', url: '/in?tenant=a' },
    headers: {
      authorization: `Basic ${Buffer.from('me:s cret').toString('base64')}`,
      'content-type': 'application/x-ndjson',
    },
  })
  const tokenFile = join(folderOf(t), 'token')
  writeFileSync(tokenFile, 'abc\n')
  const over = await answered(t, 204, { url: 'https://127.0.0.1:PORT/', tokenFile })
  t.equal(over.error, undefined)
  t.equal(over.asked[0]?.headers.authorization, 'Bearer abc')
})

t.test('a file target that is no file holds nobody up', async (t) => {
  const sink = createFileSink('null', '/dev/null')
  await t.rejects(sink.send([recordOf('x')], AbortSignal.timeout(1_000)), /is no file/)
})
