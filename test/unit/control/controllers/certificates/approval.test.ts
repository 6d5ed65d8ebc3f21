/** Which certificates of nodes are given, refused, or left to people. */
import t from 'tap'
import { bootstrappersGroup } from '../../../../../src/api/bootstrap-token.ts'
import type { Identity } from '../../../../../src/api/certificates.ts'
import {
  clientSigner,
  kubeletClientSigner,
  kubeletClientUsages,
  kubeletServingSigner,
  kubeletServingUsages,
} from '../../../../../src/api/signers.ts'
import type { CertificateSigningRequest, Node } from '../../../../../src/api/types/index.ts'
import {
  type ClusterNow,
  decideRequest,
  wrongNodeName,
} from '../../../../../src/control/controllers/certificates/approval.ts'

const settings = {
  clusterDomain: 'cluster.local',
  controlNames: ['kubernetes', 'control.example.com'],
  networks: {
    ...{ serviceCIDRs: ['10.96.0.0/16'], podCIDRs: ['10.244.0.0/16'], controlAddresses: ['192.0.2.1'] },
    localNode: 'local',
  },
}
const nodeAt = (name: string, ...addresses: string[]): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
})
const cluster = (more: Partial<ClusterNow> = {}): ClusterNow => ({
  liveHolder: () => undefined,
  nodes: () => [nodeAt('a', '192.0.2.11', '192.0.2.12'), nodeAt('b', '192.0.2.13')],
  hasService: (key) => key === 'default/web',
  ...more,
})

interface Asking {
  readonly user?: string
  readonly groups?: readonly string[]
  readonly signerName?: string
  readonly usages?: readonly string[]
  readonly now?: ClusterNow
}
const bootstrapper: Asking = { user: 'system:bootstrap:abcdef', groups: [bootstrappersGroup] }
const asNode = (name: string): Asking => ({ user: `system:node:${name}`, groups: ['system:nodes'] })

const decide = (nodeName: string, more: Partial<Identity>, asking: Asking): string => {
  const { user, groups, signerName = kubeletClientSigner, now = cluster() } = asking
  const usages = asking.usages ?? (signerName === kubeletServingSigner ? kubeletServingUsages : kubeletClientUsages)
  const request = {
    ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: 'r' } },
    spec: { request: '', signerName, usages, ...(user ? { username: user } : {}), ...(groups ? { groups } : {}) },
  } as CertificateSigningRequest
  const identity = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'], ...more }
  const decision = decideRequest(request, identity, settings, now)
  return decision === undefined ? 'left to people' : `${decision.reason}: ${decision.message}`
}
const client = (nodeName: string, asking: Asking) => decide(nodeName, {}, asking)
const serving = (nodeName: string, more: Partial<Identity>, asking: Asking) =>
  decide(nodeName, more, { ...asking, signerName: kubeletServingSigner })

t.test('a client certificate: for a new node by a bootstrap token, for a node by itself', async (t) => {
  t.equal(client('new', bootstrapper), 'AutoApproved: a client certificate for node "new"')
  t.equal(client('a', asNode('a')), 'AutoApproved: a client certificate for node "a"')
  t.equal(client('b', asNode('a')), 'NotItsName: node "a" may not ask for node "b"')
  t.equal(client('a', { user: 'jane', groups: ['dev'] }), 'left to people')
  t.equal(client('a', {}), 'left to people')
  t.equal(client('a', { user: 'system:node:a', groups: ['dev'] }), 'left to people', 'who calls itself a node is none')
})

t.test('a node in use is nobody else’s; its own agent renews', async (t) => {
  const now = cluster({ liveHolder: (name) => (name === 'a' ? 'a-1' : undefined) })
  t.match(client('a', { ...bootstrapper, now }), /^NodeInUse: node "a" is in use by another agent \(a-1\)/)
  t.match(client('b', { ...bootstrapper, now }), /^AutoApproved/)
  t.match(client('a', { ...asNode('a'), now }), /^AutoApproved/)
})

t.test('other signers’ requests are left to people, what the signer refuses is refused', async (t) => {
  t.equal(client('a', { ...asNode('a'), signerName: clientSigner }), 'left to people')
  t.equal(client('a', { ...asNode('a'), signerName: 'example.com/signer' }), 'left to people')
  t.match(client('a', { ...asNode('a'), usages: ['client auth'] }), /^SignerValidationFailure: usage/)
  t.match(decide('a', { organizations: ['system:masters'] }, bootstrapper), /^SignerValidationFailure: subject/)
})

t.test('a serving certificate: for the name and the addresses that its Node has', async (t) => {
  const own = asNode('a')
  t.equal(
    serving('a', { dnsNames: ['a'], addresses: ['192.0.2.11', '192.0.2.12'] }, own),
    'AutoApproved: a serving certificate for node "a"',
  )
  t.match(serving('a', { dnsNames: ['a'] }, own), /^AutoApproved/)
  t.equal(serving('a', { dnsNames: ['a'] }, { user: 'jane' }), 'left to people')
  t.equal(serving('a', { dnsNames: ['a'] }, bootstrapper), 'left to people')
  t.match(serving('b', { dnsNames: ['b'] }, own), /^NotItsName: node "a" may not ask for node "b"/)
  t.equal(serving('c', { dnsNames: ['c'] }, asNode('c')), 'NotRegistered: node "c" is not registered')
  t.match(serving('a', { dnsNames: ['a', 'b'] }, own), /^NotItsName: DNS name "b" is not that of node "a"/)
  t.match(serving('a', { addresses: ['192.0.2.11', '192.0.2.13'] }, own), /^NotItsAddress: 192.0.2.13 is not among/)
})

t.test('a node that says it has what is not its own gets none', async (t) => {
  const at = (addresses: readonly string[], asked: readonly string[], name = 'a') => {
    const now = cluster({ nodes: () => [nodeAt(name, ...addresses), nodeAt('b', '192.0.2.13')] })
    return serving(name, { addresses: asked }, { ...asNode(name), now })
  }
  t.match(at(['10.96.0.1'], ['10.96.0.1']), /^NotItsAddress: the address 10.96.0.1 is in the Service range/)
  t.match(at(['10.244.1.1'], ['10.244.1.1']), /^NotItsAddress: .* is in the pod range/)
  t.match(at(['127.0.0.1'], ['127.0.0.1']), /^NotItsAddress: .* is in 127.0.0.0\/8/)
  t.match(at(['192.0.2.1'], ['192.0.2.1']), /^NotItsAddress: .* is the control plane's/)
  t.match(at(['192.0.2.1'], ['192.0.2.1'], 'local'), /^AutoApproved/, 'but for the node on its machine')
  t.match(at(['192.0.2.11', '192.0.2.13'], ['192.0.2.11']), /^NotItsAddress: 192.0.2.13 is that of node "b"/)
})

t.test('names that no node may have', async (t) => {
  const wrong = (name: string) => wrongNodeName(name, settings, cluster().hasService)
  for (const name of ['a', 'a.example.com', 'web', 'web.other', 'svcs.example.com', 'node-1', 'localhost.example.com'])
    t.equal(wrong(name), undefined, name)
  for (const name of ['', 'A', 'a_b', '-a', 'a..b', 'x'.repeat(254)]) t.ok(wrong(name), name)
  for (const [name, why] of [
    ['10.0.0.1', /is an IP address/],
    ['1', /is an IP address/],
    ['1.2', /is an IP address/],
    ['localhost', /is the control plane's/],
    ['a.localhost', /is the control plane's/],
    ['kubernetes', /is the control plane's/],
    ['control.example.com', /is the control plane's/],
    ['svc', /is a name of Services/],
    ['web.default.svc', /is a name of Services/],
    ['web.default.svc.example.com', /is a name of Services/],
    ['cluster.local', /is a name of Services/],
    ['a.cluster.local', /is a name of Services/],
    ['web.default', /is the name of Service default\/web/],
    ['web.default.example.com', /is the name of Service default\/web/],
  ] as const)
    t.match(wrong(name), why, name)
  t.equal(client('localhost', bootstrapper), `NameNotAllowed: node name "localhost" is the control plane's`)
})
