/** Which API servers there are: each keeps a Lease of its own. Pure. */

import type { Lease } from '../../api/types/index.ts'
import { remainingMs, type Sighting, sight } from '../../controller/lease-record.ts'
import { isAddress } from '../../ip/address.ts'
import type { ServerPlace } from '../bootstrap/bootstrap.ts'

/** Marks the Leases of API servers, in kube-system. */
export const serverLabel = 'podway.dev/api-server'
/** `ADDRESS PORT` */
export const placeAnnotation = 'podway.dev/api-address'

export const isServerLease = ({ metadata }: Lease): boolean =>
  metadata.namespace === 'kube-system' && metadata.labels?.[serverLabel] !== undefined

export const placeText = ({ address, port }: ServerPlace): string => `${address} ${port}`

/** Undefined for a Lease that says nothing of use. */
export const readPlace = ({ metadata }: Lease): ServerPlace | undefined => {
  const [address = '', text = '', ...more] = (metadata.annotations?.[placeAnnotation] ?? '').split(' ')
  const port = Number(text)
  return isAddress(address) && /^\d{1,5}$/.test(text) && port > 0 && port < 65_536 && more.length === 0
    ? { address, port }
    : undefined
}

/** What is known of the Leases, by name. */
export type Sightings = ReadonlyMap<string, Sighting>

export interface Census {
  readonly sightings: Sightings
  /** Those whose Leases are renewed, in order. */
  readonly alive: readonly ServerPlace[]
  /** Leases that have run out. */
  readonly over: readonly Lease[]
  /** When to look again. */
  readonly nextMs: number
}

const lookMs = 5_000

export const census = (leases: readonly Lease[], before: Sightings, now: number): Census => {
  const seen = leases.map((lease) => {
    const sighting = sight(before.get(lease.metadata.name), lease.spec, now)
    return { lease, sighting, leftMs: remainingMs(sighting, lease.spec, now) }
  })
  const live = seen.filter(({ leftMs }) => leftMs > 0)
  const places = new Map(live.flatMap(({ lease }) => readPlace(lease) ?? []).map((place) => [placeText(place), place]))
  return {
    sightings: new Map(seen.map(({ lease, sighting }) => [lease.metadata.name, sighting])),
    alive: [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place),
    over: seen.filter(({ leftMs }) => leftMs === 0).map(({ lease }) => lease),
    nextMs: Math.min(lookMs, ...live.map(({ leftMs }) => leftMs)),
  }
}
