/** Connections that are passed on as they come: TLS that ends at a backend, and TCP services. */
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { BackendKey } from '../policy/backend-key.ts'
import type { ClientConnection } from './client.ts'
import type { RelayContext } from './context.ts'
import { createGuard } from './guard.ts'
import { connectTo } from './upstream.ts'

const maxTries = 3

/** Finds an endpoint that accepts, then joins the two until both have ended. What was read is given back to `socket`. */
export const passThrough = (
  socket: Socket,
  backend: BackendKey,
  relay: RelayContext,
  onClosed: () => void,
): ClientConnection => {
  const guard = createGuard(`a connection to ${backend}`, relay.fault, () => socket.destroy())
  const tried: Parameters<typeof relay.balancer.pick>[1][number][] = []

  const attempt = (): void => {
    const endpoint = relay.balancer.pick(backend, tried, { kind: 'round-robin' })
    if (!endpoint || tried.length >= maxTries) {
      relay.report(`${backend}: no endpoint takes the connection`)
      socket.destroy()
      return
    }
    let isJoined = false
    const join = (): void => {
      isJoined = true
      upstream.setTimeout(relay.timeouts.tunnel)
      relay.balancer.answered(endpoint)
      // Errors are ends here: whoever is left is told by its own close.
      pipeline(socket, upstream, () => {})
      pipeline(upstream, socket, () => {})
      socket.resume()
    }
    const upstream: Socket = connectTo(
      { endpoint, lookup: relay.lookup, tls: undefined, poolKey: endpoint.key },
      [],
      guard(join),
    )
    upstream.setTimeout(relay.timeouts.connect, () => upstream.destroy())
    upstream.on('error', () => {})
    const close = (): void => {
      relay.balancer.finished(backend, endpoint)
      if (isJoined) return
      if (!tried.includes(endpoint)) relay.balancer.failed(endpoint)
      tried.push(endpoint)
      if (socket.destroyed) return
      attempt()
    }
    upstream.on('close', guard(close))
    socket.once('close', () => upstream.destroy())
  }

  socket.on('error', () => {})
  socket.on('close', onClosed)
  guard(attempt)()
  // Nobody but its two ends knows when such a connection is idle.
  return { drain: () => {}, destroy: () => socket.destroy() }
}
