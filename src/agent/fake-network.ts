/** A pod network for tests: addresses 10.244.0.2, .3, … and no packets. */
import type { PodNetwork } from './pods/pod-network.ts'

export interface FakeNetwork extends PodNetwork {
  /** Every call, as `attach web`, `detach web`, `retain a b`. */
  readonly calls: readonly string[]
  /** Pod → addresses. */
  readonly attached: ReadonlyMap<string, readonly string[]>
  /** The next attach throws. */
  failNext(error: Error): void
  /** The pod cannot have its addresses any longer. */
  lose(id: string): void
  /** The pod's network is damaged; undefined: it is well again. */
  damage(id: string, trouble: string | undefined): void
}

export const createFakeNetwork = (): FakeNetwork => {
  const calls: string[] = []
  const attached = new Map<string, readonly string[]>()
  const lost = new Set<string>()
  const troubles = new Map<string, string>()
  const listeners: ((id: string) => void)[] = []
  let failure: Error | undefined
  let next = 2
  return {
    calls,
    attached,
    troubles: {
      of: (id) => troubles.get(id),
      onChange: (listener) => void listeners.push(listener),
    },
    damage: (id, trouble) => {
      if (trouble === undefined) troubles.delete(id)
      else troubles.set(id, trouble)
      for (const tell of listeners) tell(id)
    },
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
