/** Local copies of what carries traffic: Services, their endpoints, Ingresses, names. */
import type { Client } from '../api/client.ts'
import { createInformer, type Informer } from '../api/informer.ts'
import { endpointSlices, ingressClasses, ingresses, type Resource, services } from '../api/resources.ts'
import { serviceOfSlice } from '../api/slices.ts'
import type { EndpointSlice, Ingress, IngressClass, KubeObject, Service } from '../api/types/index.ts'
import type { Published } from '../dns/skydns/published.ts'
import type { PodName } from '../dns/zone/pod-records.ts'
import type { Logger } from '../host/log.ts'
import { watchPodNames, watchPublished } from './dns-stack.ts'

export interface ClusterInformers {
  readonly services: Informer<Service>
  /** With the index `service`. */
  readonly slices: Informer<EndpointSlice>
  readonly ingresses: Informer<Ingress>
  readonly classes: Informer<IngressClass>
  readonly pods: Informer<PodName>
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
    pods: watchPodNames(client, onErrorOf('Pod')),
    published: watchPublished(client, onErrorOf('ConfigMap')),
  }
}
