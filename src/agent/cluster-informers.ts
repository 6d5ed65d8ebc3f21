/** Local copies of what carries traffic: Services, their endpoints, Ingresses, names, policies. */
import type { Client } from '../api/client.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  namespaces,
  networkPolicies,
  pods,
  type Resource,
  services,
} from '../api/resources.ts'
import { serviceOfSlice } from '../api/slices.ts'
import type {
  EndpointSlice,
  Ingress,
  IngressClass,
  KubeObject,
  Namespace,
  NetworkPolicy,
  Service,
} from '../api/types/index.ts'
import type { Published } from '../dns/skydns/published.ts'
import type { Logger } from '../host/log.ts'
import { type PolicyPod, toPolicyPod } from '../overlay/policy/pod.ts'
import { watchPublished } from './dns-stack.ts'

export interface ClusterInformers {
  readonly services: Informer<Service>
  /** With the index `service`. */
  readonly slices: Informer<EndpointSlice>
  readonly ingresses: Informer<Ingress>
  readonly classes: Informer<IngressClass>
  /** Of all nodes, cut down to what names and policies need. */
  readonly pods: Informer<PolicyPod>
  readonly namespaces: Informer<Namespace>
  readonly policies: Informer<NetworkPolicy>
  readonly published: Informer<Published>
}

export const createClusterInformers = (client: Client, log: Logger): ClusterInformers => {
  const onErrorOf = (kind: string) => (error: unknown, retryInMs: number) =>
    log.warn({ err: error, kind, retryInMs }, 'cannot watch')
  const watch = <T extends KubeObject>(
    resource: Resource<T>,
    indexes: Readonly<Record<string, (object: T) => readonly string[]>> = {},
  ): Informer<T> => createInformer(client, resource, { indexes, onError: onErrorOf(resource.kind) })
  return {
    services: watch(services),
    slices: watch(endpointSlices, { service: serviceOfSlice }),
    ingresses: watch(ingresses),
    classes: watch(ingressClasses),
    pods: createInformer(client, pods, { onError: onErrorOf('Pod'), view: toPolicyPod }),
    namespaces: watch(namespaces),
    policies: watch(networkPolicies),
    published: watchPublished(client, onErrorOf('ConfigMap')),
  }
}
