/** What a namespace may hold at most is never exceeded, and refused in the words of Kubernetes. */
import t from 'tap'
import { configMaps, namespaces, pods, resourceQuotas, services } from '../../../../src/api/resources.ts'
import type { ResourceQuota } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { StorageFailure } from '../../../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { createTestApi, type TestApi } from '../../../support/api-server.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const quotasPath = '/api/v1/namespaces/default/resourcequotas'

/** With a quota whose status a controller has written. */
const quotaIn = async (
  api: TestApi,
  hard: Readonly<Record<string, string>>,
  spec: object = {},
  used: Readonly<Record<string, string>> = {},
  name = 'q',
) => {
  await api.request('POST', quotasPath, { body: { metadata: { name }, spec: { hard, ...spec } } })
  const nothing = Object.fromEntries(Object.keys(hard).map((each) => [each, '0']))
  const reply = await api.request('PATCH', `${quotasPath}/${name}/status`, {
    body: { status: { hard, used: { ...nothing, ...used } } },
    contentType: 'application/merge-patch+json',
  })
  if (reply.code !== 200) throw new Error(JSON.stringify(reply.body))
}

const usedOf = async (api: TestApi, name = 'q') =>
  (await api.request('GET', `${quotasPath}/${name}`)).body['status']?.['used']

let count = 0
const make = (api: TestApi, plural: string, body: object = {}, query = '') =>
  api.request('POST', `/api/v1/namespaces/default/${plural}${query}`, {
    body: { metadata: { name: `x-${++count}` }, ...body },
  })

const run = (api: TestApi, resources: object | undefined, spec: object = {}) =>
  make(api, 'pods', {
    spec: { containers: [{ name: 'main', image: 'i', ...(resources ? { resources } : {}) }], ...spec },
  })

t.test('what is full takes no more', async (t) => {
  const api = await createTestApi()
  await quotaIn(api, { configmaps: '2', 'count/secrets': '1' })
  t.equal((await make(api, 'configmaps')).code, 201)
  t.strictSame(await usedOf(api), { configmaps: '1', 'count/secrets': '0' }, 'said before any controller looks')
  t.equal((await make(api, 'configmaps', {}, '?dryRun=All')).code, 201)
  t.equal((await make(api, 'configmaps')).code, 201)
  t.match(await make(api, 'configmaps', { metadata: { name: 'three' } }), {
    code: 403,
    body: {
      message:
        'configmaps "three" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2',
    },
  })
  t.equal((await make(api, 'secrets')).code, 201)
  t.match((await make(api, 'secrets')).body, {
    message: /exceeded quota: q, requested: count\/secrets=1, used: count\/secrets=1, limited: count\/secrets=1$/,
  })
  t.equal((await make(api, 'serviceaccounts')).code, 201, 'what it does not count')
})

t.test('cpu and memory are counted over all containers, which must say what they want', async (t) => {
  const api = await createTestApi()
  await quotaIn(api, { 'requests.cpu': '1', 'limits.memory': '1Gi', pods: '10' })
  t.match((await run(api, { requests: { cpu: '100m' } })).body, {
    message: /is forbidden: failed quota: q: must specify limits.memory for: main$/,
  })
  t.match((await run(api, undefined)).body, {
    message: /failed quota: q: must specify limits.memory for: main; requests.cpu for: main$/,
  })
  const resources = { requests: { cpu: '600m' }, limits: { memory: '256Mi' } }
  t.equal((await run(api, resources)).code, 201)
  t.strictSame(await usedOf(api), { 'requests.cpu': '600m', 'limits.memory': '256Mi', pods: '1' })
  t.match((await run(api, resources)).body, {
    message: /exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1$/,
  })
  t.equal((await run(api, { requests: { cpu: '400m' }, limits: { memory: '768Mi' } })).code, 201, 'to the last bit')
})

t.test('pods of a scope', async (t) => {
  const limited = { requests: { cpu: '1m' } }
  const cases: readonly (readonly [object, object | undefined, object, boolean])[] = [
    [{ scopes: ['BestEffort'] }, undefined, {}, true],
    [{ scopes: ['BestEffort'] }, limited, {}, false],
    [{ scopes: ['NotBestEffort'] }, limited, {}, true],
    [{ scopes: ['Terminating'] }, undefined, { activeDeadlineSeconds: 5 }, true],
    [{ scopes: ['Terminating'] }, undefined, {}, false],
    [{ scopes: ['NotTerminating', 'BestEffort'] }, undefined, {}, true],
    [{ scopes: ['NotTerminating', 'BestEffort'] }, limited, {}, false],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      undefined,
      { priorityClassName: 'high' },
      true,
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      undefined,
      {},
      false,
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } },
      undefined,
      {},
      true,
    ],
    [
      { scopes: ['CrossNamespacePodAffinity'] },
      undefined,
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', namespaces: ['x'] }],
          },
        },
      },
      true,
    ],
    [{ scopes: ['CrossNamespacePodAffinity'] }, undefined, {}, false],
  ]
  for (const [spec, resources, pod, isCounted] of cases) {
    const api = await createTestApi()
    await api.request('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {
      body: { metadata: { name: 'high' }, value: 5 },
    })
    await quotaIn(api, { pods: '0' }, spec)
    t.equal((await run(api, resources, pod)).code, isCounted ? 403 : 201, JSON.stringify([spec, resources, pod]))
    t.equal((await make(api, 'configmaps')).code, 201)
  }
})

t.test('kinds of Services, and the storage of classes', async (t) => {
  const api = await createTestApi()
  const gold = 'gold.storageclass.storage.k8s.io'
  await quotaIn(api, {
    ...{ services: '5', 'services.nodeports': '1', 'services.loadbalancers': '0' },
    ...{ 'requests.storage': '5Gi', [`${gold}/requests.storage`]: '2Gi', [`${gold}/persistentvolumeclaims`]: '1' },
  })
  const service = (type: string, ports = [80]) =>
    make(api, 'services', { spec: { type, ports: ports.map((port) => ({ port, name: `p${port}` })) } })
  t.match((await service('LoadBalancer')).body, { message: /used: services.loadbalancers=0/ })
  t.match((await service('NodePort', [80, 81])).body, { message: /requested: services.nodeports=2/ })
  const { code, body } = await service('ClusterIP')
  t.equal(code, 201)
  t.equal((await service('NodePort')).code, 201)
  const change = (spec: object) =>
    api.request('PATCH', `/api/v1/namespaces/default/services/${body['metadata']?.['name']}`, {
      ...{ body: { spec }, contentType: 'application/merge-patch+json' },
    })
  t.match(await change({ type: 'NodePort' }), {
    code: 403,
    body: { message: /services.nodeports=1, used: services.nodeports=1/ },
  })
  t.equal((await change({ sessionAffinity: 'ClientIP' })).code, 200, 'what takes no more goes on')

  const claim = (storage: string, storageClassName?: string) =>
    make(api, 'persistentvolumeclaims', {
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage } },
        ...(storageClassName === undefined ? {} : { storageClassName }),
      },
    })
  t.match((await claim('3Gi', 'gold')).body, { message: new RegExp(`${gold}/requests.storage=3Gi`) })
  t.equal((await claim('2Gi', 'gold')).code, 201)
  t.match((await claim('1Mi', 'gold')).body, { message: new RegExp(`used: ${gold}/persistentvolumeclaims=1`) })
  t.equal((await claim('3Gi')).code, 201)
  t.match((await claim('1Mi')).body, { message: /used: requests.storage=5Gi/ })
})

t.test('before it is counted for the first time it limits nothing', async (t) => {
  const api = await createTestApi()
  await api.request('POST', quotasPath, { body: { metadata: { name: 'q' }, spec: { hard: { configmaps: '5' } } } })
  t.equal((await make(api, 'configmaps')).code, 201)
})

t.test('a status that says too little is not believed', async (t) => {
  const api = await createTestApi()
  await make(api, 'configmaps')
  await make(api, 'configmaps')
  await quotaIn(api, { configmaps: '2' })
  t.equal((await make(api, 'configmaps')).code, 403)
})

t.test('what fails later takes nothing', async (t) => {
  const api = await createTestApi()
  await quotaIn(api, { services: '1' })
  t.equal((await make(api, 'services', { spec: { ports: [{ port: 99_999 }] } })).code, 422)
  t.strictSame(await usedOf(api), { services: '0' })
  const failing = createMemoryBackend()
  let isFull = false
  const commit: typeof failing.commit = (operations) => {
    if (isFull) throw new StorageFailure('the disk is full', 'not made')
    return failing.commit(operations)
  }
  const other = await createTestApi({ backend: { ...failing, commit } })
  await quotaIn(other, { configmaps: '2' })
  isFull = true
  await t.rejects(make(other, 'configmaps'), { message: 'the disk is full' })
  isFull = false
  t.strictSame(await usedOf(other), { configmaps: '0' })
  t.equal((await make(other, 'configmaps', { metadata: { name: 'one' } })).code, 201)
  t.equal((await make(other, 'configmaps', { metadata: { name: 'one' } })).code, 409)
  t.strictSame(await usedOf(other), { configmaps: '1' }, 'one that is there already')
  t.equal((await make(api, 'services', { spec: { ports: [{ port: 80 }] } })).code, 201)
})

t.test('what there is decides, not what a status says of it', async (t) => {
  const api = await createTestApi()
  await quotaIn(api, { configmaps: '1' }, {}, { configmaps: '1' })
  t.equal((await make(api, 'configmaps')).code, 201, 'a status that has not heard of a deletion yet')
  t.strictSame(await usedOf(api), { configmaps: '1' })
  t.equal((await make(api, 'configmaps', {}, '?dryRun=All')).code, 403)
})

t.test('many at once, on two servers of one store, are no more than may be', async (t) => {
  const backend = createMemoryBackend()
  const one = await createTestApi({ backend })
  const two = await createTestApi({ backend })
  await quotaIn(one, { configmaps: '7', pods: '3' }, {})
  await quotaIn(one, { configmaps: '20' }, {}, {}, 'wide')
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      make(at % 2 === 0 ? one : two, 'configmaps', { metadata: { name: `many-${at}` } }),
    ),
  )
  t.equal(replies.filter(({ code }) => code === 201).length, 7)
  t.strictSame([...new Set(replies.map(({ code }) => code))].sort(), [201, 403])
  t.match(await usedOf(one, 'wide'), { configmaps: '7' })
})

t.test('the controller counts what is there, whatever happens to it', async (t) => {
  const { client } = await startControlPlane(t)
  await client.create(namespaces, { metadata: { name: 'shop' } })
  const hard = {
    configmaps: '10',
    pods: '5',
    'requests.cpu': '2',
    services: '3',
    'count/leases.coordination.k8s.io': '1',
  }
  const draft = {
    metadata: { name: 'q', namespace: 'shop' },
    spec: { hard },
    status: {},
  } satisfies Partial<ResourceQuota>
  await client.create(resourceQuotas, draft)
  const reads = (what: string, wanted: Readonly<Record<string, string>>) =>
    until(
      async () => {
        const { status } = await client.get(resourceQuotas, 'q', 'shop')
        return Object.entries(wanted).every(([name, amount]) => status.used?.[name] === amount)
      },
      `${what}: ${JSON.stringify(wanted)}`,
    )
  // The root certificate that every namespace has.
  await reads('at first', { configmaps: '1', pods: '0', 'requests.cpu': '0', services: '0' })
  const config = await client.create(configMaps, { metadata: { name: 'c', namespace: 'shop' } })
  const container = { name: 'main', image: 'i', resources: { requests: { cpu: '500m' } } }
  const pod = await client.create(pods, {
    metadata: { name: 'p', namespace: 'shop' },
    spec: { containers: [container] },
  })
  await client.create(services, { metadata: { name: 's', namespace: 'shop' }, spec: { ports: [{ port: 80 }] } })
  await reads('after three', { configmaps: '2', pods: '1', 'requests.cpu': '500m', services: '1' })
  await client.patch(pods, pod, { status: { phase: 'Succeeded' } }, 'status')
  await reads('a pod that has ended', { pods: '0', 'requests.cpu': '0' })
  await client.delete(configMaps, config)
  await reads('after a deletion', { configmaps: '1' })
  await client.patch(resourceQuotas, draft, { spec: { hard: { services: null, secrets: '4' } } })
  await until(async () => {
    const { status } = await client.get(resourceQuotas, 'q', 'shop')
    return status.used?.['services'] === undefined && status.used?.['secrets'] !== undefined
  }, 'the new limits in the status')
  t.match((await client.get(resourceQuotas, 'q', 'shop')).status.hard, { secrets: '4' })
})
