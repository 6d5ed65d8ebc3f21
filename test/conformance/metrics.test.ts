/** metrics.k8s.io as metrics-server answers it, and componentstatuses as the API server does. */
import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import t, { type Test } from 'tap'
import type { User } from '../../src/control/auth/user.ts'
import { defaultClusterRoles } from '../../src/control/authorization/rbac/defaults.ts'
import type { Dialer } from '../../src/control/dial/dialer.ts'
import { createTestApi, type Json, type TestApi } from '../support/api-server.ts'

const cpu = (nanoCores: number, time = '1970-01-01T00:00:10Z') => ({
  time,
  usageNanoCores: nanoCores,
  windowSeconds: 15,
})
const container = (name: string, nanoCores: number, workingSetBytes: number, time?: string) => ({
  ...{ name, cpu: cpu(nanoCores, time), memory: { workingSetBytes } },
})
const podStats = (name: string, containers: readonly object[]) => ({
  podRef: { name, namespace: 'default', uid: name },
  containers,
})

/** What the agents of nodes say; those that are not listed cannot be reached. */
const playAgents = (t: Test, says: Readonly<Record<string, unknown>>) => {
  const asked: string[] = []
  const server = createServer(({ url = '', headers: { host = '' } }, response) => {
    asked.push(`${host} ${url}`)
    response.end(typeof says[host] === 'string' ? says[host] : JSON.stringify(says[host]))
  })
  t.teardown(() => server.close())
  const agents: Dialer = {
    open: async (node) => {
      if (says[node] === undefined) throw new Error('its agent has not dialled')
      const [near, far] = duplexPair()
      server.emit('connection', far)
      return near
    },
  }
  return { asked, agents }
}

const addNode = (api: TestApi, name: string) =>
  api.request('POST', '/api/v1/nodes', { body: { metadata: { name, labels: { disk: name } } } })

const addPod = async (api: TestApi, name: string, nodeName: string, containers = ['main'], phase = 'Running') => {
  const pods = '/api/v1/namespaces/default/pods'
  const spec = { nodeName, containers: containers.map((each) => ({ name: each, image: 'i' })) }
  const { code, body } = await api.request('POST', pods, { body: { metadata: { name, labels: { app: name } }, spec } })
  if (code !== 201) throw new Error(String(body['message']))
  await api.request('PATCH', `${pods}/${name}/status`, {
    ...{ body: { status: { phase } }, contentType: 'application/merge-patch+json' },
  })
}

const nodes = '/apis/metrics.k8s.io/v1beta1/nodes'
const pods = '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods'
const namesOf = ({ body }: { readonly body: Json }): unknown =>
  (body['items'] as unknown as Json[]).map(({ metadata }) => metadata?.['name'])

const summaries = {
  a: {
    node: { nodeName: 'a', cpu: cpu(250_000_000), memory: { workingSetBytes: 3 * 1024 ** 3 } },
    pods: [
      podStats('web', [
        container('side', 1_500, 1_025),
        container('main', 1_234_567, 20 * 1024 ** 2, '1970-01-01T00:00:05Z'),
        container('unknown', 9, 9),
      ]),
      podStats('half', [container('main', 1, 1), { name: 'other', memory: { workingSetBytes: 1 } }]),
      podStats('done', [container('main', 1, 1)]),
      podStats('elsewhere', [container('main', 1, 1)]),
    ],
  },
  b: 'no JSON at all',
  c: { node: { cpu: { time: 'today' } }, pods: [null, { podRef: 7, containers: {} }] },
}

const start = async (t: Test) => {
  const { asked, agents } = playAgents(t, summaries)
  const api = await createTestApi({ agents })
  for (const node of ['a', 'b', 'c', 'gone']) await addNode(api, node)
  await addPod(api, 'web', 'a', ['main', 'side', 'new'])
  await addPod(api, 'half', 'a', ['main', 'other'])
  await addPod(api, 'done', 'a', ['main'], 'Succeeded')
  await addPod(api, 'elsewhere', 'c')
  return { api, asked }
}

t.test('what nodes and pods use', async (t) => {
  const { api } = await start(t)
  const list = await api.request('GET', nodes)
  t.strictSame(list, {
    code: 200,
    warnings: [],
    body: {
      ...{ kind: 'NodeMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {} },
      items: [
        {
          metadata: { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z', labels: { disk: 'a' } },
          ...{ timestamp: '1970-01-01T00:00:10Z', window: '15s', usage: { cpu: '250m', memory: '3Gi' } },
        },
      ],
    },
  })
  const { body } = await api.request('GET', `${pods}/web`)
  t.match(body, {
    ...{ kind: 'PodMetrics', apiVersion: 'metrics.k8s.io/v1beta1' },
    metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
    ...{ timestamp: '1970-01-01T00:00:05Z', window: '15s' },
  })
  t.strictSame(
    body['containers'],
    [
      { name: 'main', usage: { cpu: '1234567n', memory: '20Mi' } },
      { name: 'side', usage: { cpu: '1500n', memory: '1Ki' } },
    ],
    'of the containers that the pod has',
  )
})

t.test('what is not known is not there', async (t) => {
  const { api } = await start(t)
  const cases = [
    [`${nodes}/b`, 'nodemetrics.metrics.k8s.io "b" not found'],
    [`${nodes}/c`, 'nodemetrics.metrics.k8s.io "c" not found'],
    [`${nodes}/gone`, 'nodemetrics.metrics.k8s.io "gone" not found'],
    [`${nodes}/none`, 'nodes "none" not found'],
    [`${pods}/none`, 'pods "none" not found'],
    [`${pods}/half`, 'podmetrics.metrics.k8s.io "default/half" not found'],
    [`${pods}/done`, 'podmetrics.metrics.k8s.io "default/done" not found'],
    [`${pods}/elsewhere`, 'podmetrics.metrics.k8s.io "default/elsewhere" not found'],
  ] as const
  for (const [path, message] of cases) {
    const { code, body } = await api.request('GET', path)
    t.match([code, body['reason'], body['message']], [404, 'NotFound', message], path)
  }
  t.strictSame(
    namesOf(await api.request('GET', '/apis/metrics.k8s.io/v1beta1/pods')),
    ['web'],
    'a node speaks for its own',
  )
})

t.test('selectors, tables and methods', async (t) => {
  const { api } = await start(t)
  t.strictSame(namesOf(await api.request('GET', `${pods}?labelSelector=app%3Dweb`)), ['web'])
  t.strictSame(namesOf(await api.request('GET', `${pods}?labelSelector=app%21%3Dweb`)), [])
  t.strictSame(namesOf(await api.request('GET', `${nodes}?fieldSelector=metadata.name%3Da`)), ['a'])
  t.strictSame(namesOf(await api.request('GET', '/apis/metrics.k8s.io/v1beta1/namespaces/other/pods')), [])
  t.equal((await api.request('GET', `${pods}?fieldSelector=spec.x%3Da`)).code, 400)
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const { body: table } = await api.request('GET', pods, { accept })
  t.strictSame(
    (table['columnDefinitions'] as unknown as Json[]).map(({ name, type, format }) => [name, type, format]),
    [
      ['Name', 'string', 'name'],
      ['cpu', 'string', 'quantity'],
      ['memory', 'string', 'quantity'],
      ['Window', 'string', 'duration'],
    ],
  )
  t.strictSame(table['rows']?.[0]?.['cells'], ['web', '1236067n', '20481Ki', '15s'])
  t.match((await api.request('GET', `${pods}/web`, { accept })).body['kind'], 'Table')
  for (const method of ['POST', 'DELETE'] as const) t.equal((await api.request(method, pods)).code, 405, method)
  t.equal((await api.request('GET', `${nodes}?watch=true`)).code, 405)
})

t.test('nodes are asked once for everybody who wants to know, and nobody asks while nobody does', async (t) => {
  const { api, asked } = await start(t)
  t.strictSame(asked, [])
  await Promise.all([api.request('GET', pods), api.request('GET', nodes), api.request('GET', `${pods}/web`)])
  const path = '/stats/summary?only_cpu_and_memory=true'
  t.strictSame(asked.toSorted(), [`a ${path}`, `b ${path}`, `c ${path}`])
  api.clock.advance(4_999)
  await api.request('GET', `${nodes}/a`)
  t.equal(asked.length, 3)
  api.clock.advance(1)
  await api.request('GET', `${nodes}/a`)
  t.strictSame(asked.slice(3), [`a ${path}`])
})

t.test('it is found', async (t) => {
  const { api } = await start(t)
  const { body } = await api.request('GET', '/apis/metrics.k8s.io/v1beta1')
  t.strictSame(
    (body['resources'] as unknown as Json[]).map(({ name, namespaced, kind, verbs }) => [
      name,
      namespaced,
      kind,
      verbs,
    ]),
    [
      ['nodes', false, 'NodeMetrics', ['get', 'list']],
      ['pods', true, 'PodMetrics', ['get', 'list']],
    ],
  )
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  t.match(JSON.stringify((await api.request('GET', '/apis', { accept })).body), /"NodeMetrics"/)
  t.ok((await api.request('GET', '/openapi/v3')).body['paths']?.['apis/metrics.k8s.io/v1beta1'])
  t.match((await api.request('GET', '/openapi/v3/apis/metrics.k8s.io/v1beta1')).body, {
    components: { schemas: { 'io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics': {} } },
  })
})

t.test('who may view, edit or administer a namespace may look', async (t) => {
  const role = defaultClusterRoles.find(({ metadata }) => metadata.name === 'system:aggregated-metrics-reader')
  t.match(role?.metadata.labels, {
    'rbac.authorization.k8s.io/aggregate-to-view': 'true',
    'rbac.authorization.k8s.io/aggregate-to-edit': 'true',
    'rbac.authorization.k8s.io/aggregate-to-admin': 'true',
  })
  t.strictSame(role?.rules, [
    { verbs: ['get', 'list', 'watch'], apiGroups: ['metrics.k8s.io'], resources: ['nodes', 'pods'] },
  ])
  const { api } = await start(t)
  const nobody: User = { name: 'jane', groups: ['system:authenticated'] }
  t.equal((await api.request('GET', nodes, { user: nobody })).code, 403)
})

const componentPath = '/api/v1/componentstatuses'
const deprecated = 'v1 ComponentStatus is deprecated in v1.19+'

const renew = (api: TestApi, spec: object) =>
  api.request('PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/podway-controllers', {
    body: { metadata: { name: 'podway-controllers' }, spec },
  })

t.test('the parts of the control plane are looked at', async (t) => {
  const api = await createTestApi()
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-system' } } })
  const { body: before, warnings } = await api.request('GET', componentPath)
  t.strictSame(warnings, [deprecated])
  t.match(before, { kind: 'ComponentStatusList', metadata: {} })
  const lost = { type: 'Healthy', status: 'False', error: 'nobody holds the lease podway-controllers' }
  t.strictSame(before['items'], [
    { metadata: { name: 'scheduler' }, conditions: [lost] },
    { metadata: { name: 'controller-manager' }, conditions: [lost] },
    { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: '{"health":"true"}' }] },
  ])
  const made = await renew(api, {
    holderIdentity: 'one',
    leaseDurationSeconds: 10,
    renewTime: '2026-01-01T00:00:00.000000Z',
  })
  t.equal(made.code, 201)
  t.match((await api.request('GET', `${componentPath}/scheduler`)).body, {
    ...{ kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name: 'scheduler' } },
    conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
  })
  api.clock.advance(20_001)
  const stale = await api.request('GET', `${componentPath}/controller-manager`)
  t.match(stale.body['conditions']?.[0], { status: 'False', error: /^one has not renewed the lease/ })
  t.strictSame(stale.warnings, [deprecated])
  t.match((await api.request('GET', `${componentPath}/x`)).body, {
    code: 404,
    message: 'componentstatuses "x" not found',
  })
})

t.test('componentstatuses in a table, selected', async (t) => {
  const api = await createTestApi()
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const { body, warnings } = await api.request('GET', `${componentPath}?fieldSelector=metadata.name%3Detcd-0`, {
    accept,
  })
  t.strictSame(
    (body['columnDefinitions'] as unknown as Json[]).map(({ name }) => name),
    ['Name', 'Status', 'Message', 'Error'],
  )
  t.strictSame(body['rows']?.[0]?.['cells'], ['etcd-0', 'Healthy', '{"health":"true"}', ''])
  t.equal((body['rows'] as unknown as Json[]).length, 1)
  t.strictSame(warnings, [deprecated])
})
