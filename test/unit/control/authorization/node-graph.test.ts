/** What a node may read of Secrets and ConfigMaps: what its pods and what it serves refer to, and nothing else. */
import t from 'tap'
import { nodesGroup } from '../../../../src/api/users.ts'
import { createTestApi } from '../../../support/api-server.ts'

const n1 = { name: 'system:node:n1', groups: [nodesGroup] }
const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`
const configMapsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`

const start = async () => {
  const api = await createTestApi({ bundled: true })
  const post = async (path: string, body: unknown) => {
    const reply = await api.request('POST', path, { body })
    if (reply.code !== 201) throw new Error(JSON.stringify(reply.body))
  }
  await post('/api/v1/namespaces', { metadata: { name: 'other' } })
  const read = async (path: string) => (await api.request('GET', path, { user: n1 })).code
  return { api, post, read }
}

const pod = (name: string, nodeName: string, spec: object) => ({
  metadata: { name },
  spec: { nodeName, ...spec, containers: [{ name: 'c', image: 'i', ...('env' in spec ? spec : {}) }] },
})

t.test('a pod refers in many ways', async (t) => {
  const { api, post, read } = await start()
  const container = (more: object) => ({ containers: [{ name: 'c', image: 'i', ...more }] })
  const ways: Readonly<Record<string, object>> = {
    's-envfrom': container({ envFrom: [{ secretRef: { name: 's-envfrom' } }] }),
    's-env': container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's-env', key: 'k' } } }] }),
    's-pull': { ...container({}), imagePullSecrets: [{ name: 's-pull' }] },
    's-volume': { ...container({}), volumes: [{ name: 'v', secret: { secretName: 's-volume' } }] },
    's-projected': {
      ...container({}),
      volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 's-projected' } }] } }],
    },
    's-init': {
      ...container({}),
      initContainers: [{ name: 'i', image: 'i', envFrom: [{ secretRef: { name: 's-init' } }] }],
    },
  }
  for (const [name, spec] of Object.entries(ways)) {
    await post(secretsOf('default'), { metadata: { name } })
    t.equal(await read(`${secretsOf('default')}/${name}`), 403, `${name}: nobody uses it`)
    await post('/api/v1/namespaces/default/pods', { metadata: { name }, spec: { ...spec, nodeName: 'n2' } })
    t.equal(await read(`${secretsOf('default')}/${name}`), 403, `${name}: another node's pod uses it`)
    await post('/api/v1/namespaces/default/pods', {
      metadata: { name: `${name}-here` },
      spec: { ...spec, nodeName: 'n1' },
    })
    t.equal(await read(`${secretsOf('default')}/${name}`), 200, `${name}: its pod uses it`)
    t.equal(await read(`${secretsOf('other')}/${name}`), 403, `${name}: only of the pod's namespace`)
    await api.request('DELETE', `/api/v1/namespaces/default/pods/${name}-here?gracePeriodSeconds=0`)
    t.equal(await read(`${secretsOf('default')}/${name}`), 403, `${name}: no more`)
  }
  await post(configMapsOf('default'), { metadata: { name: 'c' } })
  t.equal(await read(`${configMapsOf('default')}/c`), 403)
  await post('/api/v1/namespaces/default/pods', pod('c', 'n1', { volumes: [{ name: 'v', configMap: { name: 'c' } }] }))
  t.equal(await read(`${configMapsOf('default')}/c`), 200)
})

t.test('lists and watches only by name', async (t) => {
  const { post, read } = await start()
  await post(secretsOf('default'), { metadata: { name: 's' } })
  await post('/api/v1/namespaces/default/pods', pod('p', 'n1', { imagePullSecrets: [{ name: 's' }] }))
  const byName = encodeURIComponent('metadata.name=s')
  t.equal(await read(`${secretsOf('default')}?fieldSelector=${byName}`), 200)
  for (const path of [
    secretsOf('default'),
    '/api/v1/secrets',
    `/api/v1/secrets?fieldSelector=${byName}`,
    `${secretsOf('other')}?fieldSelector=${byName}`,
    `${secretsOf('default')}?fieldSelector=${encodeURIComponent('metadata.name!=s')}`,
    `${secretsOf('default')}?fieldSelector=${encodeURIComponent('type=kubernetes.io/tls')}`,
    `${secretsOf('default')}?watch=1`,
    `/api/v1/secrets?labelSelector=podway.dev%2Fskydns`,
    '/api/v1/configmaps',
    `/api/v1/configmaps?labelSelector=${encodeURIComponent('x in (a,podway.dev/skydns,b)')}`,
    `/api/v1/configmaps?labelSelector=${encodeURIComponent('!podway.dev/skydns')}`,
  ])
    t.equal(await read(path), 403, path)
  t.equal(await read('/api/v1/configmaps?labelSelector=podway.dev%2Fskydns'), 200, 'published DNS records')
})

t.test('what every node needs to know of the cluster', async (t) => {
  const { post, read } = await start()
  const classes = '/apis/node.k8s.io/v1/runtimeclasses'
  await post(classes, { metadata: { name: 'slow' }, handler: 'process' })
  for (const path of [`${classes}/slow`, classes, '/apis/storage.k8s.io/v1/csidrivers', '/api/v1/nodes'])
    t.equal(await read(path), 200, path)
  t.equal(await read('/apis/scheduling.k8s.io/v1/priorityclasses'), 403, 'no pod of a node hangs on it')
})

t.test('what every node serves', async (t) => {
  const { api, post, read } = await start()
  const networking = '/apis/networking.k8s.io/v1'
  await post(`${networking}/ingressclasses`, {
    metadata: { name: 'podway' },
    spec: { controller: 'podway.dev/ingress' },
  })
  await post(`${networking}/ingressclasses`, { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/nginx' } })
  const ingress = (name: string, ingressClassName: string) => ({
    metadata: {
      name,
      annotations: {
        'nginx.ingress.kubernetes.io/auth-type': 'basic',
        'nginx.ingress.kubernetes.io/auth-secret': `${name}-auth`,
        'nginx.ingress.kubernetes.io/auth-tls-secret': `other/${name}-ca`,
        'nginx.ingress.kubernetes.io/custom-headers': `${name}-headers`,
      },
    },
    spec: {
      ingressClassName,
      tls: [{ hosts: ['a.lab'], secretName: `${name}-tls` }],
      defaultBackend: { service: { name: 'web', port: { number: 80 } } },
    },
  })
  for (const [name, className] of [
    ['ours', 'podway'],
    ['theirs', 'nginx'],
  ] as const) {
    for (const part of ['auth', 'ca', 'tls'])
      await post(secretsOf('default'), { metadata: { name: `${name}-${part}` } })
    await post(secretsOf('other'), { metadata: { name: `${name}-ca` } })
    await post(configMapsOf('default'), { metadata: { name: `${name}-headers` } })
    await post(`${networking}/namespaces/default/ingresses`, ingress(name, className))
  }
  t.equal(await read(`${secretsOf('default')}/ours-tls`), 200)
  t.equal(await read(`${secretsOf('default')}/ours-auth`), 200)
  t.equal(await read(`${configMapsOf('default')}/ours-headers`), 200)
  t.equal(await read(`${secretsOf('other')}/ours-ca`), 403, 'of another namespace')
  t.equal(await read(`${secretsOf('default')}/theirs-tls`), 403, "of somebody else's Ingress")
  t.equal(await read(`${secretsOf('default')}/theirs-auth`), 403)
  await api.request('DELETE', `${networking}/ingressclasses/podway`)
  t.equal(await read(`${secretsOf('default')}/ours-tls`), 403, 'without its class it is not ours')
  await post(`${networking}/ingressclasses`, {
    metadata: { name: 'podway' },
    spec: { controller: 'podway.dev/ingress' },
  })
  t.equal(await read(`${secretsOf('default')}/ours-tls`), 200, 'with it, it is again')
  await api.request('DELETE', `${networking}/namespaces/default/ingresses/ours`)
  t.equal(await read(`${secretsOf('default')}/ours-tls`), 403, 'no more')

  const gatewayApi = '/apis/gateway.networking.k8s.io/v1'
  await post(`${gatewayApi}/gatewayclasses`, {
    metadata: { name: 'podway' },
    spec: { controllerName: 'podway.dev/gateway' },
  })
  const certificateRefs = [{ name: 'here' }, { name: 'there', namespace: 'other' }]
  await post(secretsOf('default'), { metadata: { name: 'here' } })
  await post(secretsOf('other'), { metadata: { name: 'there' } })
  await post(`${gatewayApi}/namespaces/default/gateways`, {
    metadata: { name: 'g' },
    spec: {
      gatewayClassName: 'podway',
      listeners: [{ name: 'l', port: 443, protocol: 'HTTPS', tls: { certificateRefs } }],
    },
  })
  t.equal(await read(`${secretsOf('default')}/here`), 200)
  t.equal(await read(`${secretsOf('other')}/there`), 403, 'without a ReferenceGrant')
  await post('/apis/gateway.networking.k8s.io/v1beta1/namespaces/other/referencegrants', {
    metadata: { name: 'grant' },
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default' }],
      to: [{ group: '', kind: 'Secret' }],
    },
  })
  t.equal(await read(`${secretsOf('other')}/there`), 200, 'with one')
})

t.test('what the volumes of its pods are: claims, what they are bound to, and the Secrets of that', async (t) => {
  const { api, post, read } = await start()
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims'
  const volumes = '/api/v1/persistentvolumes'
  const access = { accessModes: ['ReadWriteOnce'] }
  const claim = (name: string) => ({
    metadata: { name },
    spec: { ...access, resources: { requests: { storage: '1Gi' } } },
  })
  for (const name of ['data', 'worker-scratch', 'other']) {
    await post(claims, claim(name))
    await post(secretsOf('other'), { metadata: { name } })
    await post(volumes, {
      metadata: { name },
      spec: {
        ...{ ...access, capacity: { storage: '1Gi' }, claimRef: { namespace: 'default', name } },
        csi: {
          ...{ driver: 'example.com', volumeHandle: name },
          nodePublishSecretRef: { namespace: 'other', name },
          nodeStageSecretRef: { namespace: 'other', name },
        },
      },
    })
  }
  const may = async (name: string) =>
    [`${claims}/${name}`, `${volumes}/${name}`, `${secretsOf('other')}/${name}`].map(async (path) => read(path))
  const all = async (name: string) => Promise.all(await may(name))
  for (const name of ['data', 'worker-scratch', 'other']) t.same(await all(name), [403, 403, 403], name)
  const scratch = { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: claim('').spec } } }
  const data = { name: 'data', persistentVolumeClaim: { claimName: 'data' } }
  await post('/api/v1/namespaces/default/pods', pod('worker', 'n1', { volumes: [data, scratch] }))
  await post(
    '/api/v1/namespaces/default/pods',
    pod('there', 'n2', { volumes: [{ ...data, persistentVolumeClaim: { claimName: 'other' } }] }),
  )
  t.same(await all('data'), [200, 200, 200])
  t.same(await all('worker-scratch'), [200, 200, 200])
  t.same(await all('other'), [403, 403, 403])
  t.equal(await read(claims), 403)
  t.equal(await read(volumes), 403)
  const write = await api.request('PUT', `${volumes}/data`, { user: n1, body: {} })
  t.equal(write.code, 403)
  await api.request('PATCH', `${volumes}/data`, {
    body: { spec: { claimRef: { name: 'other' } } },
    contentType: 'application/merge-patch+json',
  })
  t.same(await all('data'), [200, 403, 403], 'the volume is no longer the claim’s')
})

t.test('classes of runtimes and drivers are for all nodes, a CSINode for its own', async (t) => {
  const { api, read } = await start()
  for (const path of ['/apis/node.k8s.io/v1/runtimeclasses', '/apis/storage.k8s.io/v1/csidrivers'])
    t.equal(await read(path), 200, path)
  const csiNodes = '/apis/storage.k8s.io/v1/csinodes'
  const create = async (name: string) =>
    (await api.request('POST', csiNodes, { user: n1, body: { metadata: { name }, spec: { drivers: [] } } })).code
  t.equal(await create('n2'), 403)
  t.equal(await create('n1'), 201)
  t.equal(await read(`${csiNodes}/n1`), 200)
  t.equal(await read(`${csiNodes}/n2`), 403)
  t.equal((await api.request('DELETE', `${csiNodes}/n2`, { user: n1 })).code, 403)
})
