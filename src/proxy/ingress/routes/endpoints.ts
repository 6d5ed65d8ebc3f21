/** Which pod addresses stand behind a backend. Pure. */
import type { EndpointConditions, EndpointSlice, Service } from '../../../api/types/index.ts'
import type { BackendKey, BackendRef } from './model.ts'

export interface Endpoint {
  /** `address:port`, the address in brackets for IPv6. */
  readonly key: string
  readonly address: string
  readonly port: number
}

/** The endpoints of some backends. Plain data: it is cloned into the thread that serves. */
export type BackendEndpoints = readonly (readonly [BackendKey, readonly Endpoint[]])[]

interface Candidate extends Endpoint {
  readonly conditions: EndpointConditions
}

/** The name by which slices know a Service port; undefined when the Service has no such TCP port. */
const portName = (service: Service, wanted: number | string): string | undefined => {
  const port = (service.spec.ports ?? []).find((each) =>
    typeof wanted === 'number' ? each.port === wanted : each.name === wanted,
  )
  return port === undefined || (port.protocol ?? 'TCP') !== 'TCP' ? undefined : (port.name ?? '')
}

const candidates = (slice: EndpointSlice, name: string): readonly Candidate[] => {
  const port = slice.ports?.find((each) => (each.name ?? '') === name)?.port
  if (port === undefined) return []
  return slice.endpoints.flatMap(({ addresses, conditions = {} }) =>
    addresses.slice(0, 1).map((address) => ({
      key: slice.addressType === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
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

/**
 * The endpoints of a backend, sorted, each once: the ready ones or, when there are none, those that still serve while
 * they terminate. Empty when the Service or its port does not exist.
 */
export const resolveEndpoints = (
  ref: BackendRef,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): readonly Endpoint[] => {
  const name = service && portName(service, ref.port)
  if (service === undefined || name === undefined) return []
  const all = ofOneFamily(service, slices).flatMap((slice) => candidates(slice, name))
  const ready = all.filter(isReady)
  const chosen = new Map(
    (ready.length > 0 ? ready : all.filter(isLeaving)).map(({ key, address, port }) => [key, { key, address, port }]),
  )
  return [...chosen.values()].sort(byKey)
}

/** Whether two sorted lists hold the same endpoints. */
export const sameEndpoints = (a: readonly Endpoint[], b: readonly Endpoint[]): boolean =>
  a.length === b.length && a.every((endpoint, at) => endpoint.key === b[at]?.key)
