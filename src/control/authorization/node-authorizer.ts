/**
 * What agents may do, each for its own node and no other (the Node authorizer of Kubernetes). It sees names only: what a
 * node writes into its objects is checked by admission (NodeRestriction).
 */
import { publishedLabel } from '../../api/labels.ts'
import { tunnelPath } from '../../api/tunnel/web-socket.ts'
import {
  type Attributes,
  type Authorizer,
  allowed,
  noOpinion,
  noRules,
  type ResourceAccess,
  type Verdict,
} from '../auth/authorizer.ts'
import { nodeOf } from '../auth/user.ts'

/** What may hold data that is not for everybody. */
export type DataKind = 'secrets' | 'configmaps'
/** What pods refer to. */
export type ReferenceKind = DataKind | 'serviceaccounts' | 'persistentvolumeclaims'
/** What a node gets one by one. */
type VolumeKind = 'persistentvolumeclaims' | 'persistentvolumes'

/** Which objects have to do with which node, as of now. */
export interface NodeGraph {
  /** Whether a pod of the node, or what every node serves, refers to `namespace/name`. */
  refers(node: string, kind: ReferenceKind | VolumeKind, key: string): boolean
  /** The node that the pod `namespace/name` is bound to; empty for none, undefined when there is no such pod. */
  nodeOfPod(key: string): string | undefined
}

const reading: readonly string[] = ['get', 'list', 'watch']
const changing: readonly string[] = ['update', 'patch']

/** What the data plane is made of, by `group/plural`. */
const readable = new Set([
  ...['endpoints', 'namespaces', 'nodes', 'pods', 'services'].map((plural) => `/${plural}`),
  'discovery.k8s.io/endpointslices',
  ...['node.k8s.io/runtimeclasses', 'storage.k8s.io/csidrivers'],
  ...['ingresses', 'ingressclasses', 'networkpolicies'].map((plural) => `networking.k8s.io/${plural}`),
  ...['gatewayclasses', 'gateways', 'httproutes', 'referencegrants'].map(
    (plural) => `gateway.networking.k8s.io/${plural}`,
  ),
])

const leaseNamespace = 'kube-node-lease'

const verdict = (isAllowed: boolean, reason: string): Verdict => (isAllowed ? allowed : { decision: 'none', reason })

export const createNodeAuthorizer = (graph: NodeGraph): Authorizer => {
  const mayReadData = (kind: DataKind, attributes: Attributes, request: ResourceAccess, node: string): Verdict => {
    if (!reading.includes(request.verb)) return { decision: 'none', reason: `nodes only read ${kind}` }
    const { namespace, name } = request
    if (namespace !== undefined && name !== undefined)
      return verdict(
        graph.refers(node, kind, `${namespace}/${name}`),
        `no relationship found between node '${node}' and this object`,
      )
    if (kind === 'configmaps' && attributes.labelSelector === publishedLabel) return allowed
    return {
      decision: 'none',
      reason: `can only list and watch ${kind} of one namespace with the field selector metadata.name=NAME`,
    }
  }

  const mayGetVolume = (kind: VolumeKind, { verb, namespace, name }: ResourceAccess, node: string): Verdict => {
    if (verb !== 'get' || name === undefined) return { decision: 'none', reason: `nodes only get individual ${kind}` }
    return verdict(
      graph.refers(node, kind, namespace === undefined ? name : `${namespace}/${name}`),
      `no relationship found between node '${node}' and this object`,
    )
  }

  const mayDoWithPod = ({ verb, subresource, namespace, name }: ResourceAccess, node: string): Verdict => {
    // Which pod may be written to is decided at the moment of the write, by admission; new are the mirrors of static pods alone.
    if (subresource === undefined) return verdict(verb === 'create' || verb === 'delete', 'nodes may not change pods')
    if (subresource === 'status') return verdict(changing.includes(verb), '')
    if (subresource === 'eviction') return verdict(verb === 'create', '')
    const bound = graph.nodeOfPod(`${namespace}/${name}`)
    const isOwn = bound === undefined || bound === node
    return verdict(subresource === 'log' && verb === 'get' && isOwn, `the pod is not of node '${node}'`)
  }

  /** What the token is bound to is decided at the moment of the write, by admission. */
  const mayAskForToken = ({ verb, subresource, namespace, name }: ResourceAccess, node: string): Verdict => {
    if (verb !== 'create' || name === undefined)
      return { decision: 'none', reason: 'can only create tokens for individual service accounts' }
    if (subresource !== 'token')
      return { decision: 'none', reason: 'can only create token subresource of serviceaccount' }
    return verdict(
      graph.refers(node, 'serviceaccounts', `${namespace}/${name}`),
      `no relationship found between node '${node}' and this object`,
    )
  }

  const decide = (attributes: Attributes, request: ResourceAccess, node: string): Verdict => {
    const { verb, subresource } = request
    const kind = `${request.group}/${request.plural}`
    const isOwn = request.name === node
    if (readable.has(kind) && reading.includes(verb) && (subresource === undefined || subresource === 'status'))
      return allowed
    switch (kind) {
      case '/secrets':
      case '/configmaps':
        if (subresource !== undefined) return noOpinion
        return mayReadData(kind === '/secrets' ? 'secrets' : 'configmaps', attributes, request, node)
      case '/persistentvolumeclaims':
      case '/persistentvolumes':
        if (subresource !== undefined) return noOpinion
        return mayGetVolume(
          request.plural === 'persistentvolumes' ? request.plural : 'persistentvolumeclaims',
          request,
          node,
        )
      case 'storage.k8s.io/csinodes':
        // The name of a new one is looked at by admission.
        if (subresource !== undefined) return noOpinion
        return verdict(
          verb === 'create' || (['get', 'delete', ...changing].includes(verb) && isOwn),
          `node '${node}' has only the CSINode of its name`,
        )
      case '/serviceaccounts':
        return mayAskForToken(request, node)
      case '/pods':
        return mayDoWithPod(request, node)
      case '/nodes':
        if (subresource === undefined && verb === 'create') return allowed
        return verdict(
          (subresource === undefined || subresource === 'status') && changing.includes(verb) && isOwn,
          `node '${node}' may change no node but itself, and delete none`,
        )
      case 'coordination.k8s.io/leases':
        if (subresource !== undefined || request.namespace !== leaseNamespace) return noOpinion
        return verdict(
          verb === 'create' || (['get', ...changing].includes(verb) && isOwn),
          `node '${node}' has only the lease ${leaseNamespace}/${node}`,
        )
      case '/events':
        return verdict(subresource === undefined && ['create', ...changing].includes(verb), 'nodes only write events')
      default:
        return noOpinion
    }
  }

  return {
    authorize: (attributes) => {
      const node = nodeOf(attributes.user)
      if (node === undefined) return noOpinion
      const { request } = attributes
      if (request.kind === 'resource') return decide(attributes, request, node)
      return request.path === tunnelPath && request.verb === 'get' ? allowed : noOpinion
    },
    // What a node may read hangs on what its pods refer to just now.
    rules: (user) =>
      nodeOf(user) === undefined
        ? noRules
        : { ...noRules, problems: ['node authorizer does not support user rule resolution'] },
  }
}
