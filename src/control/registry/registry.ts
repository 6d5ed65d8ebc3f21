/** Every kind the server knows. A new kind is a row here (and its type in schema/). */
import { deployment, replicaSet } from './apps.ts'
import { certificateSigningRequest } from './certificate-signing-request.ts'
import { configMap, secret } from './config.ts'
import { inAllVersions, type ResourceDefinition } from './definition.ts'
import { endpointSlice, endpoints } from './endpoints.ts'
import { event } from './event.ts'
import { gateway, gatewayClass } from './gateway.ts'
import { httpRoute } from './http-route.ts'
import { lease } from './lease.ts'
import { namespace } from './namespace.ts'
import { networkPolicy } from './network-policy.ts'
import { ingress, ingressClass } from './networking.ts'
import { node } from './node.ts'
import { pod } from './pod.ts'
import { referenceGrant } from './reference-grant.ts'
import { service } from './service.ts'
import { ipAddress, serviceCIDR } from './service-cidr.ts'

/** One for each kind, in the order in which groups are offered to clients, who take the first that has what they look for. */
export const definitions: readonly ResourceDefinition[] = [
  configMap,
  endpoints,
  event,
  namespace,
  node,
  pod,
  secret,
  service,
  deployment,
  replicaSet,
  lease,
  certificateSigningRequest,
  endpointSlice,
  ingress,
  ingressClass,
  networkPolicy,
  serviceCIDR,
  ipAddress,
  gatewayClass,
  gateway,
  httpRoute,
  referenceGrant,
]

/** A row for each version of each kind, as clients find them. */
export const servedDefinitions: readonly ResourceDefinition[] = definitions.flatMap(inAllVersions)

export interface Registry {
  /** One for each version of each kind. */
  readonly definitions: readonly ResourceDefinition[]
  /** By group, version and plural, as a URL names it. */
  find(group: string, version: string, plural: string): ResourceDefinition | undefined
}

export const createRegistry = (rows: readonly ResourceDefinition[] = servedDefinitions): Registry => {
  const byPath = new Map(rows.map((row) => [`${row.group}/${row.version}/${row.plural}`, row]))
  return { definitions: rows, find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`) }
}
