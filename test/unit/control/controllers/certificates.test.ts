/** Certificates by request: who gets one by itself, who is refused, and what waits for an administrator. */
import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { CertificateDenied, requestCertificate } from '../../../../src/agent/certificates/request.ts'
import { bootstrappersGroup } from '../../../../src/api/bootstrap-token.ts'
import { createSigningRequest, type Identity } from '../../../../src/api/certificates.ts'
import { formatMicroTime } from '../../../../src/api/clock.ts'
import { certificateSigningRequests, leases, nodes, services } from '../../../../src/api/resources.ts'
import {
  clientSigner,
  kubeletClientSigner,
  kubeletClientUsages,
  kubeletServingSigner,
  kubeletServingUsages,
} from '../../../../src/api/signers.ts'
import { nodesGroup } from '../../../../src/api/users.ts'
import type { User } from '../../../../src/control/auth/user.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { createTestApi } from '../../../support/api-server.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const joiner: User = { name: 'system:bootstrap:abcdef', groups: [bootstrappersGroup] }
const userOf = (node: string): User => ({ name: `system:node:${node}`, groups: [nodesGroup] })
const identityOf = (node: string, more: Partial<Identity> = {}): Identity => ({
  ...{ commonName: `system:node:${node}`, organizations: [nodesGroup] },
  ...more,
})
const usagesOf = { [kubeletClientSigner]: kubeletClientUsages, [kubeletServingSigner]: kubeletServingUsages } as const

const start = async (t: Test) => {
  const cluster = await startControlPlane(t)
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const ask = (
    user: User,
    signerName: keyof typeof usagesOf,
    identity: Identity,
    usages: readonly string[] = usagesOf[signerName],
  ) => requestCertificate({ client: cluster.as(user), signerName, usages, identity, log: silentLogger }, stop.signal)
  /** Why a request is denied, as `Reason: message`. */
  const why = (...args: Parameters<typeof ask>): Promise<string> =>
    ask(...args).then(
      () => 'it is given',
      (error: unknown) => {
        if (error instanceof CertificateDenied) return `${error.reason}: ${error.message}`
        return `${error instanceof Error ? error.message : error}`
      },
    )
  const beat = (name: string, holderIdentity: string) =>
    cluster.client.create(leases, {
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity, leaseDurationSeconds: 10, renewTime: formatMicroTime(Date.now()) },
    })
  return { ...cluster, ask, why, beat }
}

t.test('a join token gives a client certificate of a new node, and nothing else', async (t) => {
  const { client, ask, why } = await start(t)
  const { cert } = await ask(joiner, kubeletClientSigner, identityOf('n1'))
  const x509 = new X509Certificate(cert)
  t.equal(x509.subject, 'O=system:nodes\nCN=system:node:n1')
  t.equal(x509.subjectAltName, undefined)
  t.same(x509.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'for clients only')
  t.ok(Date.parse(x509.validTo) - Date.now() <= 3_600_000, 'for no longer than the cluster allows')

  await client.create(services, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { ports: [{ port: 80, protocol: 'TCP' }] },
  })
  for (const name of [
    ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
    ...['api.lab', 'localhost', 'a.localhost', 'web.default', 'web.default.svc', 'x.cluster.local', 'x.default.svc.y'],
    ...['10.96.0.1', '1.2.3', '*.lab', 'Upper', '-x', 'a/b', ''],
  ])
    t.match(
      await why(joiner, kubeletClientSigner, identityOf(name)),
      /^(NameNotAllowed|SignerValidationFailure): /,
      JSON.stringify(name),
    )
  for (const [what, identity] of Object.entries({
    masters: { commonName: 'system:node:n2', organizations: ['system:masters'] },
    both: { commonName: 'system:node:n2', organizations: [nodesGroup, 'system:masters'] },
    'no node': { commonName: 'podway:control', organizations: [nodesGroup] },
    'a DNS name': identityOf('n2', { dnsNames: ['n2'] }),
    'an address': identityOf('n2', { addresses: ['10.96.0.1'] }),
  }))
    t.match(await why(joiner, kubeletClientSigner, identity), /^SignerValidationFailure: /, what)
  t.match(
    await why(joiner, kubeletClientSigner, identityOf('n2'), [...kubeletClientUsages, 'server auth']),
    /^SignerValidationFailure: usage "server auth" is not allowed/,
  )
  t.match(await why(joiner, kubeletServingSigner, identityOf('n2', { dnsNames: ['n2'] })), /may not ask the signer/)
})

t.test('a node that is in use is not given to another agent', async (t) => {
  const { ask, why, beat } = await start(t)
  await beat('n1', 'n1_first')
  await until(
    async () => (await why(joiner, kubeletClientSigner, identityOf('n1'))).startsWith('NodeInUse'),
    'the lease to be seen',
  )
  t.match(await why(joiner, kubeletClientSigner, identityOf('n1')), /held by n1_first .*--node-name/)
  t.ok(await ask(userOf('n1'), kubeletClientSigner, identityOf('n1')), 'the agent itself renews')
  t.match(await why(userOf('n1'), kubeletClientSigner, identityOf('n2')), /^NotItsName: /)
})

t.test('serving certificates: its own name, and addresses that it has', async (t) => {
  const { client, ask, why } = await start(t)
  const addNode = (name: string, ...addresses: string[]) =>
    client.create(nodes, {
      metadata: { name },
      status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address }) as const) },
    })
  const serving = (node: string, more: Partial<Identity>) =>
    why(userOf(node), kubeletServingSigner, identityOf(node, more))
  t.match(await serving('n1', { addresses: ['172.30.0.11'] }), /^NotRegistered: /)
  await addNode('n1', '172.30.0.11', 'fd00::11', '10.96.0.1', '172.30.0.2', '127.0.0.1')
  const identity = identityOf('n1', { dnsNames: ['n1'], addresses: ['172.30.0.11', 'fd00::11'] })
  t.match(await why(userOf('n1'), kubeletServingSigner, identity), /^NotItsAddress: /, 'a node that claims too much')
  await client.updateStatus(nodes, {
    metadata: { name: 'n1' },
    status: {
      addresses: ['172.30.0.11', 'fd00::11'].map((address) => ({ type: 'InternalIP', address }) as const),
    },
  })
  const x509 = new X509Certificate((await ask(userOf('n1'), kubeletServingSigner, identity)).cert)
  t.same(x509.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'for servers only')
  t.ok(x509.checkIP('172.30.0.11') && x509.checkIP('fd00::11') && x509.checkHost('n1'))

  await addNode('n2', '172.30.0.12')
  for (const more of [
    { dnsNames: ['n1'] },
    { dnsNames: ['*'] },
    { dnsNames: ['kubernetes.default.svc'] },
    { addresses: ['172.30.0.11'] },
    { addresses: ['172.30.0.2'] },
    { addresses: ['10.96.0.1'] },
    { addresses: ['0.0.0.0'] },
    { dnsNames: ['n2'], addresses: ['172.30.0.12', '172.30.0.11'] },
  ])
    t.match(await serving('n2', more), /^NotIts(Name|Address): /, JSON.stringify(more))
  t.match(await serving('n2', {}), /a DNS name or an IP address is required/)
  t.match(await why(userOf('n2'), kubeletServingSigner, identityOf('n1', { dnsNames: ['n1'] })), /^NotItsName: /)
  await addNode('n3', '172.30.0.12')
  t.match(await serving('n3', { addresses: ['172.30.0.12'] }), /^NotItsAddress: .*node "n2"/, 'one address, two nodes')
})

t.test('what nodes ask for is what signers of every Kubernetes version sign', async (t) => {
  // Before 1.27 they sign nothing without key encipherment.
  t.same([...kubeletClientUsages].sort(), ['client auth', 'digital signature', 'key encipherment'])
  t.same([...kubeletServingUsages].sort(), ['digital signature', 'key encipherment', 'server auth'])
})

t.test('all else waits for an administrator', async (t) => {
  const { client, as } = await start(t)
  const post = async (name: string, identity: Identity, by = client, signerName = clientSigner) => {
    const { csr } = await createSigningRequest(identity)
    const request = Buffer.from(csr, 'utf8').toString('base64')
    const usages = ['client auth', 'digital signature']
    return by.create(certificateSigningRequests, {
      metadata: { name },
      spec: { request, signerName, usages, username: 'somebody else', groups: ['system:masters'] },
    })
  }
  const now = (name: string) => client.get(certificateSigningRequests, name)
  const approve = async (name: string, type = 'Approved') =>
    client.update(
      certificateSigningRequests,
      { ...(await now(name)), status: { conditions: [{ type, status: 'True', reason: 'KubectlApprove' }] } },
      'approval',
    )
  const asked = await post('jane', { commonName: 'jane', organizations: ['devs'] })
  t.match(asked.spec, { username: 'admin' }, 'who asks is not for the request to say')
  await post('other', { commonName: 'other' }, client, 'example.com/other')
  await approve('other')
  await approve('jane')
  const certificate = await until(async () => (await now('jane')).status?.certificate, 'the certificate')
  const x509 = new X509Certificate(Buffer.from(certificate, 'base64'))
  t.equal(x509.subject, 'O=devs\nCN=jane')
  t.equal((await now('other')).status?.certificate, undefined, "another signer's")
  await t.rejects(approve('jane', 'Denied'), /may not remove/)

  await post('no', { commonName: 'no' })
  await approve('no', 'Denied')
  for (const [name, identity] of [
    ['root', { commonName: 'root', organizations: ['system:masters'] }],
    ['control', { commonName: 'podway:control' }],
  ] as const) {
    await post(name, identity)
    await approve(name)
    await until(async () => (await now(name)).status?.conditions?.some(({ type }) => type === 'Failed'), 'its refusal')
    t.equal((await now(name)).status?.certificate, undefined, name)
  }
  t.equal((await now('no')).status?.certificate, undefined, 'denied')

  for (const user of [joiner, userOf('n1')]) {
    await t.rejects(post('x', { commonName: 'x' }, as(user)), /may not ask the signer/)
    await t.rejects(as(user).get(certificateSigningRequests, 'jane'), { code: 403 })
    await t.rejects(as(user).list(certificateSigningRequests), { code: 403 })
    await t.rejects(as(user).update(certificateSigningRequests, await now('no'), 'approval'), { code: 403 })
  }
  await t.rejects(
    client.create(certificateSigningRequests, {
      metadata: { name: 'junk' },
      spec: { request: Buffer.from('junk').toString('base64'), signerName: clientSigner, usages: ['client auth'] },
    }),
    { code: 422 },
  )
})

t.test('a request is decided and signed by those who may for its signer', async (t) => {
  const api = await createTestApi()
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
  const { csr } = await createSigningRequest({ commonName: 'jane' })
  const spec = { request: Buffer.from(csr).toString('base64'), signerName: clientSigner, usages: ['client auth'] }
  const bob: User = { name: 'bob', groups: [] }
  const allow = async (name: string, rule: object) => {
    await api.request('POST', `${rbac}/clusterroles`, { body: { metadata: { name }, rules: [rule] } })
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }
    const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' }]
    await api.request('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name }, roleRef, subjects } })
  }
  const group = { apiGroups: ['certificates.k8s.io'] }
  await allow('requests', {
    ...{ ...group, verbs: ['*'] },
    resources: [
      'certificatesigningrequests',
      'certificatesigningrequests/approval',
      'certificatesigningrequests/status',
    ],
  })
  const made = await api.request('POST', requests, { user: bob, body: { metadata: { name: 'jane' }, spec } })
  t.equal(made.code, 201, 'everybody who may make one asks any signer')
  t.match(made.body['spec'], { username: 'bob' })
  const put = async (subresource: string, status: object) => {
    const { body } = await api.request('GET', `${requests}/jane`)
    const { code, body: answer } = await api.request('PUT', `${requests}/jane/${subresource}`, {
      ...{ user: bob, body: { ...(body as object), status } },
    })
    return code === 200 ? code : answer['message']
  }
  const approved = { conditions: [{ type: 'Approved', status: 'True', reason: 'x', message: 'y' }] }
  const refused = (verb: string) =>
    `certificatesigningrequests.certificates.k8s.io "jane" is forbidden: user not permitted to ${verb} requests with signerName "kubernetes.io/kube-apiserver-client"`
  t.equal(await put('approval', approved), refused('approve'))
  t.match(await put('status', { certificate: Buffer.from('x').toString('base64') }), refused('sign'))
  await allow('approve', { ...group, verbs: ['approve'], resources: ['signers'], resourceNames: ['kubernetes.io/*'] })
  t.equal(await put('approval', approved), 200)
})
