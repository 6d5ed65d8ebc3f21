/** A watch over a network that was cut: noticed soon, though neither side sends anything. */
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import t from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { createHttpTransport } from '../../src/api/http-transport.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { until } from '../support/until.ts'

t.setTimeout(90_000)
t.jobs = 3
const noticedWithinMs = 45_000
const runner = createCommandRunner()
const validity = validFor(1, Date.now())
const authority = await createAuthority('tests', validity)
const serving = await issueCertificate(authority, { commonName: 'api', addresses: ['127.0.0.1'] }, validity, 'server')

const servers: readonly (readonly [string, string, Server])[] = [
  ['HTTP/1.1', 'http', createHttp((_request, response) => response.flushHeaders())],
  [
    'HTTP/1.1 with TLS',
    'https',
    createHttps({ ...serving, ALPNProtocols: ['http/1.1'] }, (_request, response) => response.flushHeaders()),
  ],
  ['HTTP/2', 'https', createSecureServer(serving, (_request, response) => void response.stream.respond())],
]

for (const [name, scheme, server] of servers)
  t.test(name, { buffered: true }, async (t) => {
    let asked = 0
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => sockets.add(socket))
    server.on('request', () => asked++)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const transport = createHttpTransport({ server: `${scheme}://127.0.0.1:${port}`, ca: authority.cert })
    const stop = new AbortController()
    t.teardown(async () => {
      stop.abort()
      await transport.close()
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    let failure: unknown
    const follow = async (): Promise<void> => {
      for await (const event of transport.watch({ method: 'GET', path: '/' }, stop.signal)) t.fail(event.type)
    }
    void follow().catch((error: unknown) => {
      failure = error
    })
    await until(() => asked === 1, 'the watch')
    t.equal(failure, undefined)
    for (const end of ['--sport', '--dport'])
      await runner.run('iptables', ['-w', '-A', 'INPUT', '-p', 'tcp', end, String(port), '-j', 'DROP'])
    const cut = Date.now()
    await until(() => failure !== undefined, 'the end of the watch', noticedWithinMs)
    t.comment(`noticed after ${((Date.now() - cut) / 1000).toFixed(1)} s: ${failure}`)
  })
