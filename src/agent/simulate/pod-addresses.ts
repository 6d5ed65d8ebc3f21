/** The addresses of simulated pods: out of their node's podCIDRs, as many nodes as there are. Nothing is kept on a disk: the API remembers. */
import { addressAt } from '../../ip/cidr.ts'
import { createAddressPool, isOutOfRange, isTaken, type Pool } from '../../ipam/pool.ts'

/** A pod and what the API says that it has. */
export interface AddressOwner {
  readonly uid: string
  readonly addresses: readonly string[]
}

export interface NodePods {
  readonly node: string
  readonly podCIDRs: readonly string[]
  /** All pods of the node that have not ended; asked for once for each range. */
  readonly known: () => readonly AddressOwner[]
}

export interface SimulatedAddresses {
  /** One of each range; the same again for the same pod. Throws `PoolExhausted`. */
  assign(pods: NodePods, uid: string): readonly string[]
  release(node: string, uid: string): void
}

/** Somebody else has it, or it is of another range: the pod that runs with it is left alone. */
const claim = (pool: Pool<string>, { uid, addresses }: AddressOwner): void => {
  for (const address of addresses)
    try {
      pool.assign(uid, address)
    } catch (error) {
      if (!isTaken(error) && !isOutOfRange(error)) throw error
    }
}

/** The first address is the gateway's, as on other nodes. */
const openPool = (cidr: string, known: readonly AddressOwner[]): Pool<string> => {
  const pool = createAddressPool({ cidr, reserved: [addressAt(cidr, 1)] })
  for (const owner of known) claim(pool, owner)
  return pool
}

export const createSimulatedAddresses = (): SimulatedAddresses => {
  const nodes = new Map<string, { readonly ranges: string; readonly pools: readonly Pool<string>[] }>()

  /** A Node that was made anew may have other ranges. */
  const poolsOf = ({ node, podCIDRs, known }: NodePods): readonly Pool<string>[] => {
    const ranges = podCIDRs.join()
    const found = nodes.get(node)
    if (found?.ranges === ranges) return found.pools
    const owners = known()
    const pools = podCIDRs.map((cidr) => openPool(cidr, owners))
    nodes.set(node, { ranges, pools })
    return pools
  }

  return {
    assign: (pods, uid) => poolsOf(pods).map((pool) => pool.assign(uid)),
    release: (node, uid) => {
      for (const pool of nodes.get(node)?.pools ?? []) pool.release(uid)
    },
  }
}
