/** Ports of the node that lead to pods: who has which, and whether two want the same. */
import type { HostPortMapping } from './rules.ts'

const everywhere = new Set(['', '0.0.0.0', '::'])

type Place = Pick<HostPortMapping, 'hostPort' | 'hostIP' | 'protocol'>

/** True when a connection could be meant for either. */
export const isSamePort = (a: Place, b: Place): boolean =>
  a.hostPort === b.hostPort &&
  a.protocol === b.protocol &&
  (a.hostIP === b.hostIP || everywhere.has(a.hostIP) || everywhere.has(b.hostIP))
