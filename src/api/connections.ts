/** The connections to an API server, and as whom they are made: both change when tokens and certificates are rotated. */

import { isDeepStrictEqual } from 'node:util'
import Pool from 'undici/lib/dispatcher/pool.js'
import { type Clock, systemClock } from './clock.ts'
import { errorText } from './errors.ts'
import type { Connection } from './kubeconfig.ts'

export interface ConnectionsOptions {
  /** Reads the connection anew: tokens and certificates are rotated while a process runs. Missing: they never are. */
  readonly reread?: () => Promise<Connection>
  readonly clock?: Clock
  readonly pingIntervalMs?: number
  /** HTTP/1.1 alone: of many answers that are read at once, one that nobody reads on holds up no other. */
  readonly apart?: boolean
}

export interface Way {
  readonly pool: Pool
  readonly connection: Connection
}

export interface Connections {
  /** What requests are made with now. Looks at the files first when that was long ago. */
  current(): Promise<Way>
  /** The server of this way did not answer: the next one is asked from now on. False when there is no other. */
  leave(way: Way): boolean
  /** Reads the connection anew, now. What runs over old connections goes on. Never rejects. */
  refresh(): Promise<void>
  /** Why the connection could not be read anew: what was known is used. */
  readonly problem: string | undefined
  close(): Promise<void>
}

/**
 * A watch may be silent for as long as nothing happens: whether somebody is still there is asked below it. Over HTTP/2 by
 * pings, of which one that the next overtakes ends the connection; else by TCP, whose probes follow each other by the
 * second, ten of them (as Node sets them). Either way a partition is noticed within half a minute.
 */
const defaultPingMs = 15_000
const keepAliveMs = 10_000
/** So long what has been read is used before the files are looked at again; other clients do the same. */
const rereadMs = 60_000

const openPool = ({ server, ca, cert, key, serverName }: Connection, pingInterval: number, allowH2: boolean): Pool =>
  new Pool(server, {
    allowH2,
    connections: null,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    h2Options: { pingInterval },
    connect: {
      ...{ ca, cert, key, timeout: 5_000 },
      ...(serverName === undefined ? {} : { servername: serverName }),
      // A server that had a power cut ends nothing: it answers a probe of the connection once it is back.
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    },
  })

/** A token goes into each request, and other servers are for later: another one needs no other connection. */
const isSameWay = (a: Connection, b: Connection): boolean => {
  const rest = { token: undefined, others: undefined }
  return isDeepStrictEqual({ ...a, ...rest }, { ...b, ...rest })
}

/** What others are known by is not their address, which anybody may have named, but that they are the API. */
export const apiServerName = 'kubernetes.default.svc'

const serversOf = ({ server, others = [] }: Connection): readonly string[] => [...new Set([server, ...others])]

export const createConnections = (first: Connection, options: ConnectionsOptions = {}): Connections => {
  const { reread, clock = systemClock, pingIntervalMs = defaultPingMs, apart = false } = options
  let connection = first
  /** Which of the servers is asked. */
  let server = first.server
  let pool = openPool(first, pingIntervalMs, !apart)
  const retired = new Set<Pool>()
  let readAt = clock.now()
  let reading: Promise<void> | undefined
  let problem: string | undefined

  const retire = (old: Pool): void => {
    retired.add(old)
    // Waits for what runs; watches end by themselves. Once it is destroyed, there is nothing to wait for.
    void old
      .close()
      .catch(() => undefined)
      .finally(() => retired.delete(old))
  }

  const move = (to: string): void => {
    retire(pool)
    server = to
    pool = openPool(
      server === connection.server ? connection : { serverName: apiServerName, ...connection, server },
      pingIntervalMs,
      !apart,
    )
  }

  const use = (next: Connection): void => {
    const isOther = !isSameWay(next, connection)
    connection = next
    const servers = serversOf(next)
    if (!isOther && servers.includes(server)) return
    move(isOther ? next.server : (servers[0] ?? next.server))
  }

  const readAnew = async (read: () => Promise<Connection>): Promise<void> => {
    try {
      use(await read())
      problem = undefined
    } catch (error) {
      problem = errorText(error)
    }
    readAt = clock.now()
  }

  const refresh = async (): Promise<void> => {
    if (!reread) return
    reading ??= readAnew(reread).finally(() => {
      reading = undefined
    })
    await reading
  }

  return {
    current: async () => {
      if (clock.now() - readAt >= rereadMs) await refresh()
      return { pool, connection }
    },
    leave: (way) => {
      if (way.pool !== pool) return true
      const servers = serversOf(connection)
      const next = servers[(servers.indexOf(server) + 1) % servers.length]
      if (next === undefined || next === server) return false
      move(next)
      return true
    },
    refresh,
    get problem() {
      return problem
    },
    close: async () => {
      await Promise.all([pool, ...retired].map((each) => each.destroy()))
    },
  }
}
