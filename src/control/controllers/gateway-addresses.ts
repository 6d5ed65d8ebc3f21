/** Which addresses Gateways get out of the cluster's pool. */
import { objectKey } from '../../api/resources.ts'
import type { Gateway } from '../../api/types/index.ts'
import { isExhausted, isOutOfRange, isTaken } from '../../ipam/pool.ts'
import type { Problem } from '../../proxy/ingress/gateway/model.ts'
import { type Place, type PlaceOf, wishesOf } from '../../proxy/ingress/gateway/places.ts'
import { freeGatewayOwner, gatewayKeyOf, type LoadBalancerAddresses } from './load-balancer-addresses.ts'

/** What a Gateway holds, by owner. */
type Held = ReadonlyMap<string, string>

const heldBy = (pool: LoadBalancerAddresses): ReadonlyMap<string, Held> => {
  const found = new Map<string, Map<string, string>>()
  for (const [owner, address] of pool.entries()) {
    const key = gatewayKeyOf(owner)
    if (key !== undefined) found.set(key, (found.get(key) ?? new Map()).set(owner, address))
  }
  return found
}

const namedBy = (gateway: Gateway): readonly string[] => wishesOf(gateway).flatMap((wish) => wish ?? [])

/** How many addresses it wants of those that it does not name. */
const unnamedBy = (gateway: Gateway): number => wishesOf(gateway).filter((wish) => wish === undefined).length

/** Who asks for fewer, or for others, gives back what it holds beyond that. */
const superfluous = (gateway: Gateway | undefined, held: Held): readonly string[] => {
  const named = gateway ? namedBy(gateway) : []
  const unnamed = [...held].filter(([, address]) => !named.includes(address)).map(([owner]) => owner)
  return unnamed.slice(gateway ? unnamedBy(gateway) : 0)
}

/** The address, or why it cannot be had. */
const take = (pool: LoadBalancerAddresses, key: string, wanted: string | undefined): string | Problem => {
  try {
    return pool.assign(freeGatewayOwner(pool, key), wanted)
  } catch (error) {
    if (isExhausted(error)) return { reason: 'AddressNotAssigned', message: error.message }
    if (isTaken(error) || isOutOfRange(error)) return { reason: 'AddressNotUsable', message: error.message }
    throw error
  }
}

const isProblem = (found: string | Problem): found is Problem => typeof found !== 'string'

/** Gives every Gateway what it asks for as far as it can be had, and keeps what was given; the oldest comes first. */
export const settleAddresses = (pool: LoadBalancerAddresses, gateways: readonly Gateway[]): PlaceOf => {
  const byKey = new Map(gateways.map((gateway) => [objectKey(gateway), gateway]))
  for (const [key, held] of heldBy(pool)) for (const owner of superfluous(byKey.get(key), held)) pool.release(owner)
  const kept = heldBy(pool)
  const keptBy = (gateway: Gateway): readonly string[] => [...(kept.get(objectKey(gateway)) ?? new Map()).values()]

  /** Who names an address comes before those who take any. */
  const named = new Map(
    gateways.map((gateway) => {
      const missing = namedBy(gateway).filter((address) => !keptBy(gateway).includes(address))
      return [gateway, missing.map((address) => take(pool, objectKey(gateway), address))]
    }),
  )
  const places = new Map<string, Place>()
  for (const gateway of gateways) {
    const key = objectKey(gateway)
    const before = keptBy(gateway)
    const any = before.filter((address) => !namedBy(gateway).includes(address)).length
    const more = Array.from({ length: unnamedBy(gateway) - any }, () => take(pool, key, undefined))
    const found = [...(named.get(gateway) ?? []), ...more]
    const [problem] = found.filter(isProblem)
    const addresses = [...before, ...found.filter((each) => typeof each === 'string')]
    places.set(key, { kind: 'own', addresses, ...(problem ? { problem } : {}) })
  }
  return (gateway) => places.get(objectKey(gateway)) ?? { kind: 'own', addresses: [] }
}
