/** UDP carried by this process: a socket of its own for each client, so that answers find their way back. */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isAddress, isIPv6 } from '../../ip/address.ts'
import type { Target } from './picker.ts'
import type { Lookup, Relay, Route } from './tcp-relay.ts'

/** A client that is silent for so long is forgotten, as the kernel forgets a UDP connection. */
const idleMs = 30_000
/** More clients at a time push out the one that was silent for longest. */
const maxClients = 2_000
/** Packets of a client that wait while its socket is being connected. */
const maxWaiting = 16

interface Session {
  /** Undefined until the target's address is known. */
  upstream: Socket | undefined
  readonly target: Target
  waiting: Buffer[] | undefined
  idle: NodeJS.Timeout
}

/** Listens on `port` (0: any) of `address`; `lookup` finds targets that are names. Rejects when it cannot. */
export const listenUdp = async (address: string, port: number, route: Route, lookup?: Lookup): Promise<Relay> => {
  const type = isIPv6(address) ? 'udp6' : 'udp4'
  const server = createSocket({ type, ipv6Only: type === 'udp6' })
  const sessions = new Map<string, Session>()
  let isClosing = false

  const forget = (key: string): void => {
    const session = sessions.get(key)
    if (!session) return
    sessions.delete(key)
    clearTimeout(session.idle)
    session.upstream?.close()
    if (isClosing && sessions.size === 0) server.close()
  }

  interface Client {
    readonly address: string
    readonly port: number
  }

  const connectTo = (address: string, key: string, client: Client, session: Session): void => {
    const { target } = session
    const upstream = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    session.upstream = upstream
    upstream.on('error', () => {
      if (sessions.get(key) === session) forget(key)
    })
    upstream.on('message', (message) => {
      session.idle.refresh()
      // An answer that cannot be sent is a lost packet.
      server.send(message, client.port, client.address, () => undefined)
    })
    upstream.connect(target.port, address, (error?: Error) => {
      if (sessions.get(key) !== session) return
      if (error) return forget(key)
      route.served(client.address, target)
      for (const message of session.waiting ?? []) upstream.send(message)
      session.waiting = undefined
    })
  }

  /** To the first candidate; one that refuses makes room for the next one with the client's next packet. */
  const open = (key: string, client: Client, target: Target): Session => {
    const idle = setTimeout(() => forget(key), idleMs)
    const session: Session = { upstream: undefined, target, waiting: [], idle }
    sessions.set(key, session)
    if (!lookup || isAddress(target.address)) connectTo(target.address, key, client, session)
    else
      lookup(target.address, {}, (error, address) => {
        if (sessions.get(key) !== session) return
        if (error || typeof address !== 'string') forget(key)
        else connectTo(address, key, client, session)
      })
    return session
  }

  const take = (message: Buffer, client: { readonly address: string; readonly port: number }): void => {
    const key = `${client.address} ${client.port}`
    const last = sessions.get(key)
    if (last && !route.isOffered(last.target)) forget(key)
    const known = sessions.get(key)
    const [target] = known ? [] : route.candidates(client.address)
    const session = known ?? (target && open(key, client, target))
    if (!session) return
    if (!known && sessions.size > maxClients) {
      const [oldest] = sessions.keys()
      if (oldest !== undefined) forget(oldest)
    }
    session.idle.refresh()
    // The map's order is that of the last packet.
    sessions.delete(key)
    sessions.set(key, session)
    if (!session.waiting) session.upstream?.send(message, () => undefined)
    else if (session.waiting.length < maxWaiting) session.waiting.push(message)
  }
  server.on('message', (message, client) => {
    try {
      take(message, client)
    } catch {
      // Whatever went wrong ends this client's session alone; its next packet begins another.
      forget(`${client.address} ${client.port}`)
    }
  })
  server.bind({ port, address })
  await once(server, 'listening')
  // What cannot be received or sent is a lost packet.
  server.on('error', () => undefined)

  const destroy = (): void => {
    isClosing = true
    if (sessions.size === 0) server.close()
    for (const key of [...sessions.keys()]) forget(key)
  }
  // Clients of UDP do not end by themselves: they are let go at once, and come back by the new way.
  return { port: server.address().port, close: destroy, destroy }
}
