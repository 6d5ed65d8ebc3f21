/** Addresses, policies and links together: what whoever runs pods wants of the network. */

import type { StringMap } from '../api/types/index.ts'
import { parseAddress } from '../ip/address.ts'
import type { PodAddresses } from '../ipam/pod-addresses.ts'
import { isExhausted, PoolExhausted } from '../ipam/pool.ts'
import { annotatedBandwidth, type Bandwidth } from './bandwidth.ts'
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
  /** Forgets the connections of addresses that are nobody's any more: the next pod shall not inherit them. */
  readonly forgetAddresses?: (addresses: readonly string[]) => Promise<void>
  /** Nothing is attached before. */
  readonly ready: Promise<void>
}

/** Whoever shall be on the network. */
export interface Attachment {
  /** Whose address and link it is. */
  readonly owner: string
  readonly netns: string
  /** The pod that policies know it as; undefined: none, and none applies. */
  readonly pod?: { readonly key: string; readonly uid: string } | undefined
  readonly wanted?: readonly string[]
  readonly note?: string
  readonly ifname?: string
  readonly mac?: string | undefined
  readonly bandwidth?: Bandwidth
}

/** A pod that shall have an address and a link; `pid` is a process in its network namespace. */
export interface NetworkedPod {
  readonly id: string
  readonly namespace: string
  readonly name: string
  readonly pid: number
  readonly annotations?: StringMap
}

/** The annotation by which a pod asks for addresses: one of each family, with a comma. */
export const addressAnnotation = 'podway.dev/ip'

const wantedBy = (annotations: StringMap = {}): readonly string[] => {
  const wanted = (annotations[addressAnnotation] ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  const wrong = wanted.find((each) => !parseAddress(each))
  if (wrong !== undefined) throw new Error(`annotation ${addressAnnotation}: "${wrong}" is no IP address`)
  return wanted
}

/** What a plugin for container runtimes calls its attachments: no uid of a pod holds a slash. */
export const isForeignOwner = (owner: string): boolean => owner.includes('/')

/** What people call an owner: the pod's name, where it is known. */
export const attachmentOf = (owner: string, note: string | undefined): string => {
  try {
    const { pod }: { readonly pod?: unknown } = JSON.parse(note ?? '{}')
    return typeof pod === 'string' ? pod : owner
  } catch {
    return owner
  }
}

/** Pods get an address that is theirs until they are detached, however often they are attached in between. */
export const createPodNetwork = ({ addresses, links, policies, forgetAddresses, ready }: PodNetworkOptions) => {
  const assign = async ({ owner, wanted, note }: Attachment): Promise<readonly string[]> => {
    try {
      return await addresses.assign(owner, { ...(wanted ? { wanted } : {}), ...(note === undefined ? {} : { note }) })
    } catch (error) {
      if (!isExhausted(error)) throw error
      throw new PoolExhausted(
        `no address is left for pods on this node (${error.message}): end some, move them to other nodes, or give nodes larger networks (--node-prefix of the control plane)`,
      )
    }
  }

  const add = async (attachment: Attachment): Promise<readonly string[]> => {
    await ready
    const assigned = await assign(attachment)
    const { owner, netns, pod, ifname, mac, bandwidth } = attachment
    if (pod) await policies?.admit(pod, assigned)
    await links.attach({
      ...{ id: owner, netns, addresses: assigned },
      ...(ifname === undefined ? {} : { ifname }),
      ...(mac === undefined ? {} : { mac }),
      ...(bandwidth ? { bandwidth } : {}),
    })
    return assigned
  }

  return {
    /** Puts it on the network; its addresses. The same again: the same answer. */
    add,

    attach: ({ id, namespace, name, pid, annotations }: NetworkedPod): Promise<readonly string[]> =>
      add({
        ...{ owner: id, netns: `/proc/${pid}/ns/net`, pod: { key: `${namespace}/${name}`, uid: id } },
        ...{ wanted: wantedBy(annotations), bandwidth: annotatedBandwidth(annotations) },
        note: JSON.stringify({ pod: `${namespace}/${name}` }),
      }),

    /** `uid`: of the pod that it was added for, when that is not the owner. */
    detach: async (owner: string, uid = owner): Promise<void> => {
      // The address goes last: it must not be somebody else's while the link is still there.
      await links.detach(owner)
      policies?.forget(uid)
      await forgetAddresses?.(addresses.list().flatMap((lease) => (lease.owner === owner ? lease.addresses : [])))
      await addresses.release(owner)
    },

    /**
     * Frees what belongs to other pods than these; what container runtimes have asked for is none of their business. The answer
     * are those of them whose addresses are not, or no longer, of this node.
     */
    retain: async (ids: readonly string[]): Promise<readonly string[]> => {
      const running = new Set(ids)
      const isKept = (owner: string) => isForeignOwner(owner) || running.has(owner)
      for (const id of await links.list()) if (!isKept(id)) await links.detach(id)
      await forgetAddresses?.(addresses.list().flatMap((lease) => (isKept(lease.owner) ? [] : lease.addresses)))
      await addresses.retain(isKept)
      const held = new Set(addresses.list().map(({ owner }) => owner))
      return ids.filter((id) => !held.has(id))
    },
  }
}

export type OverlayPodNetwork = ReturnType<typeof createPodNetwork>
