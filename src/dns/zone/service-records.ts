/** The records of one Service: Kubernetes' DNS-Based Service Discovery, version 1.1.0. Pure. */
import { isIPv6 } from 'node:net'
import type { Endpoint, EndpointPort, EndpointSlice, Service } from '../../api/types/index.ts'
import { addressOf, parseAddress } from '../../ipam/cidr.ts'
import { maxNameBytes, reverseName } from '../wire/name.ts'
import { addressRecord, cnameRecord, ptrRecord, srvRecord, uniqueRecords, type ZoneRecord } from './records.ts'

/** CoreDNS' numbers: all alike. */
const priority = 0
const fullWeight = 100

const serviceName = ({ metadata }: Service, zone: string): string =>
  `${metadata.name}.${metadata.namespace}.svc.${zone}`

const portName = (name: string, protocol: string): string => `_${name}._${protocol.toLowerCase()}`

const clusterIPs = ({ spec }: Service): readonly string[] => {
  const all = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []
  return all.filter((address) => parseAddress(address) !== undefined)
}

/** With a virtual address: the same whatever its endpoints are. */
const virtualRecords = (service: Service, zone: string): readonly ZoneRecord[] => {
  const owner = serviceName(service, zone)
  const addresses = clusterIPs(service)
  const ports = (service.spec.ports ?? []).filter(({ name }) => name)
  return [
    ...addresses.map((address) => addressRecord(owner, address)),
    ...ports.map(({ name = '', protocol = 'TCP', port }) =>
      srvRecord(`${portName(name, protocol)}.${owner}`, { priority, weight: fullWeight, port, target: owner }),
    ),
    ...addresses.map((address) => ptrRecord(reverseName(addressOf(address)), owner)),
  ]
}

/** An address as a label: one that would end in a dash gets a 0. */
export const dashedAddress = (address: string): string => {
  const dashed = address.replaceAll(/[.:]/g, '-')
  return dashed.endsWith('-') ? `${dashed}0` : dashed
}

/** Its host name, or its address with dashes. */
export const endpointLabel = ({ hostname, addresses }: Endpoint): string =>
  hostname ? hostname.toLowerCase() : dashedAddress(addresses[0] ?? '')

interface NamedEndpoint {
  readonly name: string
  readonly addresses: readonly string[]
  readonly ports: readonly EndpointPort[]
}

const readyEndpoints = (slices: readonly EndpointSlice[], owner: string): readonly NamedEndpoint[] =>
  slices.flatMap(({ endpoints, ports = [], addressType }) =>
    addressType === 'FQDN'
      ? []
      : endpoints
          .filter(({ conditions }) => conditions?.ready ?? true)
          .map((endpoint) => ({
            name: `${endpointLabel(endpoint)}.${owner}`,
            addresses: endpoint.addresses.filter((address) => parseAddress(address) !== undefined),
            ports,
          })),
  )

/** Without a virtual address: the ready endpoints, each under a name of its own, too. */
const headlessRecords = (service: Service, slices: readonly EndpointSlice[], zone: string): readonly ZoneRecord[] => {
  const owner = serviceName(service, zone)
  const all = readyEndpoints(slices, owner)
  const named = all.flatMap(({ name: target, ports }) =>
    ports
      .filter(({ name, port }) => name && port)
      .map(({ name = '', protocol = 'TCP', port = 0 }) => ({ target, name, protocol, port })),
  )
  const perPort = Map.groupBy(named, ({ name, protocol }) => portName(name, protocol))
  const srv = [...perPort].flatMap(([label, targets]) => {
    const weight = Math.max(1, Math.floor(fullWeight / targets.length))
    return targets.map(({ target, port }) => srvRecord(`${label}.${owner}`, { priority, weight, port, target }))
  })
  return uniqueRecords([
    ...all.flatMap(({ addresses }) => addresses.map((address) => addressRecord(owner, address))),
    ...all.flatMap(({ name, addresses }) => addresses.map((address) => addressRecord(name, address))),
    ...srv,
    ...all.flatMap(({ name, addresses }) =>
      addresses.map((address) => ptrRecord(reverseName(addressOf(address)), name)),
    ),
  ])
}

/** All records of a Service; names that are too long for DNS are left out. */
export const recordsOf = (service: Service, slices: readonly EndpointSlice[], zone: string): readonly ZoneRecord[] => {
  const owner = serviceName(service, zone)
  // Nothing may be longer than a name under it: a port's or an endpoint's is at most 63 + 16 bytes more.
  if (owner.length + 2 > maxNameBytes) return []
  if (service.spec.type === 'ExternalName') {
    const target = service.spec.externalName ?? ''
    // An address is not a name; the API does not take it either.
    return target === '' || isIPv6(target) ? [] : [cnameRecord(owner, target)]
  }
  return service.spec.clusterIP === 'None' ? headlessRecords(service, slices, zone) : virtualRecords(service, zone)
}
