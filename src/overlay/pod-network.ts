/** Addresses and links together: what whoever runs pods wants of the network. */
import type { PodAddresses } from '../ipam/pod-addresses.ts'
import type { PodLinks } from './pod-links.ts'

export interface PodNetworkOptions {
  readonly addresses: PodAddresses
  readonly links: PodLinks
  /** Nothing is attached before. */
  readonly ready: Promise<void>
}

/** Pods get an address that is theirs until they are detached, however often they are attached in between. */
export const createPodNetwork = ({ addresses, links, ready }: PodNetworkOptions) => ({
  attach: async ({ id, pid }: { readonly id: string; readonly pid: number }): Promise<readonly string[]> => {
    await ready
    const assigned = await addresses.assign(id)
    await links.attach({ id, pid, addresses: assigned })
    return assigned
  },

  detach: async (id: string): Promise<void> => {
    // The address goes last: it must not be somebody else's while the link is still there.
    await links.detach(id)
    await addresses.release(id)
  },

  retain: async (ids: readonly string[]): Promise<void> => {
    const running = new Set(ids)
    for (const id of await links.list()) if (!running.has(id)) await links.detach(id)
    await addresses.retain(running)
  },
})
