/** What the echo server says. Pure. */
import type { IncomingHttpHeaders } from 'node:http'

export interface EchoIdentity {
  readonly pod: string
  readonly node: string
  readonly namespace: string
}

export interface EchoClient {
  readonly address: string
  readonly port: number
}

export interface EchoRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly client: EchoClient
}

export interface EchoAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** An IPv4 client of a dual-stack socket shows as itself. */
export const clientOf = (address: string | undefined, port: number | undefined): EchoClient => ({
  address: (address ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
  port: port ?? 0,
})

const plain = (status: number, body: string): EchoAnswer => ({ status, type: 'text/plain; charset=utf-8', body })

const wantsText = ({ url, headers }: EchoRequest): boolean =>
  /[?&]plain\b/.test(url) || (headers.accept ?? '').startsWith('text/plain')

/** `pod: web-1` and so on, a line each; headers as they came. */
const asLines = (facts: Readonly<Record<string, string | number>>, headers: IncomingHttpHeaders): string =>
  [
    ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`),
    '',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`),
  ].join('\n')

/** What is said of the server; whatever else the caller's object holds is no business of the client's. */
const shown = ({ pod, node, namespace }: EchoIdentity): EchoIdentity => ({ pod, node, namespace })

/** The answer over HTTP. Unready means that no new request should have come. */
export const answerHttp = (identity: EchoIdentity, request: EchoRequest, isReady: boolean): EchoAnswer => {
  const path = request.url.split('?', 1)[0] ?? ''
  if (path === '/healthz') return plain(200, 'ok\n')
  if (path === '/readyz') return isReady ? plain(200, 'ok\n') : plain(503, 'shutting down\n')
  const { method, url, headers, client } = request
  const facts = { ...shown(identity), client: client.address, clientPort: client.port, method, path: url }
  if (wantsText(request)) return plain(200, `${asLines(facts, headers)}\n`)
  return { status: 200, type: 'application/json', body: `${JSON.stringify({ ...facts, headers })}\n` }
}

/** The answer to a datagram: one line. */
export const answerUdp = (identity: EchoIdentity, client: EchoClient, bytes: number): string =>
  `${JSON.stringify({ ...shown(identity), client: client.address, clientPort: client.port, protocol: 'UDP', bytes })}\n`
