/** Addresses and links together: what whoever runs pods wants of the network. */
import type { PodAddresses } from '../ipam/pod-addresses.ts'
import type { PodLinks } from './pod-links.ts'

/** Who has a say in what a pod may reach, and who may reach it. */
export interface Admission {
  /** Resolves when the pod may have these addresses. */
  admit(pod: { readonly key: string; readonly uid: string }, addresses: readonly string[]): Promise<void>
  forget(uid: string): void
}

export interface PodNetworkOptions {
  readonly addresses: PodAddresses
  readonly links: PodLinks
  readonly policies?: Admission
  /** Nothing is attached before. */
  readonly ready: Promise<void>
}

/** A pod that shall have an address and a link; `pid` is a process in its network namespace. */
export interface NetworkedPod {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly pid: number
}

/** Pods get an address that is theirs until they are detached, however often they are attached in between. */
export const createPodNetwork = ({ addresses, links, policies, ready }: PodNetworkOptions) => ({
  attach: async ({ id, namespace, name, pid }: NetworkedPod): Promise<readonly string[]> => {
    await ready
    const assigned = await addresses.assign(id)
    await policies?.admit({ key: `${namespace}/${name}`, uid: id }, assigned)
    await links.attach({ id, pid, addresses: assigned })
    return assigned
  },

  detach: async (id: string): Promise<void> => {
    // The address goes last: it must not be somebody else's while the link is still there.
    await links.detach(id)
    policies?.forget(id)
    await addresses.release(id)
  },

  retain: async (ids: readonly string[]): Promise<void> => {
    const running = new Set(ids)
    for (const id of await links.list()) if (!running.has(id)) await links.detach(id)
    await addresses.retain((owner) => running.has(owner))
  },
})
