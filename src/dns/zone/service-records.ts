/** The records of one Service: Kubernetes' DNS-Based Service Discovery, version 1.1.0. Pure. */

import type { Endpoint, EndpointPort, EndpointSlice, Service } from '../../api/types/index.ts'
import { addressOf, parseAddress } from '../../ip/address.ts'
import { parseLabel, parseName, reverseName } from '../wire/name.ts'
import { addressRecord, cnameRecord, ptrRecord, srvRecord, uniqueRecords, type ZoneRecord } from './records.ts'

/** CoreDNS' numbers: all alike. */
const priority = 0
const fullWeight = 100

const serviceName = ({ metadata }: Service, zone: string): string =>
  `${metadata.name}.${metadata.namespace}.svc.${zone}`

/** Told of what has no name, and why. */
export type LeftOut = (what: string) => void

const protocols: readonly unknown[] = ['TCP', 'UDP', 'SCTP']

interface NamedPort {
  /** `_http._tcp` */
  readonly label: string
  readonly port: number
}

/** Ports with names. Servers of another make may let anything through: what SRV cannot say is left out. */
const namedPorts = (
  ports: readonly Pick<EndpointPort, 'name' | 'protocol' | 'port'>[],
  leftOut: LeftOut,
): readonly NamedPort[] =>
  ports.flatMap(({ name, protocol = 'TCP', port }) => {
    if (!name || !port) return []
    const label = parseLabel(name)
    if (label !== undefined && protocols.includes(protocol) && Number.isInteger(port) && port > 0 && port < 65_536)
      return [{ label: `_${label}._${protocol.toLowerCase()}`, port }]
    leftOut(`port ${JSON.stringify({ name, protocol, port }).slice(0, 200)}`)
    return []
  })

/** A name below the Service's; undefined when that would be too long for DNS. */
const below = (label: string, owner: string, leftOut: LeftOut): string | undefined => {
  const name = parseName(`${label}.${owner}`)
  if (name === undefined) leftOut(`${label}: the name would be too long for DNS`)
  return name
}

const clusterIPs = ({ spec }: Service): readonly string[] => {
  const all = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []
  return all.filter((address) => parseAddress(address) !== undefined)
}

/** With a virtual address: the same whatever its endpoints are. */
const virtualRecords = (service: Service, owner: string, leftOut: LeftOut): readonly ZoneRecord[] => {
  const addresses = clusterIPs(service)
  return [
    ...addresses.map((address) => addressRecord(owner, address)),
    ...namedPorts(service.spec.ports ?? [], leftOut).flatMap(({ label, port }) => {
      const name = below(label, owner, leftOut)
      return name === undefined ? [] : [srvRecord(name, { priority, weight: fullWeight, port, target: owner })]
    }),
    ...addresses.map((address) => ptrRecord(reverseName(addressOf(address)), owner)),
  ]
}

/** An address as a label: one that would end in a dash gets a 0. */
export const dashedAddress = (address: string): string => {
  const dashed = address.replaceAll(/[.:]/g, '-')
  return dashed.endsWith('-') ? `${dashed}0` : dashed
}

/** Its host name where it has one that is a label, or its address with dashes. */
export const endpointLabel = ({ hostname, addresses }: Endpoint): string =>
  parseLabel(hostname) ?? dashedAddress(addresses[0] ?? '')

interface NamedEndpoint {
  readonly name: string
  readonly addresses: readonly string[]
  readonly ports: readonly NamedPort[]
}

/** Servers of another make may let anything through. */
export const isAddress = (address: string): boolean => parseAddress(address) !== undefined

const readyEndpoints = (slices: readonly EndpointSlice[], owner: string, leftOut: LeftOut): readonly NamedEndpoint[] =>
  slices.flatMap((slice) => {
    if (slice.addressType === 'FQDN') return []
    const ports = namedPorts(slice.ports ?? [], leftOut)
    return slice.endpoints
      .filter(({ conditions }) => conditions?.ready ?? true)
      .flatMap(({ hostname, addresses: written }) => {
        const addresses = written.filter(isAddress)
        if (addresses.length < written.length) leftOut(`address ${JSON.stringify(written).slice(0, 200)}`)
        if (hostname && parseLabel(hostname) === undefined)
          leftOut(`hostname ${JSON.stringify(hostname).slice(0, 200)}`)
        const name = addresses.length > 0 ? below(endpointLabel({ hostname, addresses }), owner, leftOut) : undefined
        return name === undefined ? [] : [{ name, addresses, ports }]
      })
  })

/** Without a virtual address: the ready endpoints, each under a name of its own, too. */
const headlessRecords = (slices: readonly EndpointSlice[], owner: string, leftOut: LeftOut): readonly ZoneRecord[] => {
  const all = readyEndpoints(slices, owner, leftOut)
  const named = all.flatMap(({ name: target, ports }) => ports.map(({ label, port }) => ({ target, label, port })))
  const perPort = Map.groupBy(named, ({ label }) => label)
  const srv = [...perPort].flatMap(([label, targets]) => {
    const name = below(label, owner, leftOut)
    const weight = Math.max(1, Math.floor(fullWeight / targets.length))
    return name === undefined
      ? []
      : targets.map(({ target, port }) => srvRecord(name, { priority, weight, port, target }))
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

const externalRecords = ({ spec }: Service, owner: string, leftOut: LeftOut): readonly ZoneRecord[] => {
  const target = spec.externalName
  if (target !== undefined && parseName(target) !== undefined) return [cnameRecord(owner, target)]
  leftOut(`externalName ${JSON.stringify(target ?? '').slice(0, 200)}`)
  return []
}

/** All records of a Service. What cannot be a name or an address is left out, and told; never throws for it. */
export const recordsOf = (
  service: Service,
  slices: readonly EndpointSlice[],
  zone: string,
  leftOut: LeftOut = () => {},
): readonly ZoneRecord[] => {
  const owner = parseName(serviceName(service, zone))
  if (owner === undefined) {
    leftOut(`the name ${JSON.stringify(serviceName(service, zone)).slice(0, 200)}`)
    return []
  }
  if (service.spec.type === 'ExternalName') return externalRecords(service, owner, leftOut)
  return service.spec.clusterIP === 'None'
    ? headlessRecords(slices, owner, leftOut)
    : virtualRecords(service, owner, leftOut)
}
