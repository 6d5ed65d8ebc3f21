/** A proxy of node:http and undici, as one writes it who cares for speed: `dispatch`, raw header lists, no streams. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

const { hosts, backend }: { hosts: readonly string[]; backend: number } = JSON.parse(process.argv[2] ?? '')
const pool = new Pool(`http://127.0.0.1:${backend}`, { connections: 64, pipelining: 1 })
const routes = new Map(hosts.map((host) => [host, pool]))
let requests = 0

const server = createServer((incoming, outgoing) => {
  const host = incoming.headers.host ?? ''
  const target = routes.get(host)
  if (!target) return void outgoing.writeHead(404).end()
  const headers = ['host', host]
  const { rawHeaders } = incoming
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (!/^(?:host|connection)$/i.test(name)) headers.push(name, rawHeaders[at + 1] ?? '')
  }
  const client = incoming.socket.remoteAddress ?? ''
  headers.push('x-real-ip', client, 'x-forwarded-for', client, 'x-forwarded-host', host, 'x-forwarded-port', '80')
  headers.push('x-forwarded-proto', 'http', 'x-forwarded-scheme', 'http', 'x-request-id', String(requests++))
  const hasBody =
    incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined
  target.dispatch(
    {
      ...{ method: incoming.method as 'GET', path: incoming.url ?? '/', headers },
      body: hasBody ? incoming : null,
    },
    {
      onRequestStart: () => {},
      onResponseStart: (_, status, received) => {
        const { connection, 'keep-alive': _keepAlive, ...passed } = received
        outgoing.writeHead(status, passed)
      },
      onResponseData: (controller, piece) => {
        if (outgoing.write(piece)) return
        controller.pause()
        outgoing.once('drain', () => controller.resume())
      },
      onResponseEnd: () => outgoing.end(),
      onResponseError: () => outgoing.destroy(),
    },
  )
})
server.listen(0, '127.0.0.1', 4096)
await once(server, 'listening')
process.on('disconnect', () => process.exit())
process.send?.((server.address() as AddressInfo).port)
