/** All ways to the agents of the nodes: what they have dialled, else their own ports. */
import type { Node } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { isAddress } from '../../ip/address.ts'
import type { Store } from '../storage/store.ts'
import { type Dialer, firstOf } from './dialer.ts'
import { type AgentAddress, type AgentClient, createDirectDialer } from './direct-dialer.ts'
import { createTunnels, type Tunnels } from './tunnels.ts'

export interface Agents extends Dialer {
  readonly tunnels: Tunnels
}

/** Where an agent listens, as its Node says; undefined for nowhere. */
const addressOf = (store: Store, name: string): AgentAddress | undefined => {
  const { status } = (store.get({ bucket: 'nodes', name })?.object ?? {}) as Partial<Node>
  const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
  return address !== undefined && isAddress(address) && port > 0 ? { address, port } : undefined
}

export const createAgents = (store: () => Store, client: AgentClient, log: Logger): Agents => {
  const tunnels = createTunnels({ log })
  const direct = createDirectDialer((node) => addressOf(store(), node), client)
  return { tunnels, ...firstOf([tunnels, direct]) }
}
