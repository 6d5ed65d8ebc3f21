/**
 * What nodes may write, each about itself and its own pods (the NodeRestriction admission of Kubernetes, and what else would
 * draw another node's traffic). Whom the Node authorizer lets pass is looked at here, with the object at hand.
 */

import type { Clock } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import { type ApiError, forbidden, notFound } from '../../api/errors.ts'
import { podCIDRsOf } from '../../api/nodes.ts'
import type { Event, KubeObject, Lease, Node, ObjectMeta, Pod } from '../../api/types/index.ts'
import type { TokenRequest } from '../../api/types/kubernetes/authentication-v1.ts'
import { parseAddress } from '../../ip/address.ts'
import { contains, parseCidr } from '../../ip/cidr.ts'
import { nodeOf } from '../auth/user.ts'
import type { Admission, RequestReview, Review } from '../objects/admission.ts'
import { bucketOf } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'
import { createLeaseWatch, type LeaseWatch } from './lease-watch.ts'
import { wrongNewPod } from './mirror-pods.ts'
import { type ClusterNetworks, wrongClaim } from './node-claims.ts'
import { forbiddenLabels } from './node-labels.ts'
import { wrongNodeToken } from './node-tokens.ts'

/** Why the write is not the node's to make; undefined when it is. */
type Check = (review: Review, node: string) => string | undefined

const ownName = (what: string, { object }: Review, node: string): string | undefined =>
  object.metadata.name === node ? undefined : `node "${node}" is not allowed to write ${what} "${object.metadata.name}"`

const isOwnedByOther = ({ metadata }: KubeObject, node: string): boolean =>
  (metadata.ownerReferences ?? []).some(({ kind, name }) => kind !== 'Node' || name !== node)

const checkLease =
  (watch: LeaseWatch): Check =>
  (review, node) => {
    const wrong = ownName('lease', review, node)
    if (wrong !== undefined) return wrong
    const old = review.old as Lease | undefined
    const holder =
      old && old.spec?.holderIdentity !== (review.object as Lease).spec?.holderIdentity && watch.liveHolder(old)
    if (holder) return `another agent runs as node "${node}": ${holder}`
    return isOwnedByOther(review.object as Lease, node)
      ? `the lease of node "${node}" is owned by its Node only`
      : undefined
  }

const checkNodeSpec = (node: Node, old: Node | undefined): string | undefined => {
  const { unschedulable: _, taints, ...rest } = node.spec ?? {}
  if (!old) {
    const given = Object.entries(rest).filter(([field, value]) => field !== 'providerID' && value !== undefined)
    return given.length > 0
      ? `nodes are not allowed to set spec.${given.map(([field]) => field).join(', spec.')}`
      : undefined
  }
  const { unschedulable: __, taints: oldTaints, ...oldRest } = old.spec ?? {}
  if (!deepEqual(taints ?? [], oldTaints ?? [])) return 'nodes are not allowed to modify taints'
  if (deepEqual(rest, oldRest)) return undefined
  const changed = [...new Set([...Object.keys(rest), ...Object.keys(oldRest)])].filter(
    (field) =>
      !deepEqual(
        (rest as Readonly<Record<string, unknown>>)[field],
        (oldRest as Readonly<Record<string, unknown>>)[field],
      ),
  )
  return `nodes are not allowed to modify spec.${changed.join(', spec.')}`
}

const checkNodeMetadata = ({ metadata }: Node, old: Node | undefined): string | undefined => {
  const labels = forbiddenLabels(metadata.labels, old?.metadata.labels)
  if (labels.length > 0) return `nodes are not allowed to modify labels: ${labels.join(', ')}`
  return deepEqual(metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? [])
    ? undefined
    : 'nodes are not allowed to modify ownerReferences'
}

const checkNode =
  (others: () => Iterable<Node>, networks: ClusterNetworks): Check =>
  (review, node) => {
    const object = review.object as Node
    const old = review.old as Node | undefined
    return (
      ownName('node', review, node) ??
      checkNodeMetadata(object, old) ??
      checkNodeSpec(object, old) ??
      wrongClaim(object, old, others(), networks)
    )
  }

const boundElsewhere = ({ spec }: Pod, node: string): string | undefined =>
  spec.nodeName === node ? undefined : `node "${node}" can only write to pods with spec.nodeName set to itself`

/** The addresses a pod of this node can have: from the node's part of the pod network, or the node's own. */
const isAddressOn = (text: string, pod: Pod, node: Node | undefined): boolean => {
  const address = parseAddress(text)
  if (!address) return false
  if (pod.spec.hostNetwork) return (node?.status?.addresses ?? []).some((own) => own.address === text)
  return podCIDRsOf(node).some((cidr) => {
    const range = parseCidr(cidr)
    return range !== undefined && contains(range, address)
  })
}

const checkPod =
  (nodeNamed: (name: string) => Node | undefined): Check =>
  ({ operation, object, old }, node) => {
    const pod = object as Pod
    if (operation === 'create') return wrongNewPod(pod, node, nodeNamed(node))
    const marks = ({ labels = {}, finalizers = [], ownerReferences = [] }: ObjectMeta) => ({
      ...{ labels, finalizers, ownerReferences },
    })
    const [wanted, before] = [marks(pod.metadata), marks(old?.metadata ?? { name: '' })]
    const marked = (['labels', 'finalizers', 'ownerReferences'] as const).find(
      (part) => !deepEqual(wanted[part], before[part]),
    )
    if (marked !== undefined) return `node "${node}" cannot update ${marked} through pod status`
    const elsewhere = boundElsewhere(old as Pod, node) ?? boundElsewhere(pod, node)
    if (elsewhere !== undefined) return elsewhere
    const { podIP, podIPs = [] } = pod.status ?? {}
    const foreign = [podIP ?? [], podIPs.map(({ ip }) => ip)]
      .flat()
      .find((ip) => ip !== '' && !isAddressOn(ip, pod, nodeNamed(node)))
    return foreign === undefined ? undefined : `${foreign} is no address of a pod on node "${node}"`
  }

/** Those about a pod that is gone are late, and nobody's else. */
const checkEvent =
  (podOf: (key: string) => Pod | undefined): Check =>
  ({ object, old }, node) => {
    const event = object as Event
    const writer = (old as Event | undefined)?.source?.host ?? node
    if ((event.source?.host ?? node) !== node || writer !== node)
      return `node "${node}" can only write events with source.host set to itself`
    const { kind, namespace, name } = event.involvedObject
    if (kind === 'Node' && name === node) return undefined
    const pod = kind === 'Pod' ? podOf(`${namespace}/${name}`) : undefined
    if (kind === 'Pod' && (!pod || pod.spec.nodeName === node)) return undefined
    return `node "${node}" can only write events about itself and its own pods`
  }

const leaseBucket = 'leases.coordination.k8s.io'

export const nodeRestriction = (store: Store, clock: Clock, networks: ClusterNetworks): Admission => {
  const leaseWatch = createLeaseWatch(clock)
  const known = store.list(leaseBucket)
  for (const { object } of known.entries) leaseWatch.see(object as Lease)
  store.watch(leaseBucket, known.revision, ({ object }) => leaseWatch.see(object as Lease))
  const podOf = (key: string) => store.get({ bucket: 'pods', name: key })?.object as Pod | undefined
  const nodeNamed = (name: string) => store.get({ bucket: 'nodes', name })?.object as Node | undefined
  const allNodes = () => store.list('nodes').entries.map(({ object }) => object as Node)
  const checks: Readonly<Record<string, Check>> = {
    nodes: checkNode(allNodes, networks),
    pods: checkPod(nodeNamed),
    events: checkEvent(podOf),
    [leaseBucket]: checkLease(leaseWatch),
    'csinodes.storage.k8s.io': (review, node) => ownName('CSINode', review, node),
  }

  const refuse = ({ definition, object }: Pick<Review, 'definition' | 'object'>, why: string): ApiError =>
    forbidden(definition, object.metadata.name, why)

  /** A node gets tokens of its own pods only. */
  const checkToken = ({ definition, object, name, namespace, asked, user }: RequestReview): void => {
    const node = nodeOf(user)
    if (node === undefined || bucketOf(definition) !== 'serviceaccounts' || asked.subresource !== 'token') return
    const { boundObjectRef: ref } = (object as TokenRequest).spec
    const pod = ref?.kind === 'Pod' && ref.name ? podOf(`${namespace}/${ref.name}`) : undefined
    if (!pod && ref?.kind === 'Pod' && ref.name && ref.uid) throw notFound({ group: '', plural: 'pods' }, ref.name)
    const why = wrongNodeToken(node, ref, pod)
    if (why !== undefined) throw forbidden(definition, name, why)
  }

  return {
    name: 'NodeRestriction',
    admit: (review) => {
      const node = nodeOf(review.user)
      const why = node === undefined ? undefined : checks[bucketOf(review.definition)]?.(review, node)
      if (why !== undefined) throw refuse(review, why)
      return review.object
    },
    admitRequest: (review) => {
      checkToken(review)
      return review.object
    },
    admitDeletion: ({ definition, object, user }) => {
      const node = nodeOf(user)
      if (node === undefined || bucketOf(definition) !== 'pods') return
      const why = boundElsewhere(object as Pod, node)
      if (why !== undefined) throw refuse({ definition, object }, why)
    },
  }
}
