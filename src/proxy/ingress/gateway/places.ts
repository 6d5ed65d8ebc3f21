/** Where Gateways are served: at addresses that are theirs alone, or at the nodes' together with all others. */
import type { Gateway } from '../../../api/types/index.ts'
import { canonicalAddress } from '../../../ip/address.ts'
import type { Problem } from './model.ts'

export type Place =
  | { readonly kind: 'own'; readonly addresses: readonly string[]; readonly problem?: Problem }
  /** `only`: the addresses that the Gateway names; undefined: all. */
  | { readonly kind: 'shared'; readonly only: readonly string[] | undefined; readonly problem?: Problem }

export type PlaceOf = (gateway: Gateway) => Place

const isAddress = ({ type = 'IPAddress' }: { readonly type?: string }): boolean => type === 'IPAddress'

/** The addresses that a Gateway asks for, each once; undefined is any. Those of other types are not listed. */
export const wishesOf = ({ spec }: Gateway): readonly (string | undefined)[] => {
  if (!spec?.addresses?.length) return [undefined]
  const wishes = spec.addresses
    .filter(isAddress)
    .map(({ value }) => (value ? (canonicalAddress(value) ?? value) : undefined))
  return wishes.filter((wish, at) => wish === undefined || wishes.indexOf(wish) === at)
}

/** The place of a Gateway in a cluster without a pool. */
export const sharedPlace: PlaceOf = (gateway) => {
  const wishes = wishesOf(gateway)
  const named = wishes.flatMap((each) => each ?? [])
  return { kind: 'shared', only: named.length === wishes.length ? named : undefined }
}

/** As the control plane has given them out. What `isOfPool` does not know is nobody's to take. */
export const placeInStatus =
  (isOfPool: (address: string) => boolean): PlaceOf =>
  ({ status }) => ({
    kind: 'own',
    addresses: (status?.addresses ?? []).flatMap((each) =>
      isAddress(each) && each.value !== undefined && isOfPool(each.value) ? [each.value] : [],
    ),
  })

/** Undefined: all that the nodes have. */
const addressesAt = (place: Place): readonly string[] | undefined =>
  place.kind === 'own' ? place.addresses : place.only

/** Whether two Gateways are served at one address. */
export const meet = (a: Place, b: Place): boolean => {
  if (a.kind !== b.kind) return false
  const [ours, theirs] = [addressesAt(a), addressesAt(b)]
  return ours === undefined || theirs === undefined || ours.some((address) => theirs.includes(address))
}
