/** A backend that tells what it was asked, as the suite's own image does, and remembers it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createH2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { WebSocketServer } from 'ws'

export interface Echo {
  readonly http: number
  /** HTTP/2 with prior knowledge. */
  readonly h2c: number
  /** Paths that were asked for, with their query. */
  readonly asked: readonly string[]
}

const canonical = (name: string): string => name.replace(/(^|-)[a-z]/g, (found) => found.toUpperCase())

const headersOf = (raw: readonly string[]): Record<string, string[]> => {
  const found: Record<string, string[]> = {}
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? ''
    if (name.startsWith(':')) continue
    const key = canonical(name.toLowerCase())
    found[key] = [...(found[key] ?? []), raw[at + 1] ?? '']
  }
  return found
}

const milliseconds = (text: string | null): number => {
  const [, amount = '0', unit = 'ms'] = /^(\d+)(ms|s)$/.exec(text ?? '') ?? []
  return Number(amount) * (unit === 's' ? 1000 : 1)
}

const refuse = (response: ServerResponse | Http2ServerResponse, status: number): void => {
  response.statusCode = status
  response.end()
}

export const startEcho = async (t: Test, pod: string, namespace: string): Promise<Echo> => {
  const asked: string[] = []
  /** Requests by the name that a client has given to what it repeats. */
  const tries = new Map<string, number>()

  const answer = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    version: string,
  ): void => {
    const target = request.url ?? '/'
    asked.push(target)
    const query = new URL(target, 'http://x').searchParams
    const headers = headersOf(request.rawHeaders)
    const host = version === 'HTTP/2.0' ? request.headers[':authority'] : request.headers.host
    const tell = (): void => {
      for (const each of (headers['X-Echo-Set-Header']?.join(',') ?? '').split(',').filter(Boolean)) {
        const [name = '', ...value] = each.split(':')
        const known = response.getHeader(name)
        response.setHeader(name, known === undefined ? value.join(':').trim() : [`${known}`, value.join(':').trim()])
      }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({ path: target, host, method: request.method, proto: version, headers, namespace, pod }),
      )
    }
    const id = query.get('uuid')
    const count = id === null ? Number.POSITIVE_INFINITY : (tries.get(id) ?? 0)
    if (id !== null) tries.set(id, count + 1)
    if (count >= Number(query.get('succeedAfter') ?? 0)) return void setTimeout(tell, milliseconds(query.get('delay')))
    const status = Number(query.get('responseCode') ?? 0)
    setTimeout(
      () => (status === 0 ? request.socket.destroy() : refuse(response, status)),
      milliseconds(query.get('delayRetry')),
    )
  }

  const plain = createServer((request, response) => answer(request, response, 'HTTP/1.1'))
  const sockets = new WebSocketServer({ server: plain })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
  const h2 = createH2Server((request, response) => answer(request, response, 'HTTP/2.0'))
  const listen = (server: typeof plain | typeof h2): Promise<number> =>
    new Promise((resolve) => server.listen(0, '0.0.0.0', () => resolve((server.address() as AddressInfo).port)))
  const [http, h2c] = await Promise.all([listen(plain), listen(h2)])
  t.teardown(() => {
    sockets.close()
    plain.closeAllConnections()
    plain.close()
    h2.close()
  })
  return { http, h2c, asked }
}
