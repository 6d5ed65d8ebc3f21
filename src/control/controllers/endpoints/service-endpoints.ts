/** Which addresses and ports stand behind a Service. Pure. */

import { isFinished, isReady } from '../../../api/pods.ts'
import type { Endpoint, EndpointPort, Node, Pod, Service, ServicePort } from '../../../api/types/index.ts'
import { familyOf } from '../../../ip/address.ts'

export type AddressType = 'IPv4' | 'IPv6'

/** Endpoints that share their ports. */
export interface EndpointGroup {
  readonly addressType: AddressType
  readonly ports: readonly EndpointPort[]
  readonly endpoints: readonly Endpoint[]
}

export const zoneLabel = 'topology.kubernetes.io/zone'

/** A named target port is looked up in each pod: it may be another number in each. Undefined when a pod has none such. */
const targetPort = (port: ServicePort, pod: Pod): number | undefined => {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target
  return pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .find(({ name, protocol = 'TCP' }) => name === target && protocol === (port.protocol ?? 'TCP'))?.containerPort
}

const portsOf = (service: Service, pod: Pod): EndpointPort[] =>
  (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod)
    if (number === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = port
    return [{ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }]
  })

const addressOf = (pod: Pod, type: AddressType): string | undefined => {
  const addresses = pod.status?.podIPs?.map(({ ip }) => ip) ?? (pod.status?.podIP ? [pod.status.podIP] : [])
  return addresses.find((ip) => familyOf(ip) === type)
}

/** A pod that gives its Service as subdomain is known by its host name there. */
const hostnameOf = (service: Service, { spec }: Pod): string | undefined =>
  spec.hostname && spec.subdomain === service.metadata.name ? spec.hostname : undefined

/** For whom an endpoint is near (KEP-4444, KEP-3015); those that are not ready are for nobody. */
const hintsOf = (
  { spec }: Service,
  ready: boolean,
  nodeName: string | undefined,
  zone: string | undefined,
): Pick<Endpoint, 'hints'> => {
  const { trafficDistribution } = spec
  if (trafficDistribution === undefined || !ready) return {}
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] }
  const isForNode = trafficDistribution === 'PreferSameNode' && nodeName !== undefined
  const hints = isForNode ? { ...forZones, forNodes: [{ name: nodeName }] } : forZones
  return Object.keys(hints).length > 0 ? { hints } : {}
}

const endpointOf = (service: Service, pod: Pod, address: string, node: Node | undefined): Endpoint => {
  const serving = isReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const hostname = hostnameOf(service, pod)
  const zone = node?.metadata.labels?.[zoneLabel]
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  return {
    addresses: [address],
    conditions: {
      ready,
      serving: service.spec.publishNotReadyAddresses === true || serving,
      terminating,
    },
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...hintsOf(service, ready, pod.spec.nodeName, zone),
    targetRef: {
      kind: 'Pod',
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name,
      uid: pod.metadata.uid ?? '',
    },
  }
}

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None'

const addressTypes = ({ spec }: Service): readonly AddressType[] =>
  spec.ipFamilies && spec.ipFamilies.length > 0 ? spec.ipFamilies : ['IPv4']

/** Endpoints of the pods, grouped by address family and by their ports. */
export const groupEndpoints = (
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): readonly EndpointGroup[] => {
  const groups = new Map<string, EndpointGroup & { readonly endpoints: Endpoint[] }>()
  for (const addressType of addressTypes(service))
    for (const pod of pods) {
      const address = addressOf(pod, addressType)
      if (address === undefined || isFinished(pod)) continue
      const ports = portsOf(service, pod)
      // A Service without ports is a headless one that is about names only.
      if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue
      const key = groupKey(addressType, ports)
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] }
      group.endpoints.push(endpointOf(service, pod, address, nodeOf(pod.spec.nodeName ?? '')))
      groups.set(key, group)
    }
  return [...groups.values()]
}

/** Equal for what may share a slice. */
export const groupKey = (addressType: string, ports: readonly EndpointPort[] = []): string =>
  JSON.stringify([
    addressType,
    ...ports
      .map(({ name = '', port, protocol = 'TCP', appProtocol = '' }) => [name, port, protocol, appProtocol].join('/'))
      .sort(),
  ])
