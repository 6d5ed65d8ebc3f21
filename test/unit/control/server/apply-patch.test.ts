/** Server-side apply as a client meets it. */
import t from 'tap'
import { createTestApi, type Json } from '../../../support/api-server.ts'

const path = '/apis/apps/v1/namespaces/default/deployments/web'
const labels = { app: 'web' }
const container = (more: object = {}) => ({ name: 'c', image: 'busybox', ...more })
const deployment = (spec: object = {}, containers: readonly object[] = [container()]) => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
  spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } }, ...spec },
})

const start = async () => {
  const api = await createTestApi()
  const apply = (manager: string, body: unknown, query = '', at = path) =>
    api.request('PATCH', `${at}?fieldManager=${manager}${query}`, { body, contentType: 'application/apply-patch+yaml' })
  return { api, apply }
}

const entriesOf = (body: Json): readonly Json[] => [
  ...((body['metadata']?.['managedFields'] ?? []) as unknown as Json[]),
]

const managersOf = (body: Json): readonly (readonly unknown[])[] =>
  entriesOf(body).map((entry) => [
    entry['manager'],
    entry['operation'],
    ...(entry['subresource'] === undefined ? [] : [entry['subresource']]),
  ])

t.test('an object that is not there is made, with what only defaults give it', async (t) => {
  const { apply } = await start()
  const made = await apply('one', deployment({ replicas: 2 }))
  t.equal(made.code, 201)
  t.match(made.body, { spec: { replicas: 2, revisionHistoryLimit: 10 }, metadata: { generation: 1 } })
  t.same(managersOf(made.body), [['one', 'Apply']])
  const again = await apply('one', deployment({ replicas: 2 }))
  t.equal(again.code, 200)
  t.same(again.body['metadata'], made.body['metadata'], 'the same wish changes nothing')
  const changed = await apply('one', deployment({ replicas: 3 }))
  t.match(changed.body, { spec: { replicas: 3 }, metadata: { generation: 2 } })
})

t.test('what is wished no more goes back to its default', async (t) => {
  const { apply } = await start()
  await apply('one', deployment({ replicas: 2, paused: true, revisionHistoryLimit: 3 }))
  const { body } = await apply('one', deployment({ replicas: 2 }))
  t.match(body, { spec: { replicas: 2, revisionHistoryLimit: 10, paused: undefined } })
})

t.test('quantities and times that mean the same are the same', async (t) => {
  const { apply } = await start()
  const cpu = (value: string) => deployment({}, [container({ resources: { limits: { cpu: value } } })])
  await apply('one', cpu('0.5'))
  t.equal((await apply('two', cpu('500m'))).code, 200)
  t.equal((await apply('two', cpu('600m'))).code, 409)
})

t.test('conflicts are told, and forced', async (t) => {
  const { api, apply } = await start()
  await apply('one', deployment({ replicas: 2 }))
  const conflict = await apply('two', deployment({ replicas: 4 }))
  t.match(conflict, {
    code: 409,
    body: {
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
      details: {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }],
      },
    },
  })
  t.match((await apply('two', deployment({ replicas: 4 }), '&force=true')).body, { spec: { replicas: 4 } })
  const scaled = await api.request('PATCH', `${path}/scale`, {
    body: { spec: { replicas: 5 } },
    contentType: 'application/merge-patch+json',
    agent: 'kubectl/v1.30.0 (linux/amd64)',
  })
  t.equal(scaled.code, 200)
  t.same(managersOf((await api.request('GET', path)).body).at(-1), ['kubectl', 'Update', 'scale'])
  t.match((await apply('two', deployment({ replicas: 4 }))).body, {
    message:
      /^Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps\/v1 at .*: \.spec\.replicas$/,
  })
})

t.test('every writer is known, by its option or its name', async (t) => {
  const { api } = await start()
  const configMaps = '/api/v1/namespaces/default/configmaps'
  const configMap = { metadata: { name: 'c' }, data: { a: '1' } }
  const made = await api.request('POST', configMaps, { body: configMap, agent: 'curl/8.0' })
  t.same(managersOf(made.body), [['curl', 'Update']])
  const patch = (body: object, query = '') =>
    api.request('PATCH', `${configMaps}/c${query}`, { body, contentType: 'application/merge-patch+json', agent: '' })
  t.same(managersOf((await patch({ data: { b: '2' } }, '?fieldManager=me')).body), [
    ['curl', 'Update'],
    ['me', 'Update'],
  ])
  const put = await api.request('PUT', `${configMaps}/c`, { body: configMap, agent: 'curl/8.0' })
  t.same(
    managersOf(put.body),
    [['curl', 'Update']],
    'a PUT without managedFields leaves them; what is removed is nobody’s',
  )
  t.same(managersOf((await patch({ metadata: { managedFields: [{}] }, data: { c: '3' } })).body), [
    ['unknown', 'Update'],
  ])
  const long = await patch({}, `?fieldManager=${'x'.repeat(129)}`)
  t.match(long, { code: 422, body: { message: /fieldManager: Too long: may not be more than 128 bytes$/ } })
  for (const name of ['a%00b', '%00', '%0A'])
    t.match(await patch({}, `?fieldManager=${name}`), {
      code: 422,
      body: { message: /invalid character U\+00/ },
    })
  t.match(await patch({}, '?force=true'), { code: 422, body: { message: /force: Forbidden/ } })
})

t.test('a status has managers of its own', async (t) => {
  const { api, apply } = await start()
  await apply('one', deployment())
  const status = { apiVersion: 'apps/v1', kind: 'Deployment', status: { replicas: 3 } }
  const { code, body } = await apply('controller', status, '', `${path}/status`)
  t.equal(code, 200)
  t.match(body, { status: { replicas: 3 } })
  t.same(managersOf(body), [
    ['controller', 'Apply', 'status'],
    ['one', 'Apply'],
  ])
  t.equal((await apply('x', status, '', '/apis/apps/v1/namespaces/default/deployments/nosuch/status')).code, 404)
  t.equal((await api.request('GET', path)).code, 200)
})

t.test('what is no wish is refused, and makes nothing', async (t) => {
  const { api, apply } = await start()
  const cases: readonly (readonly [body: unknown, code: number, message: RegExp])[] = [
    [{ spec: {} }, 400, /names its apiVersion and kind/],
    [[], 400, /an object of kind Deployment/],
    [{ ...deployment(), metadata: { name: 'other' } }, 400, /does not match the name on the URL/],
    [deployment({ replicsa: 1 }), 400, /unknown field "spec\.replicsa"/],
    [
      { ...deployment(), metadata: { name: 'web', managedFields: [{ manager: 'x' }] } },
      400,
      /managedFields must be nil/,
    ],
    [deployment({ replicas: -1 }), 422, /spec\.replicas/],
    [{ ...deployment(), kind: 'ReplicaSet' }, 400, /cannot be handled as a Deployment/],
  ]
  for (const [body, code, message] of cases)
    t.match(await apply('one', body), { code, body: { message } }, JSON.stringify(body))
  t.equal((await apply('one', deployment(), '&dryRun=All')).code, 201)
  t.equal((await api.request('GET', path)).code, 404)
})

const hpaPath = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/web`
const metric = (resource: object) => ({ type: 'Resource', resource: { name: 'cpu', ...resource } })
const scaler = (version: string, spec: object) => ({
  ...{ apiVersion: `autoscaling/${version}`, kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' } },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5, ...spec },
})

t.test('who wrote another version manages what they wrote, by its names here', async (t) => {
  const { apply } = await start()
  const one = (spec: object) => apply('one', scaler('v1', spec), '', hpaPath('v1'))
  const two = (spec: object, query = '') => apply('two', scaler('v2', spec), query, hpaPath('v2'))
  t.equal((await one({ targetCPUUtilizationPercentage: 50 })).code, 201)
  t.equal((await two({})).code, 200, 'what both wish alike')
  const utilization = (averageUtilization: number) => ({
    metrics: [metric({ target: { type: 'Utilization', averageUtilization } })],
  })
  t.equal((await two(utilization(50))).code, 200)
  const conflict = await two(utilization(60))
  t.equal(conflict.code, 409)
  t.match(conflict.body['details']?.['causes'], [{ field: '.spec.targetCPUUtilizationPercentage' }])
  const forced = await two(utilization(60), '&force=true')
  t.equal(forced.code, 200)
  const entries = entriesOf(forced.body)
  const first = JSON.stringify(entries.find(({ manager }) => String(manager) === 'one'))
  t.match(first, '"apiVersion":"autoscaling/v1"')
  t.notMatch(first, 'targetCPUUtilizationPercentage', 'no longer theirs')
})

t.test('who goes over to another version lets go of what they wish no more', async (t) => {
  const { apply } = await start()
  const v1 = { minReplicas: 2, targetCPUUtilizationPercentage: 50 }
  t.equal((await apply('one', scaler('v1', v1), '', hpaPath('v1'))).code, 201)
  const { body } = await apply('one', scaler('v2', { minReplicas: 2 }), '', hpaPath('v2'))
  t.same(managersOf(body), [['one', 'Apply']])
  t.match(body, { spec: { minReplicas: 2 } })
  t.notMatch(JSON.stringify(body['spec']), '"averageUtilization":50', 'the metric has gone, or is the default again')

  const ingress = (apiVersion: string, spec: object) => ({
    ...{ apiVersion, kind: 'Ingress', metadata: { name: 'web' } },
    spec,
  })
  const at = (version: string) => `/apis/${version}/namespaces/default/ingresses/web`
  const beta = 'networking.k8s.io/v1beta1'
  const old = ingress(beta, { backend: { serviceName: 'a', servicePort: 80 }, ingressClassName: 'x' })
  t.equal((await apply('one', old, '', at(beta))).code, 201)
  const backend = (name: string) => ({ defaultBackend: { service: { name, port: { number: 80 } } } })
  const stable = 'networking.k8s.io/v1'
  t.match(await apply('two', ingress(stable, backend('b')), '', at(stable)), {
    ...{ code: 409, body: { details: { causes: [{ field: '.spec.backend.serviceName' }] } } },
  })
  const moved = await apply('one', ingress(stable, backend('b')), '', at(stable))
  t.match(moved, { code: 200, body: { spec: { defaultBackend: { service: { name: 'b' } } } } })
  t.equal(moved.body['spec']?.['ingressClassName'], undefined, 'wished through the old version alone')
})

t.test('an update of another version is told by its own names', async (t) => {
  const { api, apply } = await start()
  await apply('one', scaler('v2', {}), '', hpaPath('v2'))
  const patched = await api.request('PATCH', `${hpaPath('v1')}?fieldManager=two`, {
    body: { spec: { targetCPUUtilizationPercentage: 70 } },
    contentType: 'application/merge-patch+json',
  })
  t.equal(patched.code, 200)
  const entries = entriesOf(patched.body)
  t.match(
    entries.find(({ manager }) => String(manager) === 'two'),
    { apiVersion: 'autoscaling/v1', fieldsV1: { 'f:spec': { 'f:targetCPUUtilizationPercentage': {} } } },
  )
})

t.test('who manages what can be written, as kubectl does when it goes over to apply', async (t) => {
  const { api, apply } = await start()
  const made = await api.request('POST', `${path.replace(/\/web$/, '')}?fieldManager=kubectl-client-side-apply`, {
    body: deployment({ replicas: 2, paused: true }),
  })
  const [entry] = entriesOf(made.body)
  const change = (managedFields: unknown) =>
    api.request('PATCH', path, {
      body: [{ op: 'replace', path: '/metadata/managedFields', value: managedFields }],
      contentType: 'application/json-patch+json',
    })
  const taken = await change([{ ...entry, manager: 'kubectl', operation: 'Apply' }])
  t.same(managersOf(taken.body), [['kubectl', 'Apply']])
  const { body } = await apply('kubectl', deployment({ replicas: 2 }))
  t.equal(body['spec']?.['paused'], undefined, 'so what they wish no more goes')
  for (const odd of [[], [{ ...entry, operation: 'Guess' }], [{ ...entry, fieldsType: 'FieldsV2' }]])
    t.same(
      managersOf((await change(odd)).body),
      [['kubectl', 'Apply']],
      `${JSON.stringify(odd).slice(0, 60)} changes nothing`,
    )
  t.same(managersOf((await change([{}])).body), [], 'a list with one empty entry')
})

const configMaps = '/api/v1/namespaces/default/configmaps'
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

t.test('what kubectl applied by itself before, it may apply by the server', async (t) => {
  const map = (data: object, annotations?: object) => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap', data },
    metadata: { name: 'c', ...(annotations ? { annotations } : {}) },
  })
  const place = `${configMaps}/c`
  const begin = async (said: string) => {
    const { api, apply } = await start()
    const body = map({ a: '1', b: '1' }, { [lastApplied]: said })
    await api.request('POST', `${configMaps}?fieldManager=kubectl-client-side-apply`, { body })
    const noted = async () => (await api.request('GET', place)).body['metadata']?.['annotations']?.[lastApplied]
    return { api, apply, noted }
  }
  const said = JSON.stringify(map({ a: '1', b: '1' }))

  await t.test('and what it says there goes along', async (t) => {
    const { apply, noted } = await begin(said)
    t.match(await apply('kubectl', map({ b: '2', a: '2' }), '', place), {
      code: 200,
      body: { data: { a: '2', b: '2' } },
    })
    t.equal(await noted(), '{"apiVersion":"v1","data":{"a":"2","b":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n')
  })

  await t.test('but not what somebody else changed since', async (t) => {
    const { api, apply, noted } = await begin(said)
    const contentType = 'application/merge-patch+json'
    await api.request('PATCH', `${place}?fieldManager=editor`, { body: { data: { a: '3' } }, contentType })
    const { code, body } = await apply('kubectl', map({ a: '2', b: '2' }), '', place)
    t.match([code, body['details']?.['causes']], [409, [{ message: /conflict with "editor"/, field: '.data.a' }]])
    t.equal(await noted(), said, 'what is not applied is not said')
    t.equal((await apply('kubectl', map({ a: '2', b: '2' }), '&force=true', place)).code, 200)
  })

  await t.test('nobody else may', async (t) => {
    const { apply, noted } = await begin(said)
    t.equal((await apply('other', map({ a: '2' }), '', place)).code, 409)
    t.equal((await apply('other', map({ a: '2' }), '&force=true', place)).code, 200)
    t.equal(await noted(), said)
  })

  await t.test('whatever stands there', async (t) => {
    for (const odd of [
      'no JSON',
      '[]',
      '"a"',
      '{"data":7}',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      '{"__proto__":{"a":1}}',
    ]) {
      const { apply, noted } = await begin(odd)
      t.equal((await apply('kubectl', map({ a: '2' }), '', place)).code, 409, odd.slice(0, 20))
      t.equal((await apply('kubectl', map({ a: '2' }), '&force=true', place)).code, 200, odd.slice(0, 20))
      t.match(await noted(), /^\{"apiVersion":"v1","data":\{"a":"2"\}/, odd.slice(0, 20))
    }
  })

  await t.test('an object without it gets none', async (t) => {
    const { api, apply } = await start()
    await apply('kubectl', map({ a: '1' }), '', place)
    await apply('kubectl', map({ a: '2' }), '', place)
    t.equal((await api.request('GET', place)).body['metadata']?.['annotations'], undefined)
  })
})
