/** Which certificates of nodes are approved without anybody looking. Pure. */

import type { Identity } from '../../../api/certificates.ts'
import { checkSubdomain } from '../../../api/names.ts'
import { kubeletClientSigner, kubeletServingSigner } from '../../../api/signers.ts'
import type { CertificateSigningRequest, Node } from '../../../api/types/index.ts'
import { nodeUserPrefix } from '../../../api/users.ts'
import { parseAddress } from '../../../ip/address.ts'
import { wrongAddress, wrongClaim } from '../../admission/node-claims.ts'
import { isBootstrapper, nodeOf } from '../../auth/user.ts'
import type { ApprovalSettings } from '../controller.ts'
import { signerRefuses } from './signer-rules.ts'

/** What the cluster is like now. */
export interface ClusterNow {
  /** Who holds the Lease of the node, in words, while it is renewed. */
  liveHolder(nodeName: string): string | undefined
  nodes(): Iterable<Node>
  /** By `namespace/name`. */
  hasService(key: string): boolean
}

/** Undefined leaves it to people: `kubectl certificate approve` or `deny`. */
export type Decision =
  | { readonly type: 'Approved' | 'Denied'; readonly reason: string; readonly message: string }
  | undefined

const deny = (reason: string, message: string): Decision => ({ type: 'Denied', reason, message })

/** Why no node may have this name; undefined when one may. A name is what a serving certificate is for. */
export const wrongNodeName = (
  name: string,
  { clusterDomain, controlNames }: ApprovalSettings,
  hasService: ClusterNow['hasService'],
): string | undefined => {
  const wrong = checkSubdomain(name)
  if (wrong !== undefined) return wrong
  if (parseAddress(name) || /^[\d.]+$/.test(name)) return 'is an IP address'
  const labels = name.split('.')
  const ends = (tail: string): boolean => name === tail || name.endsWith(`.${tail}`)
  if (ends('localhost') || controlNames.includes(name)) return "is the control plane's"
  if (ends('svc') || labels.includes('svc') || ends(clusterDomain)) return 'is a name of Services'
  const [service, namespace] = labels
  return namespace !== undefined && hasService(`${namespace}/${service}`)
    ? `is the name of Service ${namespace}/${service}`
    : undefined
}

const decideClient = (nodeName: string, request: CertificateSigningRequest, now: ClusterNow): Decision => {
  const { username = '', groups = [] } = request.spec
  const user = { name: username, groups }
  const own = nodeOf(user)
  if (own !== undefined && own !== nodeName)
    return deny('NotItsName', `node "${own}" may not ask for node "${nodeName}"`)
  if (own === undefined && !isBootstrapper(user)) return undefined
  const holder = own === undefined ? now.liveHolder(nodeName) : undefined
  if (holder !== undefined)
    return deny(
      'NodeInUse',
      `node "${nodeName}" is in use by another agent (${holder}): end that one, or choose another --node-name`,
    )
  return { type: 'Approved', reason: 'AutoApproved', message: `a client certificate for node "${nodeName}"` }
}

const decideServing = (
  nodeName: string,
  { spec }: CertificateSigningRequest,
  { dnsNames = [], addresses = [] }: Identity,
  { networks }: ApprovalSettings,
  now: ClusterNow,
): Decision => {
  const own = nodeOf({ name: spec.username ?? '', groups: spec.groups ?? [] })
  if (own === undefined) return undefined
  if (own !== nodeName) return deny('NotItsName', `node "${own}" may not ask for node "${nodeName}"`)
  const nodes = [...now.nodes()]
  const node = nodes.find(({ metadata }) => metadata.name === nodeName)
  if (!node) return deny('NotRegistered', `node "${nodeName}" is not registered`)
  const foreign = dnsNames.find((name) => name !== nodeName)
  if (foreign !== undefined) return deny('NotItsName', `DNS name "${foreign}" is not that of node "${nodeName}"`)
  const told = (node.status?.addresses ?? []).map(({ address }) => address)
  for (const address of addresses) {
    if (!told.includes(address))
      return deny('NotItsAddress', `${address} is not among the addresses of node "${nodeName}"`)
    const wrong = wrongAddress(address, nodeName, networks)
    if (wrong !== undefined) return deny('NotItsAddress', `the address ${address} ${wrong}`)
  }
  const claim = wrongClaim(node, undefined, nodes, networks)
  if (claim !== undefined) return deny('NotItsAddress', claim)
  return { type: 'Approved', reason: 'AutoApproved', message: `a serving certificate for node "${nodeName}"` }
}

/** What becomes of a request for `identity`. */
export const decideRequest = (
  request: CertificateSigningRequest,
  identity: Identity,
  settings: ApprovalSettings,
  now: ClusterNow,
): Decision => {
  const { signerName, usages } = request.spec
  if (signerName !== kubeletClientSigner && signerName !== kubeletServingSigner) return undefined
  const refused = signerRefuses(signerName, identity, usages)
  if (refused !== undefined) return deny('SignerValidationFailure', refused)
  const nodeName = identity.commonName.slice(nodeUserPrefix.length)
  const wrong = wrongNodeName(nodeName, settings, now.hasService)
  if (wrong !== undefined) return deny('NameNotAllowed', `node name "${nodeName}" ${wrong}`)
  return signerName === kubeletClientSigner
    ? decideClient(nodeName, request, now)
    : decideServing(nodeName, request, identity, settings, now)
}
