/** What a node may write: about itself and its own pods, and nothing that draws the traffic of others. */
import t from 'tap'
import type { Method } from '../../../../src/api/transport.ts'
import { nodesGroup } from '../../../../src/api/users.ts'
import { createTestApi } from '../../../support/api-server.ts'

const userOf = (node: string) => ({ name: `system:node:${node}`, groups: [nodesGroup] })
const nodes = '/api/v1/nodes'
const pods = '/api/v1/namespaces/default/pods'
const events = '/api/v1/namespaces/default/events'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const flannel = 'flannel.alpha.coreos.com'

const start = async () => {
  const api = await createTestApi()
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-node-lease' } } })
  const as =
    (node: string) =>
    async (method: Method, path: string, body?: unknown): Promise<string> => {
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      const reply = await api.request(method, path, { user: userOf(node), body, contentType })
      return `${reply.code} ${reply.body['message'] ?? ''}`.trim()
    }
  return { api, as, n1: as('n1'), n2: as('n2') }
}

const statusWith = (...addresses: string[]) => ({
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
})

t.test('its own Node only, and of that only what describes it', async (t) => {
  const { api, n1 } = await start()
  t.match(await n1('POST', nodes, { metadata: { name: 'n9' } }), /^403 .*not allowed to write node "n9"/)
  for (const [what, body] of Object.entries({
    podCIDR: { spec: { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24'] } },
    role: { metadata: { name: 'n1', labels: { 'node-role.kubernetes.io/control-plane': '' } } },
    restricted: { metadata: { name: 'n1', labels: { 'node-restriction.kubernetes.io/pci': 'yes' } } },
    deeper: { metadata: { name: 'n1', labels: { 'x.node-restriction.kubernetes.io/pci': 'yes' } } },
    owner: { metadata: { name: 'n1', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }] } },
  }))
    t.match(await n1('POST', nodes, { metadata: { name: 'n1' }, ...body }), /^403/, what)
  const labels = { 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/instance-type': 'big', 'my.company/rack': '1' }
  const taints = [{ key: 'starting', effect: 'NoSchedule' }]
  t.equal(await n1('POST', nodes, { metadata: { name: 'n1', labels }, spec: { taints } }), '201')
  await api.request('POST', nodes, { body: { metadata: { name: 'n2' } } })
  t.match(await n1('PATCH', `${nodes}/n2`, { metadata: { annotations: { a: 'b' } } }), /^403/)
  t.match(await n1('PATCH', `${nodes}/n2/status`, statusWith('192.0.2.9')), /^403/)
  t.match(await n1('DELETE', `${nodes}/n2`), /^403/)
  t.match(await n1('DELETE', `${nodes}/n1`), /^403/)
  t.match(await n1('PATCH', `${nodes}/n1`, { spec: { podCIDR: '10.244.2.0/24' } }), /^403 .*modify spec.podCIDR/)
  t.match(await n1('PATCH', `${nodes}/n1`, { spec: { taints: null } }), /^403 .*modify taints/)
  t.match(await n1('PATCH', `${nodes}/n1`, { metadata: { labels: { 'topology.k8s.io/x': 'y' } } }), /^403/)
  t.match(
    await n1('PATCH', `${nodes}/n1`, {
      metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }] },
    }),
    /^403/,
  )
  t.equal(await n1('PATCH', `${nodes}/n1`, { spec: { unschedulable: true } }), '200', 'it may cordon itself')
  t.equal(await n1('PATCH', `${nodes}/n1`, { metadata: { labels: { 'my.company/rack': '2' } } }), '200')
  await api.request('PATCH', `${nodes}/n1`, {
    body: { metadata: { labels: { 'node-role.kubernetes.io/worker': '' } } },
    contentType: 'application/merge-patch+json',
  })
  t.match(
    await n1('PATCH', `${nodes}/n1`, { metadata: { labels: { 'node-role.kubernetes.io/worker': null } } }),
    /^403/,
    'nor takes away what an administrator has put there',
  )
})

t.test('addresses and tunnel ends of its own only', async (t) => {
  const { n1, n2 } = await start()
  const told = (address: string, mac: string) => ({
    [`${flannel}/public-ip`]: address,
    [`${flannel}/backend-data`]: JSON.stringify({ VNI: 1, VtepMAC: mac }),
  })
  t.equal(
    await n1('POST', nodes, { metadata: { name: 'n1', annotations: told('172.30.0.11', '02:00:00:00:00:01') } }),
    '201',
  )
  t.equal(await n1('PATCH', `${nodes}/n1/status`, statusWith('172.30.0.11', 'fd00::11')), '200')
  t.equal(await n2('POST', nodes, { metadata: { name: 'n2' } }), '201')
  for (const address of [
    '172.30.0.11',
    'fd00:0::11',
    '172.30.0.2',
    '10.96.0.1',
    '10.244.1.7',
    '127.0.0.1',
    '224.0.0.1',
    'x',
    '::ffff:172.30.0.11',
  ])
    t.match(await n2('PATCH', `${nodes}/n2/status`, statusWith(address)), /^(403|422)/, address)
  for (const [name, value] of Object.entries({
    'public-ip': '172.30.0.11',
    'public-ip-overwrite': '172.30.0.11',
    'public-ipv6': 'fd00::11',
    'backend-data': JSON.stringify({ VtepMAC: '02:00:00:00:00:01'.toUpperCase() }),
    'backend-v6-data': JSON.stringify({ VtepMAC: '02:00:00:00:00:01' }),
  }))
    t.match(
      await n2('PATCH', `${nodes}/n2`, { metadata: { annotations: { [`${flannel}/${name}`]: value } } }),
      /^403 .*is that of node "n1"/,
      name,
    )
  t.equal(
    await n2('PATCH', `${nodes}/n2`, { metadata: { annotations: told('172.30.0.12', '02:00:00:00:00:02') } }),
    '200',
  )
  t.equal(await n2('PATCH', `${nodes}/n2/status`, statusWith('172.30.0.12')), '200')
  t.equal(await n2('PATCH', `${nodes}/n2/status`, statusWith('172.30.0.12')), '200', 'again')
})

t.test('its own pods only', async (t) => {
  const { api, n1 } = await start()
  for (const [name, podCIDR, address] of [
    ['n1', '10.244.1.0/24', '172.30.0.11'],
    ['n2', '10.244.2.0/24', '172.30.0.12'],
  ] as const)
    await api.request('POST', nodes, { body: { metadata: { name }, spec: { podCIDR }, ...statusWith(address) } })
  for (const [name, nodeName, more] of [
    ['mine', 'n1', {}],
    ['host', 'n1', { hostNetwork: true }],
    ['other', 'n2', {}],
  ] as const) {
    const spec = { nodeName, ...more, containers: [{ name: 'c', image: 'i' }] }
    t.equal((await api.request('POST', pods, { body: { metadata: { name }, spec } })).code, 201)
  }
  const ip = (podIP: string) => ({ status: { podIP, podIPs: [{ ip: podIP }] } })
  t.match(await n1('PATCH', `${pods}/other/status`, ip('10.244.1.2')), /^403 .*spec.nodeName set to itself/)
  t.match(await n1('DELETE', `${pods}/other`), /^403 .*spec.nodeName set to itself/)
  t.match(await n1('PATCH', `${pods}/mine/status`, ip('10.244.2.2')), /^403 .*no address of a pod on node/)
  t.match(await n1('PATCH', `${pods}/host/status`, ip('172.30.0.12')), /^403/)
  t.equal(await n1('PATCH', `${pods}/host/status`, ip('172.30.0.11')), '200')
  t.equal(await n1('PATCH', `${pods}/mine/status`, ip('10.244.1.2')), '200')
  for (const metadata of [
    { labels: { app: 'web' } },
    { finalizers: ['example.com/hold'] },
    { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'b' }] },
  ]) {
    const answer = await n1('PATCH', `${pods}/mine/status`, { metadata, ...ip('10.244.1.2') })
    const isLeft = 'ownerReferences' in metadata
    t.match(answer, isLeft ? /^200/ : /^403 .*cannot update (labels|finalizers) through pod status/)
  }
  t.match(await n1('PATCH', `${pods}/gone/status`, ip('10.244.1.2')), /^404/, 'what is gone is not forbidden')
  t.match(await n1('GET', `${pods}/other/log`), /^403/)
  t.equal(await n1('DELETE', `${pods}/mine?gracePeriodSeconds=0`), '200')
})

t.test('Events about itself and its own pods, and its own Lease', async (t) => {
  const { api, n1, n2 } = await start()
  for (const [name, nodeName] of [
    ['mine', 'n1'],
    ['other', 'n2'],
  ] as const) {
    const spec = { nodeName, containers: [{ name: 'c', image: 'i' }] }
    await api.request('POST', pods, { body: { metadata: { name }, spec } })
  }
  const event = (name: string, involvedObject: object, host = 'n1') => ({
    metadata: { name },
    involvedObject,
    ...{ reason: 'Started', source: { component: 'podway', host } },
  })
  const pod = (name: string) => ({ kind: 'Pod', namespace: 'default', name })
  t.equal(await n1('POST', events, event('a', pod('mine'))), '201')
  t.equal(await n1('POST', events, event('b', { kind: 'Node', name: 'n1' })), '201')
  t.equal(await n1('POST', events, event('c', pod('gone'))), '201')
  t.match(await n1('POST', events, event('d', pod('other'))), /^403/)
  t.match(await n1('POST', events, event('e', { kind: 'Node', name: 'n2' })), /^403/)
  t.match(await n1('POST', events, event('f', { kind: 'Service', namespace: 'default', name: 'x' })), /^403/)
  t.match(await n1('POST', events, event('g', pod('mine'), 'n2')), /^403/)
  t.match(await n2('PATCH', `${events}/a`, { message: 'x' }), /^403/, "another's Event")
  t.equal(await n1('PATCH', `${events}/a`, { count: 2 }), '200')

  const lease = (name: string, more: object = {}) => ({
    metadata: { name, ...more },
    spec: { holderIdentity: name, leaseDurationSeconds: 10 },
  })
  t.match(await n1('POST', leases, lease('n2')), /^403/)
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }]
  t.match(await n1('POST', leases, lease('n1', { ownerReferences })), /^403/)
  t.equal(await n1('POST', leases, lease('n1')), '201')
})

t.test('a node creates the mirrors of its own pods, and no other pods', async (t) => {
  const { api, n1 } = await start()
  for (const name of ['n1', 'n2']) await api.request('POST', nodes, { body: { metadata: { name } } })
  const uid = async (name: string) =>
    (await api.request('GET', `${nodes}/${name}`)).body['metadata']?.['uid'] as unknown
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: await uid('n1'), controller: true }
  const mirror = (metadata: object = {}, spec: object = {}) => ({
    metadata: {
      ...{ name: 'web-n1', annotations: { 'kubernetes.io/config.mirror': 'h' }, ownerReferences: [owner] },
      ...metadata,
    },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], ...spec },
  })
  const refused: readonly (readonly [body: object, why: RegExp])[] = [
    [mirror({ annotations: {} }), /does not have "kubernetes.io\/config.mirror" annotation/],
    [mirror({}, { nodeName: 'n2' }), /can only create pods with spec.nodeName set to itself/],
    [mirror({}, { nodeName: '' }), /can only create pods with spec.nodeName set to itself/],
    [mirror({ ownerReferences: [] }), /with an owner reference set to itself/],
    [mirror({ ownerReferences: [owner, { ...owner, uid: 'x', controller: false }] }), /with a single owner reference/],
    [mirror({ ownerReferences: [{ ...owner, name: 'n2', uid: await uid('n2') }] }), /owner reference set to itself/],
    [mirror({ ownerReferences: [{ ...owner, controller: false }] }), /a controller owner reference/],
    [mirror({ ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }), /must not set blockOwnerDeletion/],
    [mirror({ ownerReferences: [{ ...owner, uid: await uid('n2') }] }), /UID mismatch/],
    [mirror({}, { serviceAccountName: 'admin' }), /reference a service account/],
    [mirror({}, { volumes: [{ name: 'v', secret: { secretName: 's' } }] }), /reference secrets/],
    [mirror({}, { imagePullSecrets: [{ name: 's' }] }), /reference secrets/],
    [mirror({}, { volumes: [{ name: 'v', configMap: { name: 's' } }] }), /reference configmaps/],
    [mirror({}, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 's' } }] }), /persistentvolumeclaims/],
  ]
  for (const [body, why] of refused) {
    const said = await n1('POST', pods, body)
    t.match(said, /^403/)
    t.match(said, why)
  }
  t.equal(await n1('POST', pods, mirror()), '201')
  t.match(await n1('PATCH', `${pods}/web-n1`, { spec: { containers: [{ name: 'c', image: 'other' }] } }), /^403/)
  t.equal(await n1('DELETE', `${pods}/web-n1`), '200')
})
