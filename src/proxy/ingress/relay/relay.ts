/** The proxy on raw sockets: its doors, its client connections, and what they share. */
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../../api/clock.ts'
import type { Heartbeat } from '../../../host/heartbeat.ts'
import { createBalancer } from '../balance/balancer.ts'
import { addressSet } from '../decide/addresses.ts'
import { createLimiter } from '../decide/limiter.ts'
import type { HeadLimits } from '../http/limits.ts'
import { createRequestIds } from '../http/request-id.ts'
import { createHttpDate } from '../http/response-text.ts'
import { createOutside } from '../names/ask-outside.ts'
import { type ClusterNames, createLookup } from '../names/lookup.ts'
import { isOwnHost } from '../names/own-host.ts'
import { emptyTable, type RouteTable, setHost } from '../routes/match.ts'
import type { RoutingUpdate } from '../routes/routing.ts'
import { createServerTls, type TlsConfiguration } from '../tls/server-tls.ts'
import type { ClientConnection } from './client.ts'
import type { RelayContext } from './context.ts'
import { createDeadlines } from './deadlines.ts'
import { type ClientsOf, createEntry, type Entry, type ListenOptions } from './entry.ts'
import { createGuard, type OnFault } from './guard.ts'
import { createH2Sessions } from './h2-sessions.ts'
import type { Observe } from './observe.ts'
import { createPool } from './pool.ts'
import type { Timeouts } from './timeouts.ts'

export interface RelayOptions {
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  /** Steady milliseconds: a step of the wall clock must not end connections. */
  readonly clock: Clock
  readonly report: (problem: string) => void
  readonly observe: Observe
  /** CIDRs whose X-Forwarded-* fields count. */
  readonly trustedProxies: readonly string[]
  /** CIDRs whose connections begin with a PROXY header. */
  readonly proxyProtocol: readonly string[]
  /** Beyond it, connections are closed at once. */
  readonly maxConnections: number
  /** Where plain HTTP is sent to. */
  readonly httpsPort: number
  /** 48 secret bytes, the same in all threads. */
  readonly ticketKeys: Buffer
  /** Where who watches over the thread sees what it is about; missing: nobody watches. */
  readonly heartbeat?: Heartbeat
  /** Missing: no name is the cluster's. */
  readonly clusterNames?: ClusterNames | undefined
  /** From 0 to 1, for weights and shares; missing: the machine's own. */
  readonly random?: () => number
}

/** What a thread is told of routes; TLS with the certificates themselves. */
export interface RelayUpdate extends Omit<RoutingUpdate, 'tls'> {
  readonly tls?: readonly { readonly entry: string; readonly configuration: TlsConfiguration }[]
}

export interface Relay {
  /** Takes over what has changed. Requests that run are not touched. */
  apply(update: RelayUpdate): void
  /** Opens a door to the routes of this name. Rejects when the address cannot be had. */
  listen(entry: string, options: ListenOptions & { readonly tls: boolean }): Promise<AddressInfo>
  /** Closes one door again. What has come in by it is finished. */
  unlisten(entry: string): Promise<void>
  /** Stops accepting; resolves when what runs has ended, or was ended after the `drain` time-out. */
  drain(): Promise<void>
  /** Counts a mistake of ours that nobody else has heard of. */
  fault(what: string, error: unknown): void
  readonly connections: number
  readonly retries: number
  readonly faults: number
}

const maxIdlePerEndpoint = 320
const sweepMs = 10_000

/** Fine enough for the shortest time-out, and never busy. */
const tickMs = (timeouts: Timeouts): number => Math.min(250, Math.max(5, Math.min(...Object.values(timeouts)) / 8))

const nobody = (): boolean => false
const among = (cidrs: readonly string[]): ((address: string) => boolean) =>
  cidrs.length > 0 ? addressSet(cidrs) : nobody

export const createRelay = (options: RelayOptions): Relay => {
  const { timeouts, limits, clock, report, observe, ticketKeys, random = Math.random } = options
  const counts = { retries: 0, faults: 0 }
  const fault: OnFault = (what, error) => {
    counts.faults++
    report(`internal error in ${what}: ${error instanceof Error ? error.stack : String(error)}`)
  }
  const deadlines = createDeadlines(clock, tickMs(timeouts), (error) => fault('a timer', error))
  const onGone = (endpoint: string): void => {
    pool.drop(endpoint)
    sessions.drop(endpoint)
  }
  const balancer = createBalancer(clock, onGone, random)
  const idleMs = timeouts.upstreamIdle
  const lookUp = { cluster: options.clusterNames, report }
  const lookup = createLookup({ ...lookUp, isRefused: isOwnHost })
  const outside = createOutside(createLookup({ ...lookUp, isRefused: nobody }))
  const pool = createPool({ fault, clock, deadlines, lookup, idleMs, maxIdlePerEndpoint, isCurrent: balancer.has })
  const sessions = createH2Sessions({ fault, clock, deadlines, lookup, idleMs, connectMs: timeouts.connect })
  const limiter = createLimiter(clock)
  const tables = new Map<string, RouteTable>()
  const secrets = new Map<string, ReturnType<typeof createServerTls>>()
  const entries = new Map<string, Entry>()
  const clients = new Set<ClientConnection>()

  const tableOf = (entry: string): RouteTable => {
    const table = tables.get(entry) ?? emptyTable()
    tables.set(entry, table)
    return table
  }
  const tlsOf = (entry: string) => {
    const tls = secrets.get(entry) ?? createServerTls(ticketKeys, report)
    secrets.set(entry, tls)
    return tls
  }
  /** The door of plain HTTP serves the hosts of the one of HTTPS, and asks what that one asks. */
  const clientsAt = (entry: string, tls: boolean): ClientsOf => {
    const asking = entry === 'http' ? 'https' : entry
    return tls || entry === 'http' ? (host) => secrets.get(asking)?.clientsOf(host) : () => undefined
  }
  const context: RelayContext = {
    fault,
    ...{
      draining: false,
      timeouts,
      limits,
      clock,
      deadlines,
      balancer,
      pool,
      sessions,
      limiter,
      lookup,
      outside,
      report,
    },
    observe: createGuard('the record of a request', fault, () => {})(observe),
    counts,
    heartbeat: options.heartbeat,
    httpsPort: options.httpsPort,
    isTrusted: among(options.trustedProxies),
    random,
    date: createHttpDate(Date.now),
    newRequestId: createRequestIds(),
  }
  /** What cannot be taken over is left out, and everything else is taken all the same. */
  const take = (what: string, action: () => void): void => createGuard(what, fault, () => {})(action)()
  const isProxied = among(options.proxyProtocol)
  const sweep = deadlines.add(() => {
    limiter.sweep()
    sweep.set(sweepMs)
  })
  sweep.set(sweepMs)

  const stop = async (): Promise<void> => {
    const closed = Promise.all([...entries.values()].map((entry) => entry.close()))
    for (const client of [...clients]) client.drain()
    const cancel = clock.after(timeouts.drain, () => {
      for (const client of clients) client.destroy()
    })
    await closed
    cancel()
  }

  return {
    apply: ({ tables: changed, fallback, backends, tls = [] }) => {
      for (const [backend, now] of backends) if (now) take(`backend ${backend}`, () => balancer.set(backend, now))
      for (const { entry, hosts } of changed)
        for (const [host, paths] of hosts) take(`host ${host}`, () => setHost(tableOf(entry), host, paths))
      if (fallback) for (const entry of ['http', 'https']) tableOf(entry).fallback = fallback.route
      for (const { entry, configuration } of tls)
        take(`certificates of ${entry}`, () => tlsOf(entry).configure(configuration))
      // Last: until here some route may have led to it.
      for (const [backend, now] of backends)
        if (!now) take(`backend ${backend}`, () => balancer.set(backend, undefined))
    },
    listen: async (name, { tls, ...where }) => {
      const entry = createEntry({
        ...{
          table: tableOf(name),
          tls: tls ? tlsOf(name) : undefined,
          clientsOf: clientsAt(name, tls),
          ticketKeys,
          isProxied,
          clients,
          relay: context,
        },
        mayAccept: () => clients.size < options.maxConnections,
      })
      const address = await entry.listen(where)
      entries.set(name, entry)
      return address
    },
    unlisten: async (name) => {
      const entry = entries.get(name)
      entries.delete(name)
      tables.delete(name)
      await entry?.close()
    },
    drain: async () => {
      context.draining = true
      await stop()
      pool.close()
      sessions.close()
      outside.close()
      deadlines.close()
    },
    get connections() {
      return clients.size
    },
    fault,
    get retries() {
      return counts.retries
    },
    get faults() {
      return counts.faults
    },
  }
}
