/**
 * The addresses of one node's pods: durable before anybody uses them, and freed when their pod is gone. They go around in
 * turn, and a freed one rests before it is somebody else's: whoever still sends to the old pod shall not reach a new one.
 */

import { type Clock, systemClock } from '../api/clock.ts'
import { addressOf, parseAddress } from '../ip/address.ts'
import { addressAt, cidrOf, contains } from '../ip/cidr.ts'
import type { Lease, LeaseStore } from './lease-store.ts'
import { createAddressPool, isExhausted, OutOfRange, type Pool } from './pool.ts'

export interface Claim {
  /** Addresses to have and no others, at most one of each family. */
  readonly wanted?: readonly string[]
  /** Kept with the lease. */
  readonly note?: string
}

export interface PodAddresses {
  /**
   * One address of each of the node's networks; the same again for the same owner. Rejects with `PoolExhausted` when
   * there is none left, with `AddressTaken` or `OutOfRange` when a wanted one cannot be had.
   */
  assign(owner: string, claim?: Claim): Promise<readonly string[]>
  release(owner: string): Promise<void>
  /** Frees what belongs to owners of whom `isKept` is false. */
  retain(isKept: (owner: string) => boolean): Promise<void>
  /** What is held, oldest first. */
  list(): readonly Lease[]
}

export interface PodAddressesOptions {
  /** The node's networks, one for each family. The first address of each is the gateway's. */
  readonly podCIDRs: readonly string[]
  readonly store: LeaseStore
  readonly clock?: Clock
  /** How long a freed address rests, while there are others. */
  readonly restMs?: number
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

const bySince = (a: Lease, b: Lease): number => a.since - b.since

/** Holds the addresses of a freed lease in the pools. No owner's name holds a line break. */
const restingOwner = ({ owner, freed }: Lease): string => `${owner}\n${freed}`

/** Reads the leases; rejects when the store cannot be read. */
export const openPodAddresses = async (options: PodAddressesOptions): Promise<PodAddresses> => {
  const { podCIDRs, store, clock = systemClock, restMs = 30_000 } = options
  const pools = podCIDRs.map((cidr): Pool<string> => createAddressPool({ cidr, reserved: [gatewayOf(cidr)] }))
  const held = new Map<string, Lease>()
  /** Those that were freed longest ago come first. */
  let resting: Lease[] = []

  const hold = (lease: Lease, owner: string): void =>
    pools.forEach((pool, at) => {
      pool.assign(owner, lease.addresses[at])
    })

  // In the order in which they were given, so that the turn goes on where it was.
  for (const lease of [...(await store.load())].filter((each) => isUsable(podCIDRs, each)).sort(bySince)) {
    if (lease.freed === undefined) held.set(lease.owner, lease)
    else resting.push(lease)
    hold(lease, lease.freed === undefined ? lease.owner : restingOwner(lease))
  }

  /** Changes, and how many of them are durable: one whose write failed is written when its caller asks again. */
  let changes = 0
  let durable = 0
  /** Changes that come while one is being written share the next write. */
  let written: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  const write = async (): Promise<void> => {
    const covered = changes
    await store.replace([...held.values(), ...resting])
    durable = covered
  }

  const save = async (): Promise<void> => {
    if (durable === changes) return
    next ??= written
      .catch(() => undefined)
      .then(() => {
        next = undefined
        written = write()
        return written
      })
    await next
  }

  const wake = (lease: Lease | undefined): void => {
    if (!lease) return
    for (const pool of pools) pool.release(restingOwner(lease))
    resting = resting.filter((each) => each !== lease)
  }

  const wakeRested = (): void => {
    const now = clock.now()
    for (const lease of resting) if ((lease.freed ?? 0) + restMs <= now) wake(lease)
  }

  const letGo = (owner: string): void => {
    const lease = held.get(owner)
    for (const pool of pools) pool.release(owner)
    if (!lease) return
    changes++
    held.delete(owner)
    const freed = { ...lease, freed: clock.now() }
    resting.push(freed)
    hold(freed, restingOwner(freed))
  }

  /** Which wanted address is whose pool's; throws for one that is none's. */
  const wantedOf = (wanted: readonly string[]): readonly (string | undefined)[] => {
    const found = podCIDRs.map((cidr) => wanted.find((address) => contains(cidrOf(cidr), addressOf(address))))
    const stranger = wanted.find((address) => !found.includes(address))
    if (stranger !== undefined)
      throw new OutOfRange(`${stranger} is none of the addresses of this node's pods (${podCIDRs.join(', ')})`)
    return found
  }

  const take = (owner: string, wanted: readonly (string | undefined)[]): readonly string[] => {
    try {
      return pools.map((pool, at) => pool.assign(owner, wanted[at]))
    } catch (error) {
      for (const pool of pools) pool.release(owner)
      throw error
    }
  }

  /** Whoever asks for one address asks now: it rests no longer. */
  const wakeWanted = (wanted: readonly (string | undefined)[]): void => {
    for (const lease of resting) if (lease.addresses.some((address) => wanted.includes(address))) wake(lease)
  }

  const takeNew = (owner: string, claim: Claim): readonly string[] => {
    const wanted = wantedOf(claim.wanted ?? [])
    wakeRested()
    wakeWanted(wanted)
    for (;;) {
      try {
        return take(owner, wanted)
      } catch (error) {
        // Better one that has hardly rested than none.
        if (!isExhausted(error) || resting.length === 0) throw error
        wake(resting[0])
      }
    }
  }

  return {
    assign: async (owner, claim = {}) => {
      const known = held.get(owner)
      const addresses = known?.addresses ?? takeNew(owner, claim)
      const { note } = claim
      if (!known || (note !== undefined && note !== known.note)) {
        changes++
        held.set(owner, {
          owner,
          addresses,
          since: known?.since ?? clock.now(),
          ...(note === undefined ? {} : { note }),
        })
      }
      // A repeated question may come while the first is not written yet.
      await save()
      return addresses
    },
    release: async (owner) => {
      letGo(owner)
      await save()
    },
    retain: async (isKept) => {
      for (const owner of [...held.keys()].filter((each) => !isKept(each))) letGo(owner)
      await save()
    },
    list: () => [...held.values()].sort(bySince),
  }
}
