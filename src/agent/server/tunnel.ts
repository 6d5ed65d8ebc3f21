/**
 * Dials the control plane and answers what comes over that connection, as over the agent's own port: the node needs none that
 * is open. Who asks is the control plane, whose certificate was checked; it knows the node by the node's.
 */
import { createServer } from 'node:http'
import { WebSocket } from 'ws'
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import type { Connection } from '../../api/kubeconfig.ts'
import { createMux } from '../../api/tunnel/mux.ts'
import { tunnelPath, tunnelProtocol, tunnelSocketOptions, webSocketLink } from '../../api/tunnel/web-socket.ts'
import type { Logger } from '../../host/log.ts'
import { type HttpHandlers, serveHttp } from './http.ts'

export interface TunnelOptions {
  /** How to reach the control plane, read anew for every connection: certificates and tokens are rotated. */
  readonly connection: () => Promise<Connection>
  readonly handlers: HttpHandlers
  readonly log: Logger
  readonly clock?: Clock
  /** From 0 to 1. */
  readonly random?: () => number
  readonly backOffMs?: { readonly base: number; readonly max: number }
}

export interface Tunnel {
  /** Keeps a connection until `signal` aborts, then ends it. */
  run(signal: AbortSignal): Promise<void>
  /** Whether there is one now. */
  readonly isOpen: boolean
}

const handshakeTimeoutMs = 10_000
const defaultBackOff = { base: 250, max: 15_000 }
/** A connection that held for so long was a good one. */
const steadyMs = 10_000

/** `use` is called before anything has come over it, which may be at once. */
const dial = (
  { server, ca, cert, key, token, serverName }: Connection,
  use: (socket: WebSocket) => void,
): Promise<WebSocket> => {
  const url = new URL(tunnelPath, server)
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:'
  const socket = new WebSocket(url, tunnelProtocol, {
    ...tunnelSocketOptions,
    ...{ ca, cert, key, handshakeTimeout: handshakeTimeoutMs },
    ...(serverName === undefined ? {} : { servername: serverName }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      use(socket)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

export const createTunnel = (options: TunnelOptions): Tunnel => {
  const { connection, handlers, log, clock = systemClock, random = Math.random } = options
  const { base, max } = options.backOffMs ?? defaultBackOff
  let isOpen = false

  /** Dials, and answers until the connection ends. Rejects when there was none. */
  const live = async (signal: AbortSignal): Promise<void> => {
    const server = createServer({ keepAliveTimeout: 75_000 })
    serveHttp(server, handlers)
    const closed = Promise.withResolvers<void>()
    const socket = await dial(await connection(), (opened) => {
      opened.once('close', () => closed.resolve())
      createMux(webSocketLink(opened), { accept: (stream) => server.emit('connection', stream) })
    })
    const end = (): void => socket.terminate()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    isOpen = true
    await closed.promise
    isOpen = false
    signal.removeEventListener('abort', end)
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    let told = ''
    for (let failures = 0; !signal.aborted; ) {
      const began = clock.now()
      try {
        await live(signal)
        told = ''
        if (clock.now() - began >= steadyMs) failures = 0
        log.debug('the connection to the control plane has ended: dialling again')
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        if (why !== told)
          log.warn({ err: why }, 'cannot dial the control plane for logs, exec and port-forward; retrying')
        told = why
      }
      const waitMs = Math.min(base * 2 ** failures++, max)
      await sleep(waitMs * (0.5 + random() / 2), signal, clock)
    }
  }

  return {
    run,
    get isOpen() {
      return isOpen
    },
  }
}
