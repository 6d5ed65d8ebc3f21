/** Connections that agents have dialled: the control plane opens streams over them, so no node needs an open port. */
import type { WebSocket } from 'ws'
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import { createMux, type Mux } from '../../api/tunnel/mux.ts'
import { webSocketLink } from '../../api/tunnel/web-socket.ts'
import type { Logger } from '../../host/log.ts'
import { type Dialer, NodeUnreachable } from './dialer.ts'

export interface Tunnels extends Dialer {
  /** Takes a connection that `node` has dialled. The newest is used; what runs over older ones goes on. */
  add(node: string, socket: WebSocket): void
  /** Ends all of them. */
  close(): void
}

export interface TunnelsOptions {
  readonly log: Logger
  readonly clock?: Clock
  /** For so long a node may take to dial (again): a control plane that has just started knows none. */
  readonly waitMs?: number
}

/** An agent has one, and for a moment two while another takes over. The oldest goes first. */
const maxPerNode = 4

interface Tunnel {
  readonly mux: Mux
  readonly socket: WebSocket
}

/** RFC 6455, 7.4.1: going away. */
const goingAway = 1001

export const createTunnels = ({ log, clock = systemClock, waitMs = 3_000 }: TunnelsOptions): Tunnels => {
  const tunnels = new Map<string, readonly Tunnel[]>()
  const waiting = new Map<string, Set<() => void>>()

  const newest = (node: string): Tunnel | undefined => tunnels.get(node)?.at(-1)

  const remove = (node: string, tunnel: Tunnel): void => {
    const left = (tunnels.get(node) ?? []).filter((each) => each !== tunnel)
    if (left.length > 0) tunnels.set(node, left)
    else tunnels.delete(node)
    log.debug({ node, left: left.length }, 'the connection of a node has ended')
  }

  /** Resolves when the node has dialled, the time is over, or `signal` aborts. */
  const untilDialled = async (node: string, signal: AbortSignal): Promise<void> => {
    const over = new AbortController()
    const wake = (): void => over.abort()
    const others = waiting.get(node) ?? new Set()
    waiting.set(node, others.add(wake))
    await sleep(waitMs, AbortSignal.any([signal, over.signal]), clock)
    others.delete(wake)
    if (others.size === 0) waiting.delete(node)
  }

  return {
    add: (node, socket) => {
      const tunnel = { socket, mux: createMux(webSocketLink(socket)) }
      socket.once('close', () => remove(node, tunnel))
      const all = [...(tunnels.get(node) ?? []), tunnel]
      tunnels.set(node, all)
      if (all.length > maxPerNode) all[0]?.socket.terminate()
      log.debug({ node }, 'a node has dialled')
      for (const wake of waiting.get(node) ?? []) wake()
    },

    open: async (node, signal) => {
      if (!newest(node)) await untilDialled(node, signal)
      const tunnel = newest(node)
      if (!tunnel) throw new NodeUnreachable('its agent has not dialled')
      return tunnel.mux.open()
    },

    close: () => {
      for (const { socket } of [...tunnels.values()].flat()) {
        socket.close(goingAway)
        socket.terminate()
      }
    },
  }
}
