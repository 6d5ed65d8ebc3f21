/** The one way from the control plane to the nodes. */

import type { Duplex } from 'node:stream'
import { errorText } from '../../api/errors.ts'

export interface Dialer {
  /**
   * A connection to the node's agent, which speaks HTTP/1.1 over it in the kubelet's paths. Rejects with an Error that
   * says why there is none.
   */
  open(node: string, signal: AbortSignal): Promise<Duplex>
}

/** Thrown when there is no way to a node; the text is for users. */
export class NodeUnreachable extends Error {
  override readonly name = 'NodeUnreachable'
}

/** The first way that leads to the node; with the reasons of all of them where none does. */
export const firstOf = (dialers: readonly Dialer[]): Dialer => ({
  open: async (node, signal) => {
    const reasons: string[] = []
    for (const dialer of dialers) {
      try {
        return await dialer.open(node, signal)
      } catch (error) {
        if (signal.aborted) throw error
        reasons.push(errorText(error))
      }
    }
    throw new NodeUnreachable(reasons.join('; '))
  },
})
