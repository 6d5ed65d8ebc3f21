/** One connection to a backend. It serves one request at a time and rests in the pool in between. */
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../routes/endpoints.ts'

/** Whoever has borrowed the connection. After `closed` nothing more is called. */
export interface UpstreamUser {
  connected(): void
  data(bytes: Buffer): void
  /** The backend sends no more. */
  ended(): void
  drained(): void
  closed(): void
}

export interface Upstream {
  readonly endpoint: Endpoint
  readonly socket: Socket
  /** Undefined while it rests. */
  user: UpstreamUser | undefined
  /** Whether it has served a request before. */
  used: boolean
  /** Since when, and for how long at most; kept by the pool. */
  restsSince: number
  restsUntil: number
}

/**
 * Opens a connection. What happens on it goes to the user of the moment. `onUnasked` is called when anything happens
 * while it rests (bytes nobody asked for, or its end): such a connection serves nobody any more.
 */
export const openUpstream = (endpoint: Endpoint, user: UpstreamUser, onUnasked: (upstream: Upstream) => void) => {
  const { address: host, port } = endpoint
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true })
  const upstream: Upstream = { endpoint, socket, user, used: false, restsSince: 0, restsUntil: 0 }
  socket.on('connect', () => upstream.user?.connected())
  socket.on('data', (bytes) => (upstream.user ? upstream.user.data(bytes) : onUnasked(upstream)))
  socket.on('end', () => (upstream.user ? upstream.user.ended() : onUnasked(upstream)))
  socket.on('drain', () => upstream.user?.drained())
  // Every error is followed by 'close', where it is dealt with.
  socket.on('error', () => {})
  socket.on('close', () => {
    const { user } = upstream
    upstream.user = undefined
    if (user) user.closed()
    else onUnasked(upstream)
  })
  return upstream
}

/** Closes a connection that is of no use any more; its user hears nothing of it. */
export const abandon = (upstream: Upstream): void => {
  upstream.user = undefined
  upstream.socket.destroy()
}

/** Like `abandon`, but what was written still goes out, for up to `timeoutMs`. */
export const finishWriting = (upstream: Upstream, timeoutMs: number): void => {
  upstream.user = undefined
  upstream.socket.setTimeout(timeoutMs, () => upstream.socket.destroy())
  upstream.socket.destroySoon()
}
