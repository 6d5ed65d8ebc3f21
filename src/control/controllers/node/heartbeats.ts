/**
 * When each node was last heard of, by our own clock: only that a heartbeat changed counts, not what time it claims. So
 * nodes with a wrong clock are heard just as well.
 */
import type { Lease, Node } from '../../../api/types/index.ts'

export interface Heartbeats {
  /** Milliseconds since the node was last heard of; the first look counts as hearing. */
  silence(node: Node, lease: Lease | undefined, now: number): number
  /** Forgets nodes that are not among these. */
  retain(names: ReadonlySet<string>): void
}

const signOf = (node: Node, lease: Lease | undefined): string => {
  const reportedAt = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime
  return [node.metadata.uid, lease?.spec?.renewTime, reportedAt].join('|')
}

export const createHeartbeats = (): Heartbeats => {
  const seen = new Map<string, { readonly sign: string; readonly at: number }>()
  return {
    silence: (node, lease, now) => {
      const sign = signOf(node, lease)
      const known = seen.get(node.metadata.name)
      if (known?.sign === sign) return now - known.at
      seen.set(node.metadata.name, { sign, at: now })
      return 0
    },
    retain: (names) => {
      for (const name of [...seen.keys()]) if (!names.has(name)) seen.delete(name)
    },
  }
}
