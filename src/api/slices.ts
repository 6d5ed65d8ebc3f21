/**
 * EndpointSlices of any server: `discovery.k8s.io/v1`, or what older ones have in its place (`v1beta1` up to 1.20,
 * Endpoints before 1.17 or where slices are turned off), all as v1.
 */
import { familyOf } from '../ip/address.ts'
import type { Client } from './client.ts'
import { createInformerOf, type FollowOptions, type Informer, type Source, sourceOf } from './informer.ts'
import { endpointSlices, endpoints, type Resource } from './resources.ts'
import type { Endpoint, EndpointAddress, EndpointPort, EndpointSlice, Endpoints, StringMap } from './types/index.ts'

/** Names the Service that a slice belongs to. */
export const serviceNameLabel = 'kubernetes.io/service-name'

/** The index `service` that informers of EndpointSlices have: the key of the Service a slice belongs to, if any. */
export const serviceOfSlice = ({ metadata }: EndpointSlice): readonly string[] => {
  const name = metadata.labels?.[serviceNameLabel]
  return name ? [metadata.namespace ? `${metadata.namespace}/${name}` : name] : []
}

/** Slices by the key of their Service. */
export const slicesByService = (slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> =>
  Map.groupBy(slices, (slice) => serviceOfSlice(slice)[0] ?? '')

/** The Services that a change of a slice is about: it may have moved from one to another. */
export const servicesOfChange = (
  current: EndpointSlice | undefined,
  previous: EndpointSlice | undefined,
): ReadonlySet<string> => new Set([current, previous].flatMap((slice) => (slice ? serviceOfSlice(slice) : [])))

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready ?? true
const isLeaving = ({ conditions }: Endpoint): boolean =>
  (conditions?.serving ?? true) && (conditions?.terminating ?? false)

/** Those that are ready; while none is, those that still serve while they go away (KEP-1669). */
export const usableEndpoints = (slices: readonly EndpointSlice[]): readonly Endpoint[] => {
  const all = slices.flatMap(({ endpoints }) => endpoints ?? [])
  const ready = all.filter(isReady)
  return ready.length > 0 ? ready : all.filter(isLeaving)
}

/** Endpoints that share their ports. */
interface SubsetGroup {
  readonly addressType: 'IPv4' | 'IPv6'
  readonly ports: readonly EndpointPort[]
  readonly endpoints: readonly Endpoint[]
}

/** The subsets of an Endpoints object as slices have them: one group for each family of each subset. Pure. */
export const toGroups = ({ subsets }: Pick<Endpoints, 'subsets'>): readonly SubsetGroup[] =>
  (subsets ?? []).flatMap(({ addresses, notReadyAddresses, ports }) => {
    const endpointOf = (ready: boolean) => (address: EndpointAddress) => ({
      addresses: [address.ip],
      conditions: { ready },
      ...(address.hostname === undefined ? {} : { hostname: address.hostname }),
      ...(address.nodeName === undefined ? {} : { nodeName: address.nodeName }),
      ...(address.targetRef === undefined ? {} : { targetRef: address.targetRef }),
    })
    const all = [...(addresses ?? []).map(endpointOf(true)), ...(notReadyAddresses ?? []).map(endpointOf(false))]
    const slicePorts = (ports ?? []).map((port) => ({ ...port, name: port.name ?? '' }))
    return (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
      const own = all.filter(({ addresses: [ip = ''] }) => familyOf(ip) === addressType)
      return own.length > 0 ? [{ addressType, ports: slicePorts, endpoints: own }] : []
    })
  })

/** The slices that an Endpoints object stands for. It belongs to the Service of its name. Pure. */
export const slicesOf = (object: Endpoints): readonly EndpointSlice[] =>
  toGroups(object).map((group) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, [serviceNameLabel]: object.metadata.name } },
    ...group,
  }))

/** A server written in Go says `null` for a list of nothing. */
const listed = <T>(list: readonly T[] | null | undefined): readonly T[] => list ?? []

const whole = (slice: EndpointSlice): EndpointSlice => ({
  ...slice,
  endpoints: listed(slice.endpoints),
  ports: listed(slice.ports),
})

/** v1beta1 kept the place of an endpoint in a map of labels. */
type OldEndpoint = Endpoint & { readonly topology?: StringMap }

const nodeLabel = 'kubernetes.io/hostname'
const zoneLabel = 'topology.kubernetes.io/zone'

const fromBeta = (slice: EndpointSlice): EndpointSlice => {
  const { endpoints: old, ...rest } = whole(slice)
  return {
    ...rest,
    apiVersion: 'discovery.k8s.io/v1',
    endpoints: old.map(({ topology = {}, ...endpoint }: OldEndpoint) => ({
      ...(topology[nodeLabel] ? { nodeName: topology[nodeLabel] } : {}),
      ...(topology[zoneLabel] ? { zone: topology[zoneLabel] } : {}),
      ...endpoint,
    })),
  }
}

/** Several slices of one object, as an informer of slices. Keys are those of the objects. */
const flattened = (inner: Informer<readonly EndpointSlice[]>): Informer<EndpointSlice> => ({
  get: (key) => inner.get(key)?.[0],
  *values() {
    for (const slices of inner.values()) yield* slices
  },
  *entries() {
    for (const [key, slices] of inner.entries())
      for (const slice of slices) yield [key, slice] as [string, EndpointSlice]
  },
  get size() {
    return inner.size
  },
  by: (name, value) => inner.by(name, value).flat(),
  // Those of one object belong to one Service: the first speaks for all.
  onChange: (handler, signal) =>
    inner.onChange((key, current, previous) => handler(key, current?.[0], previous?.[0]), signal),
  synced: inner.synced,
  settled: inner.settled,
  get isSynced() {
    return inner.isSynced
  },
  run: inner.run,
})

const v1beta1: Resource<EndpointSlice> = { ...endpointSlices, version: 'v1beta1' }

/** What a server may have, the best first. */
const sources: readonly Source<readonly EndpointSlice[]>[] = [
  sourceOf(endpointSlices, (slice) => [whole(slice)]),
  sourceOf(v1beta1, (slice) => [fromBeta(slice)]),
  sourceOf(endpoints, slicesOf),
]

interface SliceOptions extends Pick<FollowOptions<EndpointSlice>, 'onError' | 'indexes' | 'clock'> {}

/** An informer of the best that the server has, and of the next best where it has no slices. */
export const createSliceInformer = (
  client: Client,
  { indexes = {}, ...options }: SliceOptions,
): Informer<EndpointSlice> => {
  const ofEach = Object.entries(indexes).map(([name, keysOf]) => [
    name,
    (slices: readonly EndpointSlice[]) => [...new Set(slices.flatMap(keysOf))],
  ])
  return flattened(createInformerOf(client, sources, { ...options, indexes: Object.fromEntries(ofEach) }))
}
