/** What a user may do. Administrators everything; nodes what an agent needs, each only for itself; others nothing. */
import type { RequestInfo, ResourceRequest, Verb } from '../server/request-info.ts'
import { joinersGroup, mastersGroup, nodeOf, type User } from './user.ts'

const reading: readonly Verb[] = ['get', 'list', 'watch']

/** Paths that tell nothing worth protecting and everything a client needs to find its way. */
const isDiscovery = (path: string): boolean => /^\/(api|apis|openapi|version|healthz|livez|readyz)(\/|$)/.test(path)

/** What agents read: everything the data plane is made of. */
const nodeReads = new Set([
  ...['configmaps', 'endpoints', 'namespaces', 'nodes', 'pods', 'secrets', 'services'],
  ...['endpointslices', 'ingresses', 'ingressclasses', 'leases', 'events', 'networkpolicies'],
  ...['gatewayclasses', 'gateways', 'httproutes', 'referencegrants'],
])

const isOwnObject = (request: ResourceRequest, node: string): boolean =>
  request.verb === 'create' || request.name === node

/** What an agent writes: its Node and Lease, the pods on it, Events about them. */
const nodeMayWrite = (request: ResourceRequest, node: string): boolean => {
  switch (request.plural) {
    case 'nodes':
      return request.verb !== 'deletecollection' && isOwnObject(request, node)
    case 'leases':
      return request.namespace === 'kube-node-lease' && isOwnObject(request, node)
    case 'pods':
      return request.subresource === 'status' || request.verb === 'delete'
    case 'events':
      return ['create', 'update', 'patch'].includes(request.verb)
    default:
      return false
  }
}

/** Whether the request may go on. Pods a node writes to are checked again, against the node they are bound to. */
export const isAllowed = (user: User, request: RequestInfo): boolean => {
  if (user.groups.includes(mastersGroup)) return true
  if (request.kind === 'path') {
    if (user.groups.includes(joinersGroup)) return request.path.startsWith('/podway/v1/join')
    return request.verb === 'get' && isDiscovery(request.path)
  }
  const node = nodeOf(user)
  if (node === undefined) return false
  return reading.includes(request.verb) ? nodeReads.has(request.plural) : nodeMayWrite(request, node)
}
