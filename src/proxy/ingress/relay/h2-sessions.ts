/** HTTP/2 connections to backends: few, each for many requests at once. */
import type { LookupFunction, Socket } from 'node:net'
import type { Clock } from '../../../api/clock.ts'
import { createH2Connection } from '../h2/connection.ts'
import type { H2Connection, H2Stream, StreamUser } from '../h2/seam.ts'
import type { BackendTls } from '../policy/policy.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import { tlsKey } from './backend-tls.ts'
import type { Deadlines } from './deadlines.ts'
import { createGuard, type OnFault } from './guard.ts'
import { connectTo } from './upstream.ts'

export type WireFields = readonly { readonly key: string; readonly value: string }[]

/** Waits for a stream. */
export interface SessionUser {
  /** The stream's user comes with the answer to this. */
  connected(open: (fields: WireFields, ends: boolean, user: StreamUser) => H2Stream | undefined): void
  failed(why: string): void
}

export interface H2Sessions {
  /** A session to the endpoint that takes another stream; whether it is one that was there already. */
  take(endpoint: Endpoint, tls: BackendTls | undefined, user: SessionUser): { readonly reused: boolean; cancel(): void }
  /** Closes the sessions of an endpoint once their streams are done. */
  drop(endpoint: string): void
  close(): void
}

interface Session {
  readonly endpoint: string
  readonly key: string
  readonly socket: Socket
  readonly h2: H2Connection
  readonly waiting: Set<SessionUser>
  isConnected: boolean
  lastUse: number
}

export interface SessionsOptions {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly idleMs: number
  readonly connectMs: number
  readonly lookup: LookupFunction
  readonly fault: OnFault
}

export const createH2Sessions = (options: SessionsOptions): H2Sessions => {
  const { clock, deadlines, idleMs, connectMs, lookup, fault } = options
  const sessions = new Map<string, Session[]>()

  const forget = (session: Session): void => {
    const left = (sessions.get(session.key) ?? []).filter((each) => each !== session)
    if (left.length > 0) sessions.set(session.key, left)
    else sessions.delete(session.key)
  }

  const open = (endpoint: Endpoint, tls: BackendTls | undefined, key: string): Session => {
    const guard = createGuard(`an answer of ${endpoint.key}`, fault, () => socket.destroy())
    const connected = (): void => {
      session.isConnected = true
      for (const user of [...session.waiting]) giveAlone(session, user)
    }
    const socket: Socket = connectTo({ endpoint, lookup, tls, poolKey: key }, ['h2'], guard(connected))
    const h2 = createH2Connection({
      role: 'client',
      defer: (action) => queueMicrotask(guard(action)),
      write: (bytes) => socket.write(bytes),
      closed: () => {
        forget(session)
        socket.destroySoon()
      },
    })
    const session: Session = {
      ...{ endpoint: endpoint.key, key, socket, h2, waiting: new Set() },
      ...{ isConnected: false, lastUse: clock.now() },
    }
    socket.setTimeout(connectMs, () => {
      if (!session.isConnected) socket.destroy()
    })
    socket.on('data', guard(h2.receive))
    socket.on('drain', guard(h2.transportDrained))
    socket.on('end', () => socket.destroySoon())
    // Every error is followed by 'close', where it is dealt with.
    socket.on('error', () => {})
    const close = (): void => {
      forget(session)
      h2.transportClosed()
      for (const user of session.waiting) user.failed('no endpoint could be reached')
      session.waiting.clear()
    }
    socket.on('close', guard(close))
    return session
  }

  const give = (session: Session, user: SessionUser): void => {
    session.waiting.delete(user)
    session.lastUse = clock.now()
    user.connected((fields, ends, streamUser) => session.h2.request(fields, ends, streamUser))
  }

  /** What one user makes of it concerns no other. */
  const giveAlone = (session: Session, user: SessionUser): void =>
    createGuard('a request over HTTP/2', fault, () => user.failed('internal error'))(() => give(session, user))()

  const sweepMs = Math.max(1, idleMs / 4)
  const sweep = deadlines.add(() => {
    for (const each of [...sessions.values()].flat())
      if (each.h2.openStreams > 0) each.lastUse = clock.now()
      else if (each.isConnected && clock.now() - each.lastUse > idleMs) {
        forget(each)
        each.h2.goAway()
        each.socket.destroySoon()
      }
    sweep.set(sweepMs)
  })
  sweep.set(sweepMs)

  return {
    take: (endpoint, tls, user) => {
      const key = tls === undefined ? endpoint.key : `${endpoint.key} ${tlsKey(tls)}`
      const known = sessions.get(key)?.find((each) => !each.isConnected || each.h2.canOpen)
      const session = known ?? open(endpoint, tls, key)
      if (!known) sessions.set(key, [...(sessions.get(key) ?? []), session])
      if (session.isConnected) queueMicrotask(() => giveAlone(session, user))
      else session.waiting.add(user)
      return { reused: known?.isConnected ?? false, cancel: () => void session.waiting.delete(user) }
    },
    drop: (endpoint) => {
      for (const each of [...sessions.values()].flat()) {
        if (each.endpoint !== endpoint) continue
        forget(each)
        each.h2.goAway()
        if (each.h2.openStreams === 0) each.socket.destroySoon()
      }
    },
    close: () => {
      sweep.remove()
      for (const each of [...sessions.values()].flat()) each.socket.destroy()
      sessions.clear()
    },
  }
}
