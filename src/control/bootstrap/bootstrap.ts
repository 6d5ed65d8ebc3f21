/** What every cluster has from its first moment on. */

import type { Client, Draft } from '../../api/client.ts'
import { systemClock } from '../../api/clock.ts'
import { isAlreadyExists, isNotFound } from '../../api/errors.ts'
import {
  endpointSlices,
  endpoints,
  gatewayClasses,
  ingressClasses,
  namespaces,
  objectKey,
  priorityClasses,
  type Resource,
  runtimeClasses,
  serviceCIDRs,
  services,
  storageClasses,
} from '../../api/resources.ts'
import type { EndpointSlice, Endpoints, KubeObject, Service } from '../../api/types/index.ts'
import { silentLogger } from '../../host/log.ts'
import { familyOf } from '../../ip/address.ts'
import { gatewayController } from '../../proxy/ingress/gateway/model.ts'
import { defaultClassAnnotation } from '../admission/default-ingress-class.ts'
import { checkNonSpecialIp } from '../resources/formats/formats.ts'
import { systemPriorityClasses } from '../resources/scheduling/priority-class.ts'
import { standardClass } from '../volumes/host-path.ts'
import { type KeepingContext, keepBundledKinds } from './bundled-kinds.ts'

export interface BootstrapOptions {
  /** What `default/kubernetes` leads to; none where it depends on which servers there are. */
  readonly servers: readonly ServerPlace[]
  /** The Service addresses of the API and of the cluster DNS. */
  readonly apiClusterIP: string
  readonly dnsClusterIP: string
  /** Where Services get their addresses. */
  readonly serviceCIDRs: readonly string[]
}

/** Who serves Ingresses of the class that is the default. */
export const ingressController = 'podway.dev/ingress'
const managedBy = 'control.podway.dev'

const ensure = async <T extends KubeObject>(client: Client, resource: Resource<T>, object: Draft<T>): Promise<void> => {
  try {
    await client.get(resource, object.metadata.name, object.metadata.namespace)
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.create(resource, object).catch((refused: unknown) => {
      if (!isAlreadyExists(refused)) throw refused
    })
  }
}

/** As `ensure`, and brings an object that is there to the wanted content. */
const converge = async <T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: Draft<T>,
): Promise<void> => {
  try {
    const { metadata, ...content } = object as Draft<KubeObject>
    await client.patch(resource, { metadata }, content)
  } catch (error) {
    if (!isNotFound(error)) throw error
    await ensure(client, resource, object)
  }
}

const kubernetesService = (clusterIP: string): Draft<Service> => ({
  metadata: {
    name: 'kubernetes',
    namespace: 'default',
    labels: { component: 'apiserver', provider: 'kubernetes' },
  },
  spec: { clusterIP, ports: [{ name: 'https', port: 443, targetPort: 6443, protocol: 'TCP' }] },
})

/** Where one API server listens. */
export interface ServerPlace {
  readonly address: string
  readonly port: number
}

const portsOf = (port: number) => [{ name: 'https', port, protocol: 'TCP' as const }]

/** Those of one port and family, which one slice holds; that of the first has the name that clients know. */
const groupsOf = (servers: readonly ServerPlace[]) => {
  const groups = Map.groupBy(servers, ({ address, port }) => `${familyOf(address)}-${port}`.toLowerCase())
  return [...groups].flatMap(([key, places], at) => {
    const [first] = places
    return first ? [{ name: at === 0 ? 'kubernetes' : `kubernetes-${key}`, port: first.port, places }] : []
  })
}

const kubernetesEndpoints = (servers: readonly ServerPlace[]): Draft<Endpoints> => ({
  metadata: {
    name: 'kubernetes',
    namespace: 'default',
    labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
  },
  subsets: [...Map.groupBy(servers, ({ port }) => port)].map(([port, places]) => ({
    addresses: places.map(({ address }) => ({ ip: address })),
    ports: portsOf(port),
  })),
})

/** Marks the slices that lead to the API. */
export const apiSliceLabels = {
  'kubernetes.io/service-name': 'kubernetes',
  'endpointslice.kubernetes.io/managed-by': managedBy,
}

const kubernetesSlices = (servers: readonly ServerPlace[]): readonly Draft<EndpointSlice>[] =>
  groupsOf(servers).map(({ name, port, places }) => ({
    metadata: { name, namespace: 'default', labels: apiSliceLabels },
    addressType: familyOf(places[0]?.address ?? ''),
    endpoints: places.map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
    ports: portsOf(port),
  }))

/** Every node answers on this address itself: no proxy rule leads anywhere, and it needs no endpoints. */
const dnsService = (clusterIP: string): Draft<Service> => ({
  metadata: {
    name: 'kube-dns',
    namespace: 'kube-system',
    labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    annotations: { 'podway.dev/node-local': 'true' },
  },
  spec: {
    clusterIP,
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  },
})

/** One object of every cluster, by its kind and name, and how it is made and kept. */
export interface BootstrapObject {
  readonly resource: Resource
  /** `namespace/name` or `name`. */
  readonly key: string
  keep(client: Client): Promise<void>
}

/** `made`: present, whatever it has become. `kept`: present, and with the wanted content. */
const bootstrapObject = <T extends KubeObject>(
  how: 'made' | 'kept',
  resource: Resource<T>,
  object: Draft<T>,
): BootstrapObject => ({
  resource,
  key: objectKey(object),
  keep: (client) => (how === 'made' ? ensure : converge)(client, resource, object),
})

/** What leads from the Service `kubernetes` to these servers. */
export const wayToApi = (servers: readonly ServerPlace[]): readonly BootstrapObject[] => {
  // An API that listens for its own machine alone has no address that others could use.
  const places = servers.filter(({ address }) => checkNonSpecialIp(address) === undefined)
  if (places.length === 0) return []
  return [
    bootstrapObject('kept', endpoints, kubernetesEndpoints(places)),
    ...kubernetesSlices(places).map((slice) => bootstrapObject('kept', endpointSlices, slice)),
  ]
}

/** In the order in which they can be made. */
export const bootstrapObjects = (options: BootstrapOptions): readonly BootstrapObject[] => {
  const { servers, apiClusterIP, dnsClusterIP, serviceCIDRs: cidrs } = options
  return [
    ...['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
      bootstrapObject('made', namespaces, { metadata: { name } }),
    ),
    ...systemPriorityClasses.map(({ name, ...content }) =>
      bootstrapObject('made', priorityClasses, { metadata: { name }, ...content }),
    ),
    // Each for a runtime that agents have.
    ...['process', 'oci'].map((name) => bootstrapObject('made', runtimeClasses, { metadata: { name }, handler: name })),
    bootstrapObject('made', serviceCIDRs, { metadata: { name: 'kubernetes' }, spec: { cidrs } }),
    bootstrapObject('kept', services, kubernetesService(apiClusterIP)),
    ...wayToApi(servers),
    bootstrapObject('made', services, dnsService(dnsClusterIP)),
    bootstrapObject('made', ingressClasses, {
      metadata: { name: 'podway', annotations: { [defaultClassAnnotation]: 'true' } },
      spec: { controller: ingressController },
    }),
    bootstrapObject('made', storageClasses, standardClass),
    bootstrapObject('made', gatewayClasses, {
      metadata: { name: 'podway' },
      spec: { controllerName: gatewayController, description: 'Served on every node, beside Ingress' },
    }),
  ]
}

/** Makes what is missing; safe to repeat. */
export const bootstrapCluster = async (
  client: Client,
  options: BootstrapOptions,
  context: KeepingContext = { clock: systemClock, log: silentLogger },
): Promise<void> => {
  await keepBundledKinds(client, context)
  for (const object of bootstrapObjects(options))
    await object.keep(client).catch((error: unknown) => {
      // A kind of users, who may have one that is not served as we know it, or that has other rules: it must not stop the start.
      if (object.resource.group !== gatewayClasses.group) throw error
      context.log.warn(
        { err: error, kind: object.resource.kind, name: object.key },
        'cannot make what every cluster has',
      )
    })
}
