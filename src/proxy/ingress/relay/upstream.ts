/** One connection to a backend. It serves one request at a time and rests in the pool in between. */
import { connect, type LookupFunction, type Socket } from 'node:net'
import type { BackendTls } from '../policy/policy.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import { secure } from './backend-tls.ts'
import { createGuard, type OnFault } from './guard.ts'

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
  /** Connections with the same key are as good as each other. */
  readonly poolKey: string
  readonly socket: Socket
  /** Undefined while it rests. */
  user: UpstreamUser | undefined
  /** Whether it has served a request before. */
  used: boolean
  /** Since when, and for how long at most; kept by the pool. */
  restsSince: number
  restsUntil: number
}

export interface UpstreamTarget {
  readonly endpoint: Endpoint
  /** For an endpoint that is a name. */
  readonly lookup: LookupFunction
  readonly tls: BackendTls | undefined
  readonly poolKey: string
}

/** A connection to an endpoint, encrypted if asked. `ready` is called when it can be written to. */
export const connectTo = (
  { endpoint, tls, lookup }: UpstreamTarget,
  protocols: readonly string[],
  ready: () => void,
): Socket => {
  const { address: host, port } = endpoint
  const plain = connect({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true, lookup })
  if (tls === undefined) return plain.on('connect', ready)
  return secure(plain, tls, protocols, ready)
}

/**
 * Opens a connection. What happens on it goes to the user of the moment. `onUnasked` is called when anything happens
 * while it rests (bytes nobody asked for, or its end): such a connection serves nobody any more. What a user throws ends
 * the connection.
 */
export const openUpstream = (
  target: UpstreamTarget,
  user: UpstreamUser,
  onUnasked: (upstream: Upstream) => void,
  onFault: OnFault,
): Upstream => {
  const guard = createGuard(`an answer of ${target.endpoint.key}`, onFault, () => socket.destroy())
  const socket: Socket = connectTo(
    target,
    ['http/1.1'],
    guard(() => upstream.user?.connected()),
  )
  const { endpoint, poolKey } = target
  const upstream: Upstream = { endpoint, poolKey, socket, user, used: false, restsSince: 0, restsUntil: 0 }
  const data = (bytes: Buffer): void => (upstream.user ? upstream.user.data(bytes) : onUnasked(upstream))
  const end = (): void => (upstream.user ? upstream.user.ended() : onUnasked(upstream))
  socket.on('data', guard(data))
  socket.on('end', guard(end))
  socket.on(
    'drain',
    guard(() => upstream.user?.drained()),
  )
  // Every error is followed by 'close', where it is dealt with.
  socket.on('error', () => {})
  const close = (): void => {
    const { user } = upstream
    upstream.user = undefined
    if (user) user.closed()
    else onUnasked(upstream)
  }
  socket.on('close', guard(close))
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
