/** The cluster as SkyDNS would hold it: every Service under its path, and what users publish. Pure. */

import { objectKey } from '../../api/resources.ts'
import { slicesByService } from '../../api/slices.ts'
import type { EndpointSlice, Service } from '../../api/types/index.ts'
import { isAddress } from '../../ip/address.ts'
import { parseName } from '../wire/name.ts'
import { endpointLabel } from '../zone/service-records.ts'
import { parseSkyRecord, pathOfName, type SkyEntry, type SkyRecord } from './record.ts'

const serviceTtl = 30
const serviceWeight = 10

const recordOf = (host: string): SkyRecord => ({
  ...parseSkyRecord(JSON.stringify({ host })),
  ...{ weight: serviceWeight, ttl: serviceTtl },
})

/** A Service with an address is one record; a headless one has a record for each ready endpoint below it. */
const entriesOf = (service: Service, slices: readonly EndpointSlice[], zone: string): readonly SkyEntry[] => {
  const { metadata, spec } = service
  const name = `${metadata.name}.${metadata.namespace}.svc.${zone}`
  if (spec.type === 'ExternalName')
    return parseName(spec.externalName) === undefined ? [] : [{ name, record: recordOf(spec.externalName ?? '') }]
  if (spec.clusterIP !== 'None')
    return (spec.clusterIPs ?? [spec.clusterIP ?? ''])
      .slice(0, 1)
      .flatMap((host) => (isAddress(host) ? [{ name, record: recordOf(host) }] : []))
  return slices.flatMap(({ endpoints }) =>
    endpoints
      .filter(({ conditions, addresses }) => (conditions?.ready ?? true) && isAddress(addresses[0] ?? ''))
      .map((endpoint) => ({
        name: `${endpointLabel(endpoint)}.${name}`,
        record: recordOf(endpoint.addresses[0] ?? ''),
      })),
  )
}

/** By path, sorted. */
export const skyView = (
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  published: readonly SkyEntry[],
  zone: string,
): ReadonlyMap<string, SkyRecord> => {
  const byService = slicesByService(slices)
  const own = services.flatMap((service) => entriesOf(service, byService.get(objectKey(service)) ?? [], zone))
  const all = [...own, ...published].map(({ name, record }) => [pathOfName(name), record] as const)
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}
