/**
 * A node's range of pod addresses can change while it runs: its Node was deleted and made anew. Everything of the agent that
 * was built on the old range ends and begins again, as after a restart; the kernel keeps carrying what it can meanwhile.
 */
import type { Informer } from '../api/informer.ts'
import { podCIDRsOf } from '../api/nodes.ts'
import type { Node } from '../api/types/index.ts'
import type { Logger } from '../host/log.ts'

/** One life of an agent, on one range. */
export interface Life {
  readonly signal: AbortSignal
  /** Why the node is not ready while this life begins. */
  readonly beginning: string
  /** Ends this life as soon as the Node has other ranges than these. */
  endOnMove(nodes: Informer<Node>, nodeName: string, podCIDRs: readonly string[]): void
}

export const firstBeginning = 'the pod network is not ready'

/** Runs one life after another until `signal` aborts, or one ends by itself. Rejects when one fails. */
export const liveOnRanges = async (
  signal: AbortSignal,
  log: Logger,
  live: (life: Life) => Promise<void>,
): Promise<void> => {
  let beginning = firstBeginning
  for (let moved = true; moved && !signal.aborted; ) {
    const move = new AbortController()
    moved = false
    const life: Life = {
      signal: AbortSignal.any([signal, move.signal]),
      beginning,
      endOnMove: (nodes, nodeName, podCIDRs) => {
        nodes.onChange((key, node) => {
          const now = podCIDRsOf(node)
          if (key !== nodeName || now.length === 0 || now.join() === podCIDRs.join() || moved) return
          moved = true
          beginning = `podCIDR changed from ${podCIDRs.join(', ')} to ${now.join(', ')}: the node moves its pods`
          log.warn({ from: podCIDRs, to: now }, 'podCIDR of this node changed: its pods move')
          move.abort()
        })
      },
    }
    try {
      await live(life)
    } finally {
      // One that fails leaves no part of itself behind.
      move.abort()
    }
  }
}
