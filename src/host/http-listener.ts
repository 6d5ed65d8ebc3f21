/** Small HTTP servers of a daemon: health and metrics. Never a reason for the daemon to end. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from './log.ts'

/** Where somebody listens. */
export interface ListenAddress {
  readonly address: string
  readonly port: number
}

export interface HttpReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

export interface HttpListenerOptions {
  /** Undefined: all addresses, of both families where there are two. */
  readonly address: string | undefined
  readonly port: number
  /** `path` comes without its query. */
  readonly answer: (path: string) => HttpReply | Promise<HttpReply>
  /** What it is for, in the log. */
  readonly name: string
  readonly log: Logger
}

const retryMs = 5_000
/** Probes are short; nobody holds a connection of ours for long. */
const timeouts = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 5_000 }
const maxConnections = 100

const listen = async (server: Server, address: string | undefined, port: number): Promise<void> => {
  // Shared, so that a successor can listen before we end; one that the kernel chose cannot be.
  server.listen({ port, ...(address === undefined ? {} : { host: address }), reusePort: port !== 0 })
  await once(server, 'listening')
}

/**
 * Answers until `signal` aborts, and tells the port it got. A port that others hold is tried again, until it is free.
 */
export const runHttpListener = async (
  { address, port, answer, name, log }: HttpListenerOptions,
  signal: AbortSignal,
  onListening?: (port: number) => void,
): Promise<void> => {
  let told = false
  while (!signal.aborted) {
    const server = createServer(timeouts, (request, response) => {
      const [path = '/'] = (request.url ?? '/').split('?')
      Promise.resolve()
        .then(() => answer(path))
        .then(({ status, headers = {}, body }) =>
          response.writeHead(status, headers).end(request.method === 'HEAD' ? '' : body),
        )
        .catch((error: unknown) => {
          log.error({ err: error, path }, `cannot answer: ${name}`)
          if (!response.headersSent) response.writeHead(500).end('internal error\n')
        })
    })
    server.maxConnections = maxConnections
    server.on('error', (error) => log.debug({ err: error }, name))
    try {
      await listen(server, address, port)
    } catch (error) {
      if (!told) log.warn({ err: error, address, port, retryInMs: retryMs }, `cannot listen for ${name}`)
      told = true
      await sleep(retryMs, undefined, { signal }).catch(() => undefined)
      continue
    }
    onListening?.((server.address() as AddressInfo).port)
    if (!signal.aborted) await once(signal, 'abort')
    server.close()
    server.closeAllConnections()
  }
}
