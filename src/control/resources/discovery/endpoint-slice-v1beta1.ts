/** EndpointSlice as discovery.k8s.io/v1beta1 writes it: the node and the zone stand among the labels of `topology`. */
import type { Endpoint, EndpointSlice } from '../../../api/types/index.ts'
import type {
  Endpoint as BetaEndpoint,
  EndpointSlice as BetaSlice,
} from '../../../api/types/kubernetes/discovery-v1beta1.ts'
import { conversion } from '../conversion.ts'
import type { Conversion } from '../definition.ts'

const hostLabel = 'kubernetes.io/hostname'
const zoneLabel = 'topology.kubernetes.io/zone'

const endpointToStored = ({ topology, ...endpoint }: BetaEndpoint): Endpoint => {
  const { [hostLabel]: host, [zoneLabel]: zone, ...others } = topology ?? {}
  const nodeName = endpoint.nodeName ?? host
  const deprecatedTopology = { ...others, ...(host === undefined || host === nodeName ? {} : { [hostLabel]: host }) }
  return {
    ...endpoint,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(Object.keys(deprecatedTopology).length > 0 ? { deprecatedTopology } : {}),
  }
}

/** kube-proxy 1.20 asks the labels whether an endpoint is on its own node. */
const endpointFromStored = ({ deprecatedTopology, zone, ...endpoint }: Endpoint): BetaEndpoint => {
  const topology = {
    ...(endpoint.nodeName === undefined ? {} : { [hostLabel]: endpoint.nodeName }),
    ...deprecatedTopology,
    ...(zone === undefined ? {} : { [zoneLabel]: zone }),
  }
  return { ...endpoint, ...(Object.keys(topology).length > 0 ? { topology } : {}) }
}

export const endpointSliceV1beta1: Conversion = conversion<BetaSlice, EndpointSlice>({
  toStored: (slice) => ({ ...slice, endpoints: (slice.endpoints ?? []).map(endpointToStored) }),
  fromStored: (slice) => ({ ...slice, endpoints: (slice.endpoints ?? []).map(endpointFromStored) }),
  shownField: (path) => path.replace(/^(endpoints\[\d+\])\.(deprecatedTopology|zone)/, '$1.topology'),
})
