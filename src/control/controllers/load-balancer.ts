/** Gives Services of type LoadBalancer an address: one of a pool, or those of the nodes, as small clusters have it. */

import { referenceTo } from '../../api/event-recorder.ts'
import { endpointSlices, nodes, objectKey, services } from '../../api/resources.ts'
import { portWord, servedPortsOf } from '../../api/served-ports.ts'
import { servicesOfChange, usableEndpoints } from '../../api/slices.ts'
import type { EndpointSlice, LoadBalancerIngress, Node, Service } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import { familyOf } from '../../ip/address.ts'
import { isExhausted, isOutOfRange, isTaken, type Pool } from '../../ipam/pool.ts'
import { type CreateController, recorderFor } from './controller.ts'
import { isOurs, serviceOwner } from './load-balancer-addresses.ts'
import { readiness } from './node-health.ts'
import { onRelevantChange } from './relevant-change.ts'
import { writeStatus } from './write-status.ts'

const name = 'service-lb-controller'

/** Nodes with this label are no entrance to the cluster. */
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** The addresses of nodes that are an entrance to the Service: with policy Local, only those that have a pod of it. Pure. */
export const nodeAddresses = (
  service: Service,
  all: Iterable<Node>,
  slices: readonly EndpointSlice[],
): readonly string[] => {
  const isLocal = service.spec.externalTrafficPolicy === 'Local'
  const families = service.spec.ipFamilies ?? ['IPv4']
  const serving = new Set(usableEndpoints(slices).map(({ nodeName }) => nodeName))
  return [...all]
    .filter(
      (node) =>
        readiness(node) === 'True' &&
        node.metadata.labels?.[excludeLabel] === undefined &&
        (!isLocal || serving.has(node.metadata.name)),
    )
    .flatMap(({ status }) => (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP'))
    .map(({ address }) => address)
    .filter((address) => families.includes(familyOf(address)))
    .sort()
}

/** What of a node decides about Services: not its heartbeats. */
const relevantOf = (node: Node): unknown => [
  readiness(node),
  node.metadata.labels?.[excludeLabel],
  node.status?.addresses,
  servedPortsOf(node),
]

const portsOf = ({ spec }: Service): readonly string[] =>
  (spec.ports ?? []).map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`)

/** A port of the nodes that a Service cannot have, and who serves it. */
export interface NodePortHolder {
  readonly port: string
  readonly node: string
}

/** The API servers: an endpoint each, of the Service `kubernetes`. */
const apiServerPorts = (slices: readonly EndpointSlice[], address: string): readonly string[] =>
  slices
    .filter(({ endpoints }) => (endpoints ?? []).some(({ addresses }) => addresses.includes(address)))
    .flatMap(({ ports }) => (ports ?? []).map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`))

/** The first port of the Service that a node serves itself. `apiServers` are the slices of Service `kubernetes`. Pure. */
export const nodePortHolder = (
  service: Service,
  nodes: Iterable<Node>,
  apiServers: readonly EndpointSlice[],
): NodePortHolder | undefined => {
  const wanted = portsOf(service)
  for (const node of nodes) {
    const addresses = (node.status?.addresses ?? []).map(({ address }) => address)
    const served = new Set([
      ...servedPortsOf(node).map(portWord),
      ...addresses.flatMap((address) => apiServerPorts(apiServers, address)),
    ])
    const port = wanted.find((one) => served.has(one))
    if (port !== undefined) return { port, node: node.metadata.name }
  }
  return undefined
}

const hasAddress = ({ status }: Service): boolean => (status?.loadBalancer?.ingress ?? []).length > 0

/** Who has an address already keeps it; else the older one comes first. */
const precedes = (a: Service, b: Service): boolean => {
  if (hasAddress(a) !== hasAddress(b)) return hasAddress(a)
  const [left = '', right = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  return left === right ? objectKey(a) < objectKey(b) : left < right
}

/** The Service that comes before this one and wants one of its ports of the nodes, too. Pure. */
export const portHolder = (service: Service, others: Iterable<Service>): Service | undefined => {
  const wanted = new Set(portsOf(service))
  for (const other of others)
    if (objectKey(other) !== objectKey(service) && isOurs(other) && precedes(other, service))
      if (portsOf(other).some((port) => wanted.has(port))) return other
  return undefined
}

export const createLoadBalancerController: CreateController = (context) => {
  const { client, informers, loadBalancerAddresses: pool } = context
  const copies = informers.of(services)
  const nodeCopies = informers.of(nodes)
  const slices = informers.of(endpointSlices)
  const events = recorderFor(context, name)

  const tell = (service: Service, reason: string, message: string): void =>
    events.record(referenceTo(service), 'Warning', reason, message)

  const fromPool = (from: Pool<string>, key: string, service: Service): readonly string[] => {
    try {
      const owner = serviceOwner(key)
      return [from.held(owner) ?? from.assign(owner, service.spec.loadBalancerIP || undefined)]
    } catch (error) {
      if (!isExhausted(error) && !isTaken(error) && !isOutOfRange(error)) throw error
      tell(service, 'AllocationFailed', error.message)
      return []
    }
  }

  const fromNodes = (key: string, service: Service): readonly string[] => {
    const taken = nodePortHolder(service, nodeCopies.values(), slices.by('service', 'default/kubernetes'))
    if (taken) {
      tell(
        service,
        'PortTaken',
        `port ${taken.port} is served by node ${taken.node} itself; give the Service another port, or a pool of addresses to the cluster (--load-balancer-cidr)`,
      )
      return []
    }
    const holder = portHolder(service, copies.by('type', 'LoadBalancer'))
    if (!holder) return nodeAddresses(service, nodeCopies.values(), slices.by('service', key))
    tell(
      service,
      'PortTaken',
      `the nodes' port is taken by Service ${objectKey(holder)}; give one of them another port`,
    )
    return []
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const service = copies.get(key)
    if (!service || !isOurs(service)) {
      pool?.release(serviceOwner(key))
      const isLeft = service?.spec.type !== 'LoadBalancer' && (service?.status?.loadBalancer?.ingress ?? []).length > 0
      if (service && isLeft) await writeStatus(client, services, service, { loadBalancer: undefined })
      return 'done'
    }
    const addresses = pool ? fromPool(pool, key, service) : fromNodes(key, service)
    const ingress = addresses.map((ip): LoadBalancerIngress => ({ ip, ipMode: 'VIP' }))
    await writeStatus(client, services, service, { loadBalancer: ingress.length > 0 ? { ingress } : undefined })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  const addAll = (): void => {
    for (const service of copies.by('type', 'LoadBalancer')) queue.add(objectKey(service))
  }

  return {
    name,
    run: (signal) => {
      pool?.onRelease(addAll)
      copies.onChange((key, current, previous) => {
        const isOne = current?.spec.type === 'LoadBalancer'
        const wasOne = previous?.spec.type === 'LoadBalancer'
        if (isOne || wasOne) queue.add(key)
        // A port became free, or is wanted by one more.
        if (isOne !== wasOne) addAll()
      })
      onRelevantChange(nodeCopies, relevantOf, addAll)
      slices.onChange((_key, current, previous) => {
        for (const key of servicesOfChange(current, previous))
          if (key === 'default/kubernetes') addAll()
          else if (copies.get(key)?.spec.externalTrafficPolicy === 'Local') queue.add(key)
      })
      return queue.run(signal)
    },
  }
}
