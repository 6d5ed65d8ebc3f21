/** Which pod addresses stand behind a backend. Pure. */
import type { EndpointConditions, EndpointSlice, Protocol, Service, ServicePort } from '../../../api/types/index.ts'
import { familyOf, isAddress, joinHostPort } from '../../../ip/address.ts'
import { isOwnHost } from '../names/own-host.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { BackendProtocol } from '../policy/policy.ts'
import { type BackendRef, firstPort } from './model.ts'

export interface Endpoint {
  /** `address:port`, the address in brackets for IPv6. */
  readonly key: string
  readonly address: string
  readonly port: number
}

/** What stands behind a backend. Plain data: it is cloned into the threads that serve. */
export interface Backend {
  readonly endpoints: readonly Endpoint[]
  /** What the Service port says its endpoints speak, where that is more than HTTP/1.1. */
  readonly protocol?: BackendProtocol
}

/** Undefined: the backend is of no use any more. */
export type BackendUpdates = readonly (readonly [BackendKey, Backend | undefined])[]

interface Candidate extends Endpoint {
  readonly conditions: EndpointConditions
}

/** The port that is meant; undefined when the Service has none such. */
const servicePort = (service: Service, wanted: number | string, protocol: Protocol = 'TCP'): ServicePort | undefined =>
  (service.spec.ports ?? []).find(
    (each) =>
      (wanted === firstPort || (typeof wanted === 'number' ? each.port === wanted : each.name === wanted)) &&
      (each.protocol ?? 'TCP') === protocol,
  )

const protocols: Readonly<Record<string, BackendProtocol>> = {
  'kubernetes.io/h2c': 'h2c',
  h2c: 'h2c',
  grpc: 'h2c',
  https: 'https',
  'kubernetes.io/wss': 'https',
}

/** Servers of another make may let through what is no port. */
const isPort = (port: number | undefined): port is number =>
  Number.isInteger(port) && port !== undefined && port > 0 && port < 65_536

const candidates = (slice: EndpointSlice, name: string): readonly Candidate[] => {
  const port = slice.ports?.find((each) => (each.name ?? '') === name)?.port
  if (!isPort(port)) return []
  /** What is no address would be looked up as a name. */
  const isRight = (address: string): boolean => isAddress(address) && familyOf(address) === slice.addressType
  return slice.endpoints.flatMap(({ addresses, conditions = {} }) =>
    addresses
      .slice(0, 1)
      .filter(isRight)
      .map((address) => ({
        key: joinHostPort(address, port),
        address,
        port,
        conditions,
      })),
  )
}

/** A dual-stack pod is listed once for each family: one is enough to reach it, the Service's first. */
const ofOneFamily = (service: Service, slices: readonly EndpointSlice[]): readonly EndpointSlice[] => {
  const preferred = service.spec.ipFamilies?.[0] ?? 'IPv4'
  const found = slices.filter((slice) => slice.addressType === preferred)
  return found.length > 0 ? found : slices.filter((slice) => slice.addressType !== 'FQDN')
}

const isReady = ({ conditions }: Candidate): boolean => conditions.ready !== false

/** Still answers while it shuts down; better than nobody. */
const isLeaving = ({ conditions }: Candidate): boolean =>
  conditions.serving !== false && conditions.terminating === true

const byKey = (a: Endpoint, b: Endpoint): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

const endpointAt = (address: string, port: number): Endpoint => ({
  key: joinHostPort(address, port),
  ...{ address, port },
})

/** A name outside of the cluster. One that means this machine would let everybody at the node's own doors. */
const externalEndpoints = (name: string, wanted: number | string, service: Service): readonly Endpoint[] => {
  const isNumber = typeof wanted === 'number' && wanted !== firstPort
  const port = isNumber ? wanted : servicePort(service, wanted)?.port
  return !isPort(port) || !isHost(name) || isOwnHost(name) ? [] : [endpointAt(name, port)]
}

/** A name that can be asked for, or an address. */
const isHost = (name: string): boolean =>
  isAddress(name) || (name.length <= 254 && /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+$/i.test(name))

/**
 * The endpoints of a backend, sorted, each once: the ready ones or, when there are none, those that still serve while
 * they terminate. Empty when the Service or its port does not exist.
 */
export const resolveBackend = (
  ref: BackendRef,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  protocol: Protocol = 'TCP',
): Backend => {
  if (service?.spec.type === 'ExternalName')
    return { endpoints: externalEndpoints(service.spec.externalName ?? '', ref.port, service) }
  const port = service && servicePort(service, ref.port, protocol)
  if (service === undefined || port === undefined) return { endpoints: [] }
  const spoken = protocols[port.appProtocol ?? '']
  const { clusterIP } = service.spec
  const endpoints =
    ref.clusterAddress && clusterIP && clusterIP !== 'None'
      ? [endpointAt(clusterIP, port.port)]
      : podEndpoints(service, port.name ?? '', slices)
  return { endpoints, ...(spoken ? { protocol: spoken } : {}) }
}

const podEndpoints = (service: Service, name: string, slices: readonly EndpointSlice[]): readonly Endpoint[] => {
  const all = ofOneFamily(service, slices).flatMap((slice) => candidates(slice, name))
  const ready = all.filter(isReady)
  const chosen = new Map(
    (ready.length > 0 ? ready : all.filter(isLeaving)).map(({ key, address, port }) => [key, { key, address, port }]),
  )
  return [...chosen.values()].sort(byKey)
}
