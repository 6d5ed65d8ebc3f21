/** Local copies of a cluster's objects, for all parts of an agent: each is made and followed when it is first asked for. */
import type { Client } from '../api/client.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import {
  configMaps,
  endpointSlices,
  gatewayClasses,
  gateways,
  httpRoutes,
  ingressClasses,
  ingresses,
  namespaces,
  networkPolicies,
  nodes,
  pods,
  type Resource,
  referenceGrants,
  services,
} from '../api/resources.ts'
import { createSliceInformer, serviceOfSlice } from '../api/slices.ts'
import type {
  EndpointSlice,
  Gateway,
  GatewayClass,
  HTTPRoute,
  Ingress,
  IngressClass,
  KubeObject,
  Namespace,
  NetworkPolicy,
  Node,
  ReferenceGrant,
  Service,
} from '../api/types/index.ts'
import type { Published } from '../dns/skydns/published.ts'
import { type PolicyPod, toPolicyPod } from '../overlay/policy/pod.ts'
import { watchPublished } from './dns-stack.ts'
import type { WatchFailures } from './watch-failures.ts'

export interface ClusterInformers {
  services(): Informer<Service>
  /** With the index `service`. */
  slices(): Informer<EndpointSlice>
  nodes(): Informer<Node>
  ingresses(): Informer<Ingress>
  classes(): Informer<IngressClass>
  gatewayClasses(): Informer<GatewayClass>
  gateways(): Informer<Gateway>
  httpRoutes(): Informer<HTTPRoute>
  referenceGrants(): Informer<ReferenceGrant>
  /** Of all nodes, cut down to what names and policies need. */
  pods(): Informer<PolicyPod>
  namespaces(): Informer<Namespace>
  policies(): Informer<NetworkPolicy>
  published(): Informer<Published>
}

/** They are followed until `signal` aborts. */
export const createClusterInformers = (
  client: Client,
  failures: WatchFailures,
  signal: AbortSignal,
): ClusterInformers => {
  const once = <V>(make: () => Informer<V>): (() => Informer<V>) => {
    let made: Informer<V> | undefined
    return () => {
      if (made) return made
      made = make()
      // Never rejects: what fails is told, and tried again.
      void made.run(signal)
      return made
    }
  }
  const of = <T extends KubeObject>(resource: Resource<T>): (() => Informer<T>) =>
    once(() => createInformer(client, resource, { onError: failures.of(resource) }))
  return {
    services: of(services),
    slices: once(() =>
      createSliceInformer(client, { indexes: { service: serviceOfSlice }, onError: failures.of(endpointSlices) }),
    ),
    nodes: of(nodes),
    ingresses: of(ingresses),
    classes: of(ingressClasses),
    gatewayClasses: of(gatewayClasses),
    gateways: of(gateways),
    httpRoutes: of(httpRoutes),
    referenceGrants: of(referenceGrants),
    pods: once(() => createInformer(client, pods, { onError: failures.of(pods), view: toPolicyPod })),
    namespaces: of(namespaces),
    policies: of(networkPolicies),
    published: once(() => watchPublished(client, failures.of(configMaps))),
  }
}
