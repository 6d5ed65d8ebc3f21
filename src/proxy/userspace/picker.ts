/** Whose turn it is among the endpoints of a portal. */
import { type Clock, systemClock } from '../../api/clock.ts'
import type { Portal } from '../relays.ts'

export interface Target {
  readonly address: string
  readonly port: number
}

export interface Picker {
  /** Takes over endpoints and ways; the turn and clients that stay keep their place. */
  update(portal: Portal): void
  /** The endpoints to try for this client, in order: the first one's turn is taken by asking. */
  candidates(client: string): readonly Target[]
  /** Whether it is among the endpoints. */
  isOffered(target: Target): boolean
  /** The client has got through: with affinity it stays with this endpoint. */
  served(client: string, target: Target): void
}

/** Clients remembered for affinity; beyond, the one that was away for longest is forgotten. */
const maxClients = 10_000

const nameOf = ({ address, port }: Target): string => `${address} ${port}`

interface Memory {
  readonly target: string
  readonly until: number
}

export const createPicker = (first: Portal, clock: Clock = systemClock, random: () => number = Math.random): Picker => {
  let portal = first
  let turn = 0
  const clients = new Map<string, Memory>()

  const startOf = (client: string): number => {
    const { endpoints, balancing } = portal
    const memory = clients.get(client)
    const kept =
      memory && memory.until > clock.now() ? endpoints.findIndex((target) => nameOf(target) === memory.target) : -1
    if (kept >= 0) return kept
    return balancing === 'random' ? Math.floor(random() * endpoints.length) : turn++ % endpoints.length
  }

  return {
    update: (next) => {
      portal = next
      if (next.affinitySeconds === undefined) clients.clear()
    },
    candidates: (client) => {
      const { endpoints } = portal
      if (endpoints.length === 0) return []
      const start = startOf(client)
      return [...endpoints.slice(start), ...endpoints.slice(0, start)]
    },
    isOffered: (target) => portal.endpoints.some((endpoint) => nameOf(endpoint) === nameOf(target)),
    served: (client, target) => {
      const { affinitySeconds } = portal
      if (affinitySeconds === undefined) return
      // Taken out and put back: the map's order is that of the last visit.
      clients.delete(client)
      clients.set(client, { target: nameOf(target), until: clock.now() + affinitySeconds * 1000 })
      const [oldest] = clients.keys()
      if (clients.size > maxClients && oldest !== undefined) clients.delete(oldest)
    },
  }
}
