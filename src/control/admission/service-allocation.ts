/** Gives Services their cluster addresses and node ports, each to one Service only. What is held is what the store says. */

import { type FieldError, internalError, invalid, invalidValue } from '../../api/errors.ts'
import { objectKey } from '../../api/resources.ts'
import type { KubeObject, Service, ServiceCIDR, ServiceSpec } from '../../api/types/index.ts'
import { type IpFamily, parseAddress } from '../../ip/address.ts'
import { cidrOf, contains, parseCidr } from '../../ip/cidr.ts'
import {
  createAddressPool,
  createPortPool,
  isExhausted,
  isOutOfRange,
  isTaken,
  type Pool,
  staticAddressBand,
  staticPortBand,
} from '../../ipam/pool.ts'
import type { Admission } from '../objects/admission.ts'
import {
  isHeadless,
  needsClusterIP,
  needsHealthCheckPort,
  needsNodePort,
  service as services,
} from '../resources/core/service.ts'
import { bucketOf } from '../resources/definition.ts'
import { serviceCIDR } from '../resources/networking/service-cidr.ts'
import type { Store } from '../storage/store.ts'
import { chooseFamilies, wantedAddresses } from './ip-families.ts'
import { claimWrites, isForeignAddress, isForeignPort, ownersOf } from './service-claims.ts'

export interface AllocationRanges {
  /** One for each IP family, that of most Services first. */
  readonly serviceCIDRs: readonly string[]
  readonly nodePorts: { readonly from: number; readonly to: number }
}

const addressesOf = ({ spec }: Service): readonly string[] =>
  needsClusterIP(spec) && !isHeadless(spec) ? (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])) : []

/** One port of the nodes that a Service has or shall have. */
interface WantedPort {
  /** Among the Service's own. */
  readonly name: string
  readonly field: string
  /** Missing: any. */
  readonly port: number | undefined
}

const wantedPorts = (spec: ServiceSpec): readonly WantedPort[] => [
  ...(needsNodePort(spec) ? (spec.ports ?? []) : []).map(({ port, protocol = 'TCP', nodePort }, at) => ({
    name: `${port}/${protocol}`,
    field: `spec.ports[${at}].nodePort`,
    port: nodePort,
  })),
  ...(needsHealthCheckPort(spec)
    ? [{ name: 'health', field: 'spec.healthCheckNodePort', port: spec.healthCheckNodePort }]
    : []),
]

const portsOf = ({ spec }: Service): readonly number[] => wantedPorts(spec).flatMap(({ port }) => port || [])

/** A Service may hold several node ports, so it is a different owner for each of them. */
const portOwner = (key: string, { name }: WantedPort): string => `${key}#${name}`

/** A range of cluster addresses, and who has which. */
interface Range {
  readonly cidr: string
  readonly family: IpFamily
  readonly pool: Pool<string>
}

const holds = ({ cidr }: Range, wanted: string): boolean => {
  const address = parseAddress(wanted)
  return address !== undefined && contains(cidrOf(cidr), address)
}

export const serviceAllocation = (store: Store, { serviceCIDRs, nodePorts }: AllocationRanges): Admission => {
  const bucket = bucketOf(services)
  const rangeOf = (cidr: string): Range => ({
    ...{ cidr, family: cidrOf(cidr).family },
    pool: createAddressPool({ cidr, staticBand: staticAddressBand(cidr) }),
  })
  /** Those that the cluster started with, then those of ServiceCIDRs, by name. */
  const own = serviceCIDRs.map(rangeOf)
  const added = new Map<string, readonly Range[]>()
  const rangesOf = (family: IpFamily): readonly Range[] =>
    [...own, ...[...added].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, ranges]) => ranges)].filter(
      (range) => range.family === family,
    )
  const allRanges = (): readonly Range[] => [...own, ...[...added.values()].flat()]
  const available = own.map(({ family }) => family)
  const ports = createPortPool({ ...nodePorts, staticBand: staticPortBand(nodePorts) })

  const heldPorts = (key: string) => [...ports.entries()].filter(([owner]) => owner.startsWith(`${key}#`))

  /** Brings what a Service holds in line with what it is: after a write, a failed write, or its end. */
  const settle = (key: string, service: Service | undefined): void => {
    for (const { pool } of allRanges()) {
      const address = pool.held(key)
      if (address !== undefined && !(service && addressesOf(service).includes(address))) pool.release(key)
    }
    const kept = service ? portsOf(service) : []
    for (const [owner, port] of heldPorts(key)) if (!kept.includes(port)) ports.release(owner)
    if (!service) return
    // Two Services cannot come to hold the same by way of admission; a store that says so is not made worse here.
    for (const wanted of addressesOf(service)) {
      const family = parseAddress(wanted)?.family
      if (family) for (const { pool } of rangesOf(family)) claim(() => pool.assign(key, wanted))
    }
    for (const wanted of wantedPorts(service.spec)) {
      const { port } = wanted
      if (port && !holdsPort(key, port)) claim(() => ports.assign(portOwner(key, wanted), port))
    }
  }

  const claim = (take: () => unknown): void => {
    try {
      take()
    } catch (error) {
      if (!isTaken(error) && !isOutOfRange(error)) throw error
    }
  }

  const holdsPort = (key: string, port: number): boolean => heldPorts(key).some(([, held]) => held === port)

  const allServices = (): readonly { readonly name: string; readonly service: Service }[] =>
    store.list(bucket).entries.map(({ key, object }) => ({ name: key.name, service: object as Service }))

  /** A range that is being deleted gives nothing out any more; what it gave stays with who has it. */
  const setRange = (name: string, object: ServiceCIDR | undefined): void => {
    const cidrs = object && !object.metadata.deletionTimestamp ? (object.spec?.cidrs ?? []) : []
    const news = cidrs.filter((cidr) => parseCidr(cidr) && !serviceCIDRs.includes(cidr))
    if (news.length === 0) return void added.delete(name)
    if (
      added
        .get(name)
        ?.map(({ cidr }) => cidr)
        .join() === news.join()
    )
      return
    added.set(name, news.map(rangeOf))
    for (const each of allServices()) settle(each.name, each.service)
  }
  const rangeBucket = bucketOf(serviceCIDR)
  const foundRanges = store.list(rangeBucket)
  for (const { key, object } of foundRanges.entries) setRange(key.name, object as ServiceCIDR)
  store.watch(rangeBucket, foundRanges.revision, ({ key, object, removed }) =>
    setRange(key.name, removed ? undefined : (object as ServiceCIDR)),
  )

  const { revision, entries } = store.list(bucket)
  for (const { key, object } of entries) settle(key.name, object as Service)
  store.watch(bucket, revision, ({ key, object, removed }) =>
    settle(key.name, removed ? undefined : (object as Service)),
  )

  const refused = (service: Service, error: FieldError) => invalid(services, service.metadata.name, [error])

  const takeAddress = (key: string, service: Service, family: IpFamily, wanted: string | undefined): string => {
    const ranges = rangesOf(family)
    const known = ranges.map(({ cidr }) => cidr).join(', ')
    if (ranges.length === 0) throw internalError(`this cluster has no addresses of family ${family}`)
    const problem = (why: string) =>
      refused(service, invalidValue('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: ${why}`))
    const kept = ranges.map(({ pool }) => pool.held(key)).find((address) => address !== undefined)
    if (kept !== undefined && (wanted === undefined || wanted === kept)) return kept
    if (wanted !== undefined && isForeignAddress(store, wanted, key)) throw problem('provided IP is already allocated')
    for (const { pool } of wanted === undefined ? ranges : ranges.filter((range) => holds(range, wanted)))
      try {
        return pool.assign(key, wanted)
      } catch (error) {
        if (isTaken(error)) throw problem('provided IP is already allocated')
        // A full range leaves it to the next one.
        if (!isExhausted(error) && !isOutOfRange(error)) throw error
      }
    throw wanted === undefined
      ? internalError(`failed to allocate a serviceIP: range is full (${known})`)
      : problem(`the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${known}`)
  }

  /** IP families and cluster addresses. Headless Services have families, but no addresses. */
  const addressFields = (key: string, service: Service): Partial<ServiceSpec> => {
    const { spec } = service
    if (!needsClusterIP(spec)) return {}
    const { families, policy, errors } = chooseFamilies(spec, available)
    if (errors.length > 0) throw invalid(services, service.metadata.name, errors)
    const fields = { ipFamilies: families, ipFamilyPolicy: policy }
    if (isHeadless(spec)) return { ...fields, clusterIPs: ['None'] }
    const wanted = wantedAddresses(spec)
    const clusterIPs = families.map((family, at) => takeAddress(key, service, family, wanted[at]))
    return { ...fields, clusterIP: clusterIPs[0], clusterIPs }
  }

  const takePort = (key: string, service: Service, wanted: WantedPort): number => {
    const { field, port } = wanted
    // The same number for TCP and UDP is held once.
    if (port && holdsPort(key, port)) return port
    const owner = portOwner(key, wanted)
    const taken = () => refused(service, invalidValue(field, port, 'provided port is already allocated'))
    if (port && isForeignPort(store, port, key)) throw taken()
    try {
      if (port && ports.held(owner) !== port) ports.release(owner)
      return ports.assign(owner, port || undefined)
    } catch (error) {
      if (isTaken(error)) throw taken()
      if (isOutOfRange(error))
        throw refused(
          service,
          invalidValue(
            field,
            port,
            `provided port is not in the valid range. The range of valid ports is ${nodePorts.from}-${nodePorts.to}`,
          ),
        )
      if (isExhausted(error))
        throw internalError(`failed to allocate a nodePort: range is full (${nodePorts.from}-${nodePorts.to})`)
      throw error
    }
  }

  const allocate = (service: Service): Service => {
    const key = objectKey(service)
    const { spec } = service
    const addresses = addressFields(key, service)
    const taken = new Map(wantedPorts(spec).map((wanted) => [wanted.name, takePort(key, service, wanted)]))
    const healthCheckNodePort = taken.get('health')
    const portsWithNumbers = spec.ports?.map((port) => {
      const nodePort = taken.get(`${port.port}/${port.protocol ?? 'TCP'}`)
      return nodePort === undefined ? port : { ...port, nodePort }
    })
    return {
      ...service,
      spec: {
        ...spec,
        ...addresses,
        ...(portsWithNumbers === undefined ? {} : { ports: portsWithNumbers }),
        ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
      },
    }
  }

  return {
    name: 'ServiceAllocation',
    admit: ({ definition, object }) => (definition === services ? allocate(object as Service) : object),
    beside: (writing, birth) => {
      const service = writing.object ?? writing.old
      if (writing.definition !== services || !service) return []
      const claimsOf = (each: Service) => ({ addresses: addressesOf(each), ports: portsOf(each) })
      return claimWrites(store, claimsOf, writing, objectKey(service), birth)
    },
    revoke: ({ definition, object }) => {
      if (definition !== services) return
      const key = objectKey(object)
      const addresses = allRanges().flatMap(({ pool }) => pool.held(key) ?? [])
      const ports = heldPorts(key).map(([, port]) => port)
      const kept = (name: string) => store.get({ bucket, name })?.object as (KubeObject & Service) | undefined
      settle(key, kept(key))
      // Another server was faster with one of them: whose it is could not be noted while it was held here.
      for (const owner of ownersOf(store, { addresses, ports })) if (owner !== key) settle(owner, kept(owner))
    },
  }
}
