import t from 'tap'
import { createTestApi, type Json, testNetworks } from '../../../support/api-server.ts'

const services = '/api/v1/namespaces/default/services'
const ranges = {
  networks: { ...testNetworks, serviceCIDRs: ['10.96.0.0/28'] },
  nodePorts: { from: 30_000, to: 30_003 },
}
const open = () => createTestApi({ admission: ranges })

const service = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
})
const spec = (body: Json): Json => body['spec'] ?? body
const merge = 'application/merge-patch+json'

t.test('a Service gets an address, keeps it, and gives it back', async (t) => {
  const api = await open()
  const { body } = await api.request('POST', services, { body: service('a') })
  const address = String(spec(body)['clusterIP'])
  t.match(address, /^10\.96\.0\.\d+$/)
  t.same(spec(body)['clusterIPs'], [address])
  const put = await api.request('PUT', `${services}/a`, { body: service('a', { ports: [{ port: 81 }] }) })
  t.equal(spec(put.body)['clusterIP'], address, 'a PUT without it keeps it')
  const moved = await api.request('PUT', `${services}/a`, { body: service('a', { clusterIP: '10.96.0.9' }) })
  t.equal(moved.code, 422)
  await api.request('DELETE', `${services}/a`)
  const next = await api.request('POST', services, { body: service('b', { clusterIP: address }) })
  t.equal(next.code, 201, 'free again')
})

t.test('an address is held once, and only from the range', async (t) => {
  const api = await open()
  await api.request('POST', services, { body: service('a', { clusterIP: '10.96.0.5' }) })
  const taken = await api.request('POST', services, { body: service('b', { clusterIP: '10.96.0.5' }) })
  t.equal(
    taken.body['message'],
    'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.5"]: failed to allocate IP 10.96.0.5: provided IP is already allocated',
  )
  const outside = await api.request('POST', services, { body: service('b', { clusterIP: '10.97.0.5' }) })
  t.match(outside.body['message'], /not in the valid range. The range of valid IPs is 10.96.0.0\/28$/)
  for (let n = 0; n < 13; n++) t.equal((await api.request('POST', services, { body: service(`s${n}`) })).code, 201)
  const full = await api.request('POST', services, { body: service('last') })
  t.strictSame([full.code, full.body['reason']], [500, 'InternalError'])
  t.match(full.body['message'], /range is full/)
  t.equal((await api.request('POST', services, { body: service('headless', { clusterIP: 'None' }) })).code, 201)
})

t.test('what a refused or pretended Service would have had is free', async (t) => {
  const api = await open()
  for (let n = 0; n < 30; n++) {
    const bad = await api.request('POST', services, { body: service('bad', { ports: [{ port: 0 }] }) })
    t.equal(bad.code, 422)
    t.equal(
      (await api.request('POST', `${services}?dryRun=All`, { body: service('dry', { type: 'NodePort' }) })).code,
      201,
    )
  }
  for (let n = 0; n < 14; n++) t.equal((await api.request('POST', services, { body: service(`s${n}`) })).code, 201)
})

t.test('node ports', async (t) => {
  const api = await open()
  const { body } = await api.request('POST', services, {
    body: service('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] }),
  })
  t.equal(spec(body)['ports']?.[0]?.['nodePort'], 30_001)
  const taken = await api.request('POST', services, {
    body: service('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] }),
  })
  t.match(taken.body['message'], /spec.ports\[0\].nodePort: Invalid value: 30001: provided port is already allocated/)
  const outside = await api.request('POST', services, {
    body: service('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
  })
  t.match(outside.body['message'], /The range of valid ports is 30000-30003/)
  const both = await api.request('POST', services, {
    body: service('dns', {
      type: 'NodePort',
      ports: [
        { name: 'u', port: 53, protocol: 'UDP', nodePort: 30_002 },
        { name: 't', port: 53, protocol: 'TCP', nodePort: 30_002 },
      ],
    }),
  })
  t.equal(both.code, 201, 'one number for two protocols of one Service')

  const closed = await api.request('PATCH', `${services}/a`, {
    body: { spec: { type: 'ClusterIP' } },
    contentType: merge,
  })
  t.equal(spec(closed.body)['ports']?.[0]?.['nodePort'], undefined, 'a ClusterIP Service has none')
  t.equal(
    (
      await api.request('POST', services, {
        body: service('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] }),
      })
    ).code,
    201,
  )
})

t.test('a port to ask a node for its health', async (t) => {
  const api = await open()
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', allocateLoadBalancerNodePorts: false }
  const { body } = await api.request('POST', services, { body: service('a', local) })
  const port = Number(spec(body)['healthCheckNodePort'])
  t.ok(port >= 30_000 && port <= 30_003, `${port}`)
  const put = await api.request('PUT', `${services}/a`, { body: service('a', local) })
  t.equal(spec(put.body)['healthCheckNodePort'], port, 'a PUT without it keeps it')
  const other = port === 30_000 ? 30_001 : 30_000
  const changed = await api.request('PUT', `${services}/a`, {
    body: service('a', { ...local, healthCheckNodePort: other }),
  })
  t.match(changed.body['message'], /spec.healthCheckNodePort: Invalid value: \d+: field is immutable/)
  const taken = { type: 'NodePort', ports: [{ port: 80, nodePort: port }] }
  t.equal((await api.request('POST', services, { body: service('b', taken) })).code, 422, 'nobody else may have it')
  const cluster = await api.request('PATCH', `${services}/a`, {
    body: { spec: { externalTrafficPolicy: 'Cluster' } },
    contentType: merge,
  })
  t.equal(spec(cluster.body)['healthCheckNodePort'], undefined, 'nobody needs it any more')
  t.equal((await api.request('POST', services, { body: service('b', taken) })).code, 201)
})

t.test('a change of type to ExternalName and back', async (t) => {
  const api = await open()
  const { body } = await api.request('POST', services, { body: service('a') })
  const named = await api.request('PATCH', `${services}/a`, {
    body: { spec: { type: 'ExternalName', externalName: 'example.com' } },
    contentType: merge,
  })
  t.strictSame([named.code, spec(named.body)['clusterIP']], [200, undefined])
  const other = await api.request('POST', services, {
    body: service('b', { clusterIP: String(spec(body)['clusterIP']) }),
  })
  t.equal(other.code, 201, 'its address was freed')
  const back = await api.request('PATCH', `${services}/a`, {
    body: { spec: { type: 'ClusterIP', externalName: null } },
    contentType: merge,
  })
  t.match(spec(back.body)['clusterIP'], /^10\.96\.0\./)
})

t.test('after a restart the store says who holds what', async (t) => {
  const api = await open()
  const { body } = await api.request('POST', services, { body: service('a', { type: 'NodePort' }) })
  const again = await createTestApi({ admission: ranges, backend: api.backend })
  const { code, body: refused } = await again.request('POST', services, {
    body: service('b', { clusterIP: spec(body)['clusterIP'] }),
  })
  t.equal(code, 422)
  t.match(refused['message'], /already allocated/)
})

t.test('ServiceCIDRs add ranges, and take them away for new Services', async (t) => {
  const api = await open()
  const cidrs = '/apis/networking.k8s.io/v1/servicecidrs'
  for (let n = 0; n < 14; n++) t.equal((await api.request('POST', services, { body: service(`s${n}`) })).code, 201)
  t.equal((await api.request('POST', services, { body: service('late') })).code, 500, 'full')
  const bad = await api.request('POST', cidrs, {
    body: { metadata: { name: 'bad' }, spec: { cidrs: ['10.97.0.1/24'] } },
  })
  t.equal(bad.code, 422)
  const more = { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } }
  t.equal((await api.request('POST', cidrs, { body: more })).code, 201)
  const late = await api.request('POST', services, { body: service('late') })
  t.match(spec(late.body)['clusterIP'], /^10\.97\.0\.\d+$/)
  const wanted = await api.request('POST', services, { body: service('wanted', { clusterIP: '10.97.0.99' }) })
  t.equal(wanted.code, 201)
  const put = await api.request('PUT', `${services}/late`, { body: service('late', { ports: [{ port: 81 }] }) })
  t.equal(spec(put.body)['clusterIP'], spec(late.body)['clusterIP'], 'it keeps its address')
  await api.request('DELETE', `${cidrs}/more`)
  t.equal((await api.request('POST', services, { body: service('later') })).code, 500)
})

const ipAddresses = '/apis/networking.k8s.io/v1/ipaddresses'
const addressOf = ({ body }: { readonly body: Json }): string => String(spec(body)['clusterIP'])
const versionOf = ({ body }: { readonly body: Json }): string => String(body['metadata']?.['resourceVersion'])

t.test('a Service and its IPAddress come and go in one transaction', async (t) => {
  const api = await open()
  const made = await api.request('POST', services, { body: service('a') })
  const address = await api.request('GET', `${ipAddresses}/${addressOf(made)}`)
  t.equal(versionOf(address), versionOf(made))
  t.match(address.body, {
    metadata: { uid: /./, creationTimestamp: /Z$/, labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4' } },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'a' } },
  })
  const touched = await api.request('PATCH', `${services}/a`, {
    body: { metadata: { labels: { a: 'b' } } },
    contentType: merge,
  })
  t.equal(touched.code, 200)
  t.equal(versionOf(await api.request('GET', `${ipAddresses}/${addressOf(made)}`)), versionOf(made), 'written once')
  const dry = await api.request('POST', `${services}?dryRun=All`, { body: service('b') })
  t.equal((await api.request('GET', `${ipAddresses}/${addressOf(dry)}`)).code, 404)
  const { events, stop } = await api.watch(`${ipAddresses}?watch=true&resourceVersion=${versionOf(touched)}`)
  await api.request('DELETE', `${services}/a`)
  t.same(
    events.map(({ type, object }) => [type, object['metadata']?.['resourceVersion']]),
    [['DELETED', String(api.store.revision)]],
  )
  await stop()
})

t.test('servers that choose the same at the same time: one wins, the other chooses again or is refused', async (t) => {
  const one = await createTestApi({ admission: ranges })
  const two = await createTestApi({ admission: ranges, backend: one.backend })
  const both = (name: string, body: object) =>
    Promise.all([one, two].map((api, n) => api.request('POST', services, { body: service(`${name}${n}`, body) })))
  for (const [what, body] of Object.entries({
    address: { clusterIP: '10.96.0.5' },
    port: { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] },
  })) {
    const answers = await both(what, body)
    t.same(answers.map(({ code }) => code).sort(), [201, 422], what)
    t.match(answers.find(({ code }) => code === 422)?.body['message'], /already allocated/, what)
  }
  const many = (await Promise.all(['c', 'd', 'e'].map((name) => both(name, {})))).flat()
  t.same(new Set(many.map(({ code }) => code)), new Set([201]))
  t.equal(new Set(many.map(addressOf)).size, many.length, 'each has an address of its own')
})

t.test('an IPAddress of somebody else is not given to a Service', async (t) => {
  const api = await open()
  const taken = Array.from({ length: 12 }, (_, n) => `10.96.0.${n + 1}`)
  for (const name of taken)
    await api.request('POST', ipAddresses, {
      body: { metadata: { name }, spec: { parentRef: { group: 'x.io', resource: 'things', name: 'a' } } },
    })
  const refused = await api.request('POST', services, { body: service('a', { clusterIP: '10.96.0.3' }) })
  t.equal(refused.code, 422)
  const free = await api.request('POST', services, { body: service('b', { clusterIP: '10.96.0.13' }) })
  t.equal(free.code, 201)
  await api.request('DELETE', `${services}/b`)
  t.equal((await api.request('GET', ipAddresses)).body['items']?.['length'], taken.length, 'theirs stay')
})
