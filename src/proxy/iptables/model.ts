/** Services cut down to what rules are made of, for one IP family on one node. */

import { objectKey } from '../../api/resources.ts'
import type { EndpointSlice, Service, ServiceSpec } from '../../api/types/index.ts'
import { isPort } from '../../host/netfilter/rule.ts'
import { type IpAddress, type IpFamily, parseAddress } from '../../ip/address.ts'
import { type Cidr, contains, parseMaskedCidr } from '../../ip/cidr.ts'
import type { Balancing } from '../relays.ts'
import {
  addressesOf,
  type EndpointView,
  endpointsOf,
  type ModelContext,
  type ProtocolName,
  protocolOf,
  readFor,
  type Tell,
} from './endpoints.ts'
import { isReserved } from './reserved.ts'

/** `namespace/name:port/protocol`; without `:port` for the port that has no name. */
export type ServicePortKey = string & { readonly __brand: 'ServicePortKey' }

export type TrafficPolicy = 'Cluster' | 'Local'

/** One port of one Service. */
export interface ServicePortView {
  readonly key: ServicePortKey
  readonly protocol: ProtocolName
  readonly port: number
  readonly clusterIP: IpAddress
  readonly nodePort: number | undefined
  readonly externalIPs: readonly IpAddress[]
  readonly loadBalancerIPs: readonly IpAddress[]
  /** Who may connect to the load balancer's addresses; undefined for everybody, empty for nobody of this family. */
  readonly sourceRanges: readonly Cidr[] | undefined
  /** The source ranges hold the node: it may connect from the load balancer's address, too, if it has it. */
  readonly admitsNode: boolean
  /** How long a client stays with its endpoint; undefined for no affinity. */
  readonly affinitySeconds: number | undefined
  readonly balancing: Balancing
  /** Relayed by a process instead of translated by the kernel. */
  readonly relayed: boolean
  readonly internalPolicy: TrafficPolicy
  readonly externalPolicy: TrafficPolicy
  readonly endpoints: readonly EndpointView[]
}

export interface ServiceModel {
  readonly ports: readonly ServicePortView[]
  /** What was left out because it made no sense, for the log. */
  readonly problems: readonly string[]
}

/** Names the proxy that a Service is for; without it, it is for the one without a name. */
const proxyNameLabel = 'service.kubernetes.io/service-proxy-name'

/** Whether others, or nobody, take care of a Service: no rules are made for it. */
export const isSkipped = ({ metadata, spec }: Service, proxyName: string | undefined): boolean => {
  const labels = metadata.labels ?? {}
  return (
    spec.type === 'ExternalName' ||
    !spec.clusterIP ||
    spec.clusterIP === 'None' ||
    'service.kubernetes.io/headless' in labels ||
    labels[proxyNameLabel] !== proxyName ||
    metadata.annotations?.['podway.dev/node-local'] === 'true'
  )
}

/** Where the ranges were before they had a field. */
const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'

const rangesOf = ({ spec, metadata }: Service, family: IpFamily, tell: Tell): readonly Cidr[] | undefined => {
  const { loadBalancerSourceRanges: listed = [] } = spec
  const annotated = (metadata.annotations?.[rangesAnnotation] ?? '').split(',').filter((text) => text.trim() !== '')
  const texts = listed.length > 0 ? listed : annotated
  if (texts.length === 0) return undefined
  return texts.map((text) => readFor(text.trim(), family, parseMaskedCidr, tell)).filter((range) => range !== undefined)
}

/** An address that the load balancer delivers to the node as it is (`ipMode` VIP); others it translates itself. */
const loadBalancerAddresses = ({ spec, status }: Service): readonly string[] => {
  const ingress = spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : []
  return ingress.flatMap(({ ip, ipMode = 'VIP' }) => (ip && ipMode === 'VIP' ? [ip] : []))
}

const defaultAffinitySeconds = 10_800

/** `round-robin` (default), `random`, or `client-ip`, which is what sessionAffinity ClientIP is. */
export const balancingAnnotation = 'podway.dev/load-balancing'

const balancings: ReadonlyMap<string, Balancing | 'client-ip'> = new Map([
  ['roundrobin', 'round-robin'],
  ['random', 'random'],
  ['clientip', 'client-ip'],
])

const wantedBalancing = ({ metadata }: Service, tell: Tell): Balancing | 'client-ip' => {
  const text = metadata.annotations?.[balancingAnnotation]
  const found = balancings.get((text ?? 'round-robin').toLowerCase().replaceAll('-', ''))
  if (!found) tell(`${balancingAnnotation} is "${text}": expected round-robin, random or client-ip`)
  return found ?? 'round-robin'
}

/** `iptables` or `userspace`; what the node does by default when missing. */
export const modeAnnotation = 'podway.dev/proxy-mode'

const isRelayed = ({ metadata }: Service, context: ModelContext, tell: Tell): boolean => {
  const mode = metadata.annotations?.[modeAnnotation]
  if (mode === undefined) return context.relayed
  if (mode !== 'iptables' && mode !== 'userspace')
    tell(`${modeAnnotation} is "${mode}": expected iptables or userspace`)
  return mode === 'userspace'
}

const affinityOf = ({ spec }: Service, wanted: Balancing | 'client-ip', tell: Tell): number | undefined => {
  if (spec.sessionAffinity !== 'ClientIP' && wanted !== 'client-ip') return undefined
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds
  if (Number.isInteger(seconds) && seconds > 0) return seconds
  tell(`an affinity of ${seconds} s makes no sense`)
  return defaultAffinitySeconds
}

const policyOf = (
  spec: ServiceSpec,
  field: 'internalTrafficPolicy' | 'externalTrafficPolicy',
  tell: Tell,
): TrafficPolicy => {
  const policy: string = spec[field] ?? 'Cluster'
  if (policy === 'Cluster' || policy === 'Local') return policy
  tell(`unknown ${field} ${JSON.stringify(policy)}: taking Cluster`)
  return 'Cluster'
}

/** What all ports of a Service share. */
const sharedOf = (service: Service, context: ModelContext, tell: Tell) => {
  const { family, nodeAddress } = context
  const wanted = wantedBalancing(service, tell)
  const sourceRanges = rangesOf(service, family, tell)
  const node = nodeAddress === undefined ? undefined : parseAddress(nodeAddress, family)
  return {
    externalIPs: addressesOf(service.spec.externalIPs ?? [], family, tell),
    loadBalancerIPs: addressesOf(loadBalancerAddresses(service), family, tell),
    sourceRanges,
    admitsNode: node !== undefined && (sourceRanges ?? []).some((range) => contains(range, node)),
    affinitySeconds: affinityOf(service, wanted, tell),
    relayed: isRelayed(service, context, tell),
    balancing: wanted === 'random' ? wanted : ('round-robin' as const),
    internalPolicy: policyOf(service.spec, 'internalTrafficPolicy', tell),
    externalPolicy: policyOf(service.spec, 'externalTrafficPolicy', tell),
  }
}

/** Keys become comments in rules. Kubernetes' names are harmless; anything else must not come through. */
const isHarmless = (key: string): boolean => /^[\w.:/-]{1,200}$/.test(key)

const portsOf = (
  service: Service,
  clusterIP: IpAddress,
  slices: readonly EndpointSlice[],
  context: ModelContext,
  tell: Tell,
): readonly ServicePortView[] => {
  const shared = sharedOf(service, context, tell)
  const hasNodePorts = service.spec.type === 'NodePort' || service.spec.type === 'LoadBalancer'
  return (service.spec.ports ?? []).flatMap((port) => {
    const protocol = protocolOf(port)
    const key = `${objectKey(service)}${port.name ? `:${port.name}` : ''}/${protocol}` as ServicePortKey
    if (!protocol || !isPort(port.port) || !isHarmless(key)) {
      tell(`port ${port.port}/${port.protocol} makes no sense`)
      return []
    }
    const number = port.port
    const free = (addresses: readonly IpAddress[]): readonly IpAddress[] =>
      addresses.filter((address) => {
        if (!isReserved(context.reserved, protocol, number, address)) return true
        tell(
          `port ${number}/${port.protocol ?? 'TCP'} at ${address.text} is served by the node itself and not forwarded`,
        )
        return false
      })
    const wantsNodePort = hasNodePorts && isPort(port.nodePort)
    const isTaken = wantsNodePort && isReserved(context.reserved, protocol, port.nodePort)
    if (isTaken) tell(`node port ${port.nodePort} is served by the node itself and not forwarded`)
    const nodePort = wantsNodePort && !isTaken ? port.nodePort : undefined
    const externals = { externalIPs: free(shared.externalIPs), loadBalancerIPs: free(shared.loadBalancerIPs) }
    const endpoints = endpointsOf(port, slices, context, tell)
    const isSctp = protocol === 'sctp'
    if (isSctp && shared.relayed) tell('SCTP cannot be relayed by a process: the kernel translates it')
    const relayed = shared.relayed && !isSctp
    return [{ key, protocol, port: port.port, clusterIP, nodePort, ...shared, ...externals, relayed, endpoints }]
  })
}

/**
 * The ports of a Service in this family: none when it is skipped or has no cluster address of the family. `slices` are
 * those of the Service, of any address type.
 */
export const modelService = (
  service: Service,
  slices: readonly EndpointSlice[],
  context: ModelContext,
): ServiceModel => {
  if (isSkipped(service, context.proxyName)) return { ports: [], problems: [] }
  const problems = new Set<string>()
  const tell: Tell = (problem) => problems.add(`Service ${objectKey(service)}: ${problem}`)
  const { clusterIP = '', clusterIPs = [clusterIP] } = service.spec
  const [address] = addressesOf(clusterIPs, context.family, tell)
  const ports = address === undefined ? [] : portsOf(service, address, slices, context, tell)
  return { ports, problems: [...problems] }
}
