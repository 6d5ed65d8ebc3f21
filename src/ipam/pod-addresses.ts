/** The addresses of one node's pods: durable before anybody uses them, and freed when their pod is gone. */
import { type Clock, systemClock } from '../api/clock.ts'
import { addressAt, cidrOf, contains, parseAddress } from './cidr.ts'
import type { Lease, LeaseStore } from './lease-store.ts'
import { createAddressPool, type Pool } from './pool.ts'

export interface PodAddresses {
  /**
   * One address of each of the node's networks; the same again for the same owner. Rejects with `PoolExhausted` when
   * there is none left.
   */
  assign(owner: string): Promise<readonly string[]>
  release(owner: string): Promise<void>
  /** Frees what belongs to any other owner than these. */
  retain(owners: ReadonlySet<string>): Promise<void>
  list(): readonly Lease[]
}

export interface PodAddressesOptions {
  /** The node's networks, one for each family. The first address of each is the gateway's. */
  readonly podCIDRs: readonly string[]
  readonly store: LeaseStore
  readonly clock?: Clock
}

/** The address of the node in its pods' network. */
export const gatewayOf = (podCIDR: string): string => addressAt(podCIDR, 1)

/** A lease of other networks than the node has now is worth nothing: its pod has to start anew anyway. */
const isUsable = (podCIDRs: readonly string[], { addresses }: Lease): boolean =>
  addresses.length === podCIDRs.length &&
  podCIDRs.every((cidr, at) => {
    const address = parseAddress(addresses[at] ?? '')
    return address !== undefined && contains(cidrOf(cidr), address)
  })

/** Reads the leases; rejects when the store cannot be read. */
export const openPodAddresses = async (options: PodAddressesOptions): Promise<PodAddresses> => {
  const { podCIDRs, store, clock = systemClock } = options
  const pools = podCIDRs.map((cidr): Pool<string> => createAddressPool({ cidr, reserved: [gatewayOf(cidr)] }))
  const leases = new Map<string, Lease>()
  for (const lease of await store.load()) {
    if (!isUsable(podCIDRs, lease)) continue
    pools.forEach((pool, at) => {
      pool.assign(lease.owner, lease.addresses[at])
    })
    leases.set(lease.owner, lease)
  }

  /** Changes that come while one is being written share the next write. */
  let written: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const save = (): Promise<void> => {
    next ??= written
      .catch(() => undefined)
      .then(() => {
        next = undefined
        written = store.replace([...leases.values()])
        return written
      })
    return next
  }

  const free = (owner: string): boolean => {
    for (const pool of pools) pool.release(owner)
    return leases.delete(owner)
  }

  const take = (owner: string): readonly string[] => {
    try {
      return pools.map((pool) => pool.assign(owner))
    } catch (error) {
      free(owner)
      throw error
    }
  }

  return {
    assign: async (owner) => {
      const known = leases.get(owner)
      const addresses = known?.addresses ?? take(owner)
      if (!known) leases.set(owner, { owner, addresses, since: clock.now() })
      // A repeated question may come while the first is not written yet.
      await save()
      return addresses
    },
    release: async (owner) => {
      if (free(owner)) await save()
    },
    retain: async (owners) => {
      const gone = [...leases.keys()].filter((owner) => !owners.has(owner))
      for (const owner of gone) free(owner)
      if (gone.length > 0) await save()
    },
    list: () => [...leases.values()],
  }
}
