/** The addresses that Services of type LoadBalancer and Gateways have out of one pool: none is given out twice. */
import type { Informer } from '../../api/informer.ts'
import { objectKey } from '../../api/resources.ts'
import type { Gateway, GatewayClass, Service } from '../../api/types/index.ts'
import { createAddressPool, isOutOfRange, isTaken, type Pool } from '../../ipam/pool.ts'
import { ownGateways } from '../../proxy/ingress/gateway/resolve.ts'

/** Owners are `Service namespace/name`, or `Gateway namespace/name` with, from the second on, ` #2` and so on. */
export interface LoadBalancerAddresses extends Pool<string> {
  /** Called when an address has become free. */
  onRelease(listener: () => void): void
}

export const serviceOwner = (key: string): string => `Service ${key}`

const nth = (key: string, at: number): string => (at === 0 ? `Gateway ${key}` : `Gateway ${key} #${at + 1}`)

/** Whose they may be, by the Gateway's `namespace/name`; undefined: no Gateway's. */
export const gatewayKeyOf = (owner: string): string | undefined => /^Gateway ([^ ]+)/.exec(owner)?.[1]

/** The first that holds nothing. */
export const freeGatewayOwner = (pool: Pool<string>, key: string): string => {
  for (let at = 0; ; at++) if (pool.held(nth(key, at)) === undefined) return nth(key, at)
}

/** A Service that names a class is for the controller of that class. */
export const isOurs = ({ spec, metadata }: Service): boolean =>
  spec.type === 'LoadBalancer' && spec.loadBalancerClass === undefined && metadata.deletionTimestamp === undefined

export const createLoadBalancerAddresses = (cidr: string): LoadBalancerAddresses => {
  const pool = createAddressPool({ cidr })
  const listeners: (() => void)[] = []
  return {
    ...pool,
    release: (owner) => {
      if (pool.held(owner) === undefined) return
      pool.release(owner)
      for (const listener of listeners) listener()
    },
    onRelease: (listener) => void listeners.push(listener),
  }
}

const adopt = (pool: Pool<string>, owner: string, address: string): void => {
  try {
    pool.assign(owner, address)
  } catch (error) {
    // Of another pool, of a node, or somebody else's: it gets another one.
    if (!isTaken(error) && !isOutOfRange(error)) throw error
  }
}

const givenTo = ({ status }: Gateway): readonly string[] =>
  (status?.addresses ?? []).flatMap(({ value }) => value ?? [])

/** Copies that have been listed. */
export interface AddressHolders {
  readonly services: Informer<Service>
  readonly classes: Informer<GatewayClass>
  readonly gateways: Informer<Gateway>
}

/** What was given before, as statuses say, is known before anything new is given. */
export const adoptAddresses = (pool: LoadBalancerAddresses, { services, classes, gateways }: AddressHolders): void => {
  for (const [key, service] of services.entries()) {
    const given = service.status?.loadBalancer?.ingress?.[0]?.ip
    if (given !== undefined && isOurs(service)) adopt(pool, serviceOwner(key), given)
  }
  const ours = ownGateways({
    classes: [...classes.values()],
    gateways: [...gateways.values()],
  })
  for (const gateway of ours)
    for (const address of givenTo(gateway)) adopt(pool, freeGatewayOwner(pool, objectKey(gateway)), address)
}
