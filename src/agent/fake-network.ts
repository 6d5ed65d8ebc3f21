/** A pod network for tests: addresses 10.244.0.2, .3, … and no packets. */
import type { PodNetwork } from './network.ts'

export interface FakeNetwork extends PodNetwork {
  /** Every call, as `attach web`, `detach web`, `retain a b`. */
  readonly calls: readonly string[]
  /** Pod → addresses. */
  readonly attached: ReadonlyMap<string, readonly string[]>
  /** The next attach throws. */
  failNext(error: Error): void
  /** The pod cannot have its addresses any longer. */
  lose(id: string): void
}

export const createFakeNetwork = (): FakeNetwork => {
  const calls: string[] = []
  const attached = new Map<string, readonly string[]>()
  const lost = new Set<string>()
  let failure: Error | undefined
  let next = 2
  return {
    calls,
    attached,
    lose: (id) => void lost.add(id),
    failNext: (error) => {
      failure = error
    },
    attach: async ({ id }) => {
      calls.push(`attach ${id}`)
      if (failure) {
        const error = failure
        failure = undefined
        throw error
      }
      const addresses = attached.get(id) ?? [`10.244.0.${next++}`]
      attached.set(id, addresses)
      return addresses
    },
    detach: async (id) => {
      calls.push(`detach ${id}`)
      attached.delete(id)
    },
    retain: async (ids) => {
      calls.push(['retain', ...ids].join(' '))
      for (const id of [...attached.keys()]) if (!ids.includes(id)) attached.delete(id)
      return ids.filter((id) => lost.has(id))
    },
  }
}
