/** Orders that find things as they want them. Pure. */
import type { Order } from './rpc.ts'
import type { HostState } from './state.ts'

const revived = ({ name, role, state, daemon }: HostState): string | undefined => {
  if (state === 'killed' || daemon?.state === 'killed') return undefined
  if (role === 'client') return `${name} is up already`
  // A host whose daemon could not be started: it is tried again.
  if (!daemon) return undefined
  if (daemon.state === 'running') return `${name} is up already, and its ${daemon.name} daemon runs`
  const end = daemon.lastEnd === undefined ? '' : ` has ended (${daemon.lastEnd}) and`
  return `${name} is up already; its ${daemon.name} daemon${end} is being started`
}

const killed = ({ name, state, daemon }: HostState, agent: boolean): string | undefined => {
  if (state === 'killed') return `${name} was killed already`
  return agent && daemon?.state === 'killed' ? `the ${daemon.name} daemon of ${name} was killed already` : undefined
}

/** Why there is nothing to do for an order about this host; undefined when there is. */
export const whyIdle = (order: Order, host: HostState): string | undefined => {
  switch (order.do) {
    case 'status':
      return undefined
    case 'kill':
      return killed(host, order.agent)
    case 'revive':
      return revived(host)
  }
}
