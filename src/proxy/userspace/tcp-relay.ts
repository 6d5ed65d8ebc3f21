/** TCP connections carried by this process: a dead endpoint costs a retry, not the connection. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type LookupFunction, type Socket } from 'node:net'
import type { Target } from './picker.ts'

/** Where connections of a client may go, in order, and what to do when one got through. */
export interface Route {
  candidates(client: string): readonly Target[]
  /** Whether clients may still be sent there. */
  isOffered(target: Target): boolean
  served(client: string, target: Target): void
}

export interface Relay {
  readonly port: number
  /** No new clients; those that are connected may finish. */
  close(): void
  /** Ends everything. */
  destroy(): void
}

/** Missing: targets are addresses. */
export type Lookup = LookupFunction | undefined

/** How long each attempt may take. Endpoints that are all slow are tried again, each time for longer. */
const dialTimeoutsMs = [250, 500, 1_000, 2_000]

/** More clients at a time are refused: each takes two of the process's files. */
const maxConnections = 8_000

const dial = async (target: Target, timeoutMs: number, lookup: Lookup): Promise<Socket | undefined> => {
  const more = lookup ? { lookup } : {}
  const socket = connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true, ...more })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) })
    return socket
  } catch {
    // Whatever it is, the next one may do better.
    socket.destroy()
    return undefined
  }
}

const dialFirst = async (
  candidates: readonly Target[],
  isWanted: () => boolean,
  lookup: Lookup,
): Promise<{ readonly socket: Socket; readonly target: Target } | undefined> => {
  for (const [attempt, timeoutMs] of dialTimeoutsMs.entries()) {
    const target = candidates[attempt % candidates.length]
    if (!target || !isWanted()) return undefined
    const socket = await dial(target, timeoutMs, lookup)
    if (socket) return { socket, target }
  }
  return undefined
}

/** Each side's end is passed on; a side that breaks off breaks the other off. */
const join = (a: Socket, b: Socket): void => {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => to.resetAndDestroy())
    from.on('close', (hadError) => {
      if (hadError || !from.readableEnded) to.destroy()
    })
    from.pipe(to)
  }
}

const carry = async (client: Socket, route: Route, lookup: Lookup): Promise<void> => {
  client.on('error', () => undefined)
  const name = client.remoteAddress ?? ''
  const found = await dialFirst(route.candidates(name), () => !client.destroyed, lookup)
  if (!found) return void client.resetAndDestroy()
  if (client.destroyed) return void found.socket.destroy()
  route.served(name, found.target)
  join(client, found.socket)
}

/** Listens on `port` (0: any) of `address`; `lookup` finds targets that are names. Rejects when it cannot. */
export const listenTcp = async (address: string, port: number, route: Route, lookup?: Lookup): Promise<Relay> => {
  const clients = new Set<Socket>()
  // Nothing is read before there is somebody to give it to.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    clients.add(client)
    client.on('close', () => clients.delete(client))
    // Whatever goes wrong ends this connection alone.
    carry(client, route, lookup).catch(() => client.resetAndDestroy())
  })
  server.maxConnections = maxConnections
  server.listen({ host: address, port, ipv6Only: true })
  await once(server, 'listening')
  // Accepting may fail for want of files; the next client may have more luck.
  server.on('error', () => undefined)
  return {
    port: (server.address() as AddressInfo).port,
    close: () => void server.close(),
    destroy: () => {
      server.close()
      for (const client of clients) client.destroy()
    },
  }
}
