/**
 * What a Service has that no other may: its cluster addresses, each an IPAddress, and its ports of the nodes. They are written in the
 * same transaction, so that of servers that choose the same at the same time one wins.
 */
import type { KubeObject, Service } from '../../api/types/index.ts'
import type { Writing } from '../objects/admission.ts'
import { type Birth, prepareCreate } from '../objects/prepare.ts'
import { bucketOf } from '../resources/definition.ts'
import { isManagedAddress, serviceAddress, serviceOfAddress } from '../resources/networking/service-address.ts'
import { ipAddress } from '../resources/networking/service-cidr.ts'
import type { StoreKey } from '../storage/backend.ts'
import type { Store, Write } from '../storage/store.ts'

/** No kind of the API: only that it is there counts. */
const portBucket = '~nodeports'
const addressBucket = bucketOf(ipAddress)

export interface Claims {
  readonly addresses: readonly string[]
  readonly ports: readonly number[]
}

const portKey = (port: number): StoreKey => ({ bucket: portBucket, name: String(port) })
const addressKey = (address: string): StoreKey => ({ bucket: addressBucket, name: address })

const portMark = (port: number, owner: string): KubeObject => ({
  ...{ apiVersion: 'podway.dev/v1', kind: 'NodePortClaim' },
  metadata: { name: String(port), annotations: { owner } },
})

/** Whether somebody else's IPAddress stands where this Service's would. */
export const isForeignAddress = (store: Store, address: string, owner: string): boolean => {
  const found = store.get(addressKey(address))?.object
  return found !== undefined && serviceOfAddress(found) !== owner
}

const ownerOfPort = (store: Store, port: number): string | undefined =>
  store.get(portKey(port))?.object.metadata.annotations?.['owner']

/** Whether another Service has this port of the nodes. */
export const isForeignPort = (store: Store, port: number, owner: string): boolean =>
  ![undefined, owner].includes(ownerOfPort(store, port))

/** The Services that have any of these, by their keys. */
export const ownersOf = (store: Store, { addresses, ports }: Claims): ReadonlySet<string> => {
  const ofAddresses = addresses.map((address) => store.get(addressKey(address))?.object)
  return new Set([
    ...ofAddresses.flatMap((found) => (found && serviceOfAddress(found)) ?? []),
    ...ports.flatMap((port) => ownerOfPort(store, port) ?? []),
  ])
}

const addressWrites = (
  store: Store,
  { added, removed }: Changed<string>,
  service: Service,
  owner: string,
  birth: () => Birth,
): readonly Write[] => [
  ...added.flatMap((address) => {
    const key = addressKey(address)
    if (store.get(key) && !isForeignAddress(store, address, owner)) return []
    const draft = { apiVersion: '', kind: '', ...serviceAddress(address, service) }
    return [{ key, expected: 0, object: prepareCreate(ipAddress, undefined, draft, birth()) }]
  }),
  ...removed.flatMap((address) => {
    const found = store.get(addressKey(address))
    const isOurs = found && isManagedAddress(found.object) && serviceOfAddress(found.object) === owner
    return isOurs ? [{ key: found.key, expected: found.revision }] : []
  }),
]

const portWrites = (store: Store, { added, removed }: Changed<number>, owner: string): readonly Write[] => {
  const ownerOf = (port: number) => ownerOfPort(store, port)
  return [
    ...added
      .filter((port) => ownerOf(port) !== owner)
      .map((port) => ({ key: portKey(port), expected: 0, object: portMark(port, owner) })),
    ...removed.flatMap((port) => {
      const found = store.get(portKey(port))
      return found && ownerOf(port) === owner ? [{ key: found.key, expected: found.revision }] : []
    }),
  ]
}

interface Changed<T> {
  readonly added: readonly T[]
  readonly removed: readonly T[]
}

const changed = <T>(before: readonly T[], after: readonly T[]): Changed<T> => ({
  added: [...new Set(after)],
  removed: [...new Set(before)].filter((each) => !after.includes(each)),
})

/** What is written beside a Service; what it has already is not written again. */
export const claimWrites = (
  store: Store,
  claimsOf: (service: Service) => Claims,
  { object, old }: Writing,
  owner: string,
  birth: () => Birth,
): readonly Write[] => {
  const none: Claims = { addresses: [], ports: [] }
  const before = old ? claimsOf(old as Service) : none
  const after = object ? claimsOf(object as Service) : none
  const service = (object ?? old) as Service
  return [
    ...addressWrites(store, changed(before.addresses, after.addresses), service, owner, birth),
    ...portWrites(store, changed(before.ports, after.ports), owner),
  ]
}
