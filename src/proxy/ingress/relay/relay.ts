/** The proxy on raw sockets: a listener, its client connections, and what they share. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Clock } from '../../../api/clock.ts'
import type { HeadLimits } from '../http/limits.ts'
import { createRequestIds } from '../http/request-id.ts'
import type { Via } from '../http/request-text.ts'
import { createHttpDate } from '../http/response-text.ts'
import type { BackendEndpoints } from '../routes/endpoints.ts'
import { emptyTable, type RouteTable } from '../routes/match.ts'
import { createBalancer } from './balancer.ts'
import { type ClientConnection, serveClient } from './client.ts'
import type { RelayContext } from './context.ts'
import { createDeadlines } from './deadlines.ts'
import { createPool } from './pool.ts'
import type { Timeouts } from './timeouts.ts'

export interface RelayOptions {
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  /** Steady milliseconds: a step of the wall clock must not end connections. */
  readonly clock: Clock
  readonly report: (problem: string) => void
}

export interface ListenOptions {
  readonly address: string
  /** 0 for any free one. */
  readonly port: number
  /** Lets a successor bind the same port while this one drains. */
  readonly reusePort: boolean
}

export interface Relay {
  /** Replaces all routes and backends. Requests that run are not touched. */
  configure(table: RouteTable, backends: BackendEndpoints): void
  /** Replaces the endpoints of some backends. */
  update(backends: BackendEndpoints): void
  /** Rejects when the address cannot be had. */
  listen(options: ListenOptions): Promise<AddressInfo>
  /** Stops accepting; resolves when what runs has ended, or was ended after the `drain` time-out. */
  drain(): Promise<void>
}

const maxIdlePerEndpoint = 320

/** Fine enough for the shortest time-out, and never busy. */
const tickMs = (timeouts: Timeouts): number => Math.min(250, Math.max(5, Math.min(...Object.values(timeouts)) / 8))

const mapped = /^::ffff:(?=[0-9.]+$)/

const viaOf = (socket: Socket): Via => {
  const local = socket.localAddress?.replace(mapped, '') ?? ''
  const port = socket.localPort ?? 0
  const host = local.includes(':') ? `[${local}]` : local
  return {
    clientAddress: socket.remoteAddress?.replace(mapped, '') ?? '',
    scheme: 'http',
    port,
    localAuthority: port === 80 ? host : `${host}:${port}`,
  }
}

const createContext = ({ timeouts, limits, clock, report }: RelayOptions): RelayContext => {
  const deadlines = createDeadlines(clock, tickMs(timeouts))
  const balancer = createBalancer((endpoint) => pool.drop(endpoint))
  const idleMs = timeouts.upstreamIdle
  const pool = createPool({ clock, deadlines, idleMs, maxIdlePerEndpoint, isCurrent: balancer.has })
  return {
    table: emptyTable,
    draining: false,
    timeouts,
    limits,
    deadlines,
    balancer,
    pool,
    date: createHttpDate(Date.now),
    newRequestId: createRequestIds(),
    report,
  }
}

export const createRelay = (options: RelayOptions): Relay => {
  const context = createContext(options)
  const clients = new Set<ClientConnection>()
  const accept = (socket: Socket): void => {
    // Already gone again: there is nobody to serve, and no address to tell backends.
    if (socket.remoteAddress === undefined) return void socket.destroy()
    const client = serveClient(socket, viaOf(socket), context, () => clients.delete(client))
    clients.add(client)
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, accept)

  const update = (backends: BackendEndpoints): void => {
    for (const [backend, endpoints] of backends) context.balancer.set(backend, endpoints)
  }
  const stopServer = async (): Promise<void> => {
    if (!server.listening) return
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    const cancel = options.clock.after(context.timeouts.drain, () => {
      for (const client of clients) client.destroy()
    })
    for (const client of [...clients]) client.drain()
    await closed.promise
    cancel()
  }

  return {
    configure: (table, backends) => {
      update(backends)
      context.table = table
      context.balancer.retain(new Set(backends.map(([backend]) => backend)))
    },
    update,
    listen: ({ address: host, port, reusePort }) =>
      new Promise((resolve, reject) => {
        // After the start: accepting failed, for want of files as a rule; the next attempt may succeed.
        server.on('error', (error) => (server.listening ? options.report(`accept: ${error.message}`) : reject(error)))
        server.listen({ host, port, reusePort }, () => {
          const address = server.address()
          if (address !== null && typeof address === 'object') resolve(address)
          else reject(new Error(`listening on ${host}:${port} gave no address`))
        })
      }),
    drain: async () => {
      context.draining = true
      await stopServer()
      context.pool.close()
      context.deadlines.close()
    },
  }
}
