/** The Kubernetes API's rules, case by case: our reading of the API conventions and of the real server's answers. */
import t from 'tap'
import { nodesGroup } from '../../src/api/users.ts'
import { createTestApi, type Json, type TestApi } from '../support/api-server.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/default/pods'
const deployments = '/apis/apps/v1/namespaces/default/deployments'

const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
})
const pod = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'busybox' }], ...more },
})
const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
})
const names = (list: Json): unknown => (list['items'] as unknown as Json[]).map((item) => item['metadata']?.['name'])
const at = (value: Json | undefined, path: string): unknown =>
  path.split('.').reduce<Json | undefined>((inner, key) => inner?.[key], value)

const create = (api: TestApi, path: string, body: unknown) => api.request('POST', path, { body })

t.test('errors are worded as Kubernetes words them', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, configMap('c1'))
  const cases: [
    name: string,
    request: Parameters<TestApi['request']>,
    code: number,
    reason: string,
    message: string,
  ][] = [
    ['missing object', ['GET', `${pods}/x`], 404, 'NotFound', 'pods "x" not found'],
    ['missing object of a group', ['GET', `${deployments}/x`], 404, 'NotFound', 'deployments.apps "x" not found'],
    [
      'unknown resource',
      ['GET', '/api/v1/namespaces/default/gadgets'],
      404,
      'NotFound',
      'the server could not find the requested resource',
    ],
    [
      'unknown group',
      ['GET', '/apis/x.io/v1/things'],
      404,
      'NotFound',
      'the server could not find the requested resource',
    ],
    [
      'missing namespace',
      ['POST', '/api/v1/namespaces/zz/configmaps', { body: configMap('a') }],
      404,
      'NotFound',
      'namespaces "zz" not found',
    ],
    [
      'taken name',
      ['POST', configMaps, { body: configMap('c1') }],
      409,
      'AlreadyExists',
      'configmaps "c1" already exists',
    ],
    [
      'name and URL differ',
      ['PUT', `${configMaps}/c1`, { body: configMap('c2') }],
      400,
      'BadRequest',
      'the name of the object (c2) does not match the name on the URL (c1)',
    ],
    [
      'namespace and URL differ',
      ['POST', configMaps, { body: { ...configMap('a'), metadata: { name: 'a', namespace: 'other' } } }],
      400,
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'wrong kind',
      ['POST', configMaps, { body: pod('p') }],
      400,
      'BadRequest',
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
    ],
    [
      'stale version',
      ['PUT', `${configMaps}/c1`, { body: { ...configMap('c1'), metadata: { name: 'c1', resourceVersion: '1' } } }],
      409,
      'Conflict',
      'Operation cannot be fulfilled on configmaps "c1": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      'unknown field selector',
      ['GET', `${configMaps}?fieldSelector=data.a=b`],
      400,
      'BadRequest',
      '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    [
      'several things wrong',
      [
        'POST',
        pods,
        {
          body: {
            ...pod('A_b', { restartPolicy: 'Foo' }),
            spec: { restartPolicy: 'Foo', containers: [{ name: 'c' }] },
          },
        },
      ],
      422,
      'Invalid',
      `Pod "A_b" is invalid: [metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), spec.containers[0].image: Required value, spec.restartPolicy: Unsupported value: "Foo": supported values: "Always", "Never", "OnFailure"]`,
    ],
    [
      'unknown patch type',
      ['PATCH', `${configMaps}/c1`, { body: {}, contentType: 'application/nosuch+json' }],
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
    ],
    [
      'an apply patch without a manager',
      ['PATCH', `${configMaps}/c1`, { body: {}, contentType: 'application/apply-patch+yaml' }],
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    [
      'PUT on a collection',
      ['PUT', configMaps, { body: configMap('c1') }],
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    ],
    [
      'unknown dry run',
      ['POST', `${configMaps}?dryRun=Some`, { body: configMap('d') }],
      422,
      'Invalid',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}: supported values: "All"',
    ],
  ]
  for (const [name, request, code, reason, message] of cases) {
    const reply = await api.request(...request)
    t.strictSame([reply.code, reply.body['reason'], reply.body['message']], [code, reason, message], name)
    t.strictSame(
      [reply.body['kind'], reply.body['status'], reply.body['code']],
      ['Status', 'Failure', code],
      `${name}: a Status`,
    )
  }
  const { body } = await api.request('POST', pods, { body: pod('p', { containers: [{ image: 'i' }] }) })
  t.strictSame(
    at(body, 'details.causes'),
    [{ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers[0].name' }],
    'a field error is a cause',
  )
})

t.test("create fills in what is the server's to say", async (t) => {
  const api = await createTestApi()
  const { code, body } = await create(api, deployments, {
    ...deployment('web'),
    metadata: {
      name: 'web',
      uid: 'mine',
      resourceVersion: '',
      generation: 7,
      creationTimestamp: '2000-01-01T00:00:00Z',
    },
    status: { replicas: 3 },
  })
  t.equal(code, 201)
  t.equal(at(body, 'metadata.creationTimestamp'), '2026-01-01T00:00:00Z')
  t.match(at(body, 'metadata.uid'), /^uid-/)
  t.equal(at(body, 'metadata.generation'), 1)
  t.equal(at(body, 'metadata.namespace'), 'default')
  t.match(at(body, 'metadata.resourceVersion'), /^\d+$/)
  t.strictSame(body['status'], {}, 'a status is not taken from a client')
  t.strictSame(
    [at(body, 'spec.replicas'), at(body, 'spec.strategy.rollingUpdate'), at(body, 'spec.revisionHistoryLimit')],
    [1, { maxUnavailable: '25%', maxSurge: '25%' }, 10],
    'defaults',
  )
})

t.test('pods get the defaults that clients rely on', async (t) => {
  const api = await createTestApi()
  const { body } = await create(api, pods, pod('p'))
  t.match(body['spec'], {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    priority: 0,
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
    containers: [{ imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', resources: {} }],
  })
  t.strictSame(body['status'], { phase: 'Pending', qosClass: 'BestEffort' })
})

t.test('generateName adds five characters', async (t) => {
  const api = await createTestApi()
  const reply = await create(api, configMaps, { metadata: { generateName: 'web-' } })
  t.match(at(reply.body, 'metadata.name'), /^web-\w{5}$/)
})

t.test('unknown fields: warned about, refused, or ignored', async (t) => {
  const api = await createTestApi()
  const body = { ...configMap('c'), dta: {} }
  t.strictSame((await api.request('POST', `${configMaps}?dryRun=All`, { body })).warnings, ['unknown field "dta"'])
  t.strictSame((await api.request('POST', `${configMaps}?dryRun=All&fieldValidation=Ignore`, { body })).warnings, [])
  const strict = await api.request('POST', `${configMaps}?fieldValidation=Strict`, { body })
  t.equal(strict.code, 400)
  t.match(strict.body['message'], /strict decoding error: unknown field "dta"/)
  t.equal((await api.request('GET', `${configMaps}/c`)).code, 404, 'nothing was created')
})

t.test('an update keeps what the client may not touch, and counts generations of the wish', async (t) => {
  const api = await createTestApi()
  const { body: made } = await create(api, deployments, deployment('web'))
  const again = await api.request('PUT', `${deployments}/web`, { body: deployment('web') })
  t.equal(at(again.body, 'metadata.resourceVersion'), at(made, 'metadata.resourceVersion'), 'no change, no new version')

  const scaled = { ...deployment('web'), spec: { ...deployment('web').spec, replicas: 3 }, status: { replicas: 9 } }
  const { body } = await api.request('PUT', `${deployments}/web`, { body: scaled })
  t.equal(at(body, 'metadata.generation'), 2)
  t.equal(at(body, 'metadata.uid'), at(made, 'metadata.uid'))
  t.strictSame(body['status'], {}, 'the main endpoint ignores the status')

  const status = await api.request('PUT', `${deployments}/web/status`, {
    body: { ...deployment('web'), spec: { ...deployment('web').spec, replicas: 7 }, status: { replicas: 2 } },
  })
  t.strictSame(
    [at(status.body, 'status.replicas'), at(status.body, 'spec.replicas'), at(status.body, 'metadata.generation')],
    [2, 3, 2],
    'the status endpoint ignores everything else',
  )
  const labelled = await api.request('PATCH', `${deployments}/web`, {
    body: { metadata: { labels: { a: 'b' } } },
    contentType: 'application/merge-patch+json',
  })
  t.strictSame(
    [at(labelled.body, 'metadata.generation'), at(labelled.body, 'status.replicas')],
    [2, 2],
    'labels are no wish',
  )
  const other = await api.request('PUT', `${deployments}/web`, {
    body: { ...deployment('web'), spec: { ...deployment('web').spec, selector: { matchLabels: { app: 'other' } } } },
  })
  t.equal(other.code, 422)
  t.match(other.body['message'], /spec.selector: Invalid value: .*: field is immutable/)
})

t.test('a patch may name the version it wants to change', async (t) => {
  const api = await createTestApi()
  const { body } = await create(api, configMaps, configMap('c', { a: '1' }))
  const patch = (resourceVersion: string) =>
    api.request('PATCH', `${configMaps}/c`, {
      body: { metadata: { resourceVersion }, data: { b: '2' } },
      contentType: 'application/strategic-merge-patch+json',
    })
  t.equal((await patch('1')).code, 409)
  t.strictSame((await patch(String(at(body, 'metadata.resourceVersion')))).body['data'], { a: '1', b: '2' })
})

t.test('patches that race are all applied', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, configMap('c'))
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      api.request('PATCH', `${configMaps}/c`, {
        body: { data: { [`k${n}`]: String(n) } },
        contentType: 'application/merge-patch+json',
      }),
    ),
  )
  t.ok(replies.every(({ code }) => code === 200))
  t.equal(Object.keys((await api.request('GET', `${configMaps}/c`)).body['data'] ?? {}).length, 8)
})

t.test('a dry run answers as if and changes nothing', async (t) => {
  const api = await createTestApi()
  t.equal((await api.request('POST', `${configMaps}?dryRun=All`, { body: configMap('c') })).code, 201)
  t.equal((await api.request('GET', `${configMaps}/c`)).code, 404)
  await create(api, configMaps, configMap('c', { a: '1' }))
  const put = await api.request('PUT', `${configMaps}/c?dryRun=All`, { body: configMap('c', { a: '2' }) })
  t.strictSame(put.body['data'], { a: '2' })
  const deleted = await api.request('DELETE', `${configMaps}/c`, { body: { dryRun: ['All'] } })
  t.equal(deleted.code, 200)
  t.strictSame((await api.request('GET', `${configMaps}/c`)).body['data'], { a: '1' })
})

t.test('scale is a window onto the replicas', async (t) => {
  const api = await createTestApi()
  await create(api, deployments, deployment('web'))
  const shown = await api.request('GET', `${deployments}/web/scale`)
  t.match(shown.body, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 1 },
    status: { replicas: 0, selector: 'app=web' },
  })
  const scaled = await api.request('PATCH', `${deployments}/web/scale`, {
    body: { spec: { replicas: 5 } },
    contentType: 'application/merge-patch+json',
  })
  t.equal(at(scaled.body, 'spec.replicas'), 5)
  t.equal(at((await api.request('GET', `${deployments}/web`)).body, 'spec.replicas'), 5)
  const stale = { ...(shown.body as object), spec: { replicas: 2 } }
  t.equal((await api.request('PUT', `${deployments}/web/scale`, { body: stale })).code, 409, 'of an older version')
  t.equal((await api.request('GET', `${configMaps}/c/scale`)).code, 404)
})

t.test('pods leave in steps, everything else at once', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, configMap('c'))
  t.match((await api.request('DELETE', `${configMaps}/c`)).body, {
    kind: 'Status',
    status: 'Success',
    details: { name: 'c', kind: 'configmaps' },
  })

  await create(api, pods, pod('unscheduled'))
  await api.request('DELETE', `${pods}/unscheduled`)
  t.equal((await api.request('GET', `${pods}/unscheduled`)).code, 404, 'nothing runs anywhere: gone')

  await create(api, pods, pod('p'))
  const binding = { kind: 'Binding', apiVersion: 'v1', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } }
  t.equal((await create(api, `${pods}/p/binding`, binding)).code, 201)
  t.equal((await create(api, `${pods}/p/binding`, binding)).code, 409, 'bound once')
  const { body } = await api.request('DELETE', `${pods}/p`)
  t.strictSame(
    [at(body, 'metadata.deletionTimestamp'), at(body, 'metadata.deletionGracePeriodSeconds')],
    ['2026-01-01T00:00:30Z', 30],
  )
  const shorter = await api.request('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 5 } })
  t.equal(at(shorter.body, 'metadata.deletionGracePeriodSeconds'), 5)
  const longer = await api.request('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 60 } })
  t.equal(at(longer.body, 'metadata.deletionGracePeriodSeconds'), 5, 'never longer')
  t.equal((await api.request('DELETE', `${pods}/p`, { body: { preconditions: { uid: 'other' } } })).code, 409)
  await api.request('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: 0 } })
  t.equal((await api.request('GET', `${pods}/p`)).code, 404)
})

t.test('finalizers hold an object until they are gone', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, { ...configMap('c'), metadata: { name: 'c', finalizers: ['x.io/hold'] } })
  const { body } = await api.request('DELETE', `${configMaps}/c`)
  t.ok(at(body, 'metadata.deletionTimestamp'))
  const added = await api.request('PATCH', `${configMaps}/c`, {
    body: { metadata: { finalizers: ['x.io/hold', 'x.io/more'] } },
    contentType: 'application/merge-patch+json',
  })
  t.equal(added.code, 422, 'none can be added any more')
  const foreground = await api.request('DELETE', `${configMaps}/c`, { body: { propagationPolicy: 'Foreground' } })
  t.strictSame(at(foreground.body, 'metadata.finalizers'), ['x.io/hold', 'foregroundDeletion'])
  const freed = await api.request('PATCH', `${configMaps}/c`, {
    body: { metadata: { finalizers: null } },
    contentType: 'application/merge-patch+json',
  })
  t.equal(freed.code, 200)
  t.equal((await api.request('GET', `${configMaps}/c`)).code, 404)
})

t.test('namespaces end by being finalized', async (t) => {
  const api = await createTestApi()
  const { body: made } = await create(api, '/api/v1/namespaces', { metadata: { name: 'n' } })
  t.match(made, {
    metadata: { labels: { 'kubernetes.io/metadata.name': 'n' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  })
  const { body } = await api.request('DELETE', '/api/v1/namespaces/n')
  t.equal(at(body, 'status.phase'), 'Terminating')
  const late = await create(api, '/api/v1/namespaces/n/configmaps', configMap('c'))
  t.equal(late.code, 403)
  t.match(late.body, {
    message: 'configmaps "c" is forbidden: unable to create new content in namespace n because it is being terminated',
    details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] },
  })
  const finalized = { ...(body as object), spec: { finalizers: [] } }
  t.equal((await api.request('PUT', '/api/v1/namespaces/n/finalize', { body: finalized })).code, 200)
  t.equal((await api.request('GET', '/api/v1/namespaces/n')).code, 404)
})

t.test('lists select, and come in chunks of one moment', async (t) => {
  const api = await createTestApi()
  for (const n of [1, 2, 3, 4, 5]) await create(api, configMaps, configMap(`c${n}`, {}, { odd: String(n % 2) }))
  t.strictSame(names((await api.request('GET', `${configMaps}?labelSelector=odd%3D1`)).body), ['c1', 'c3', 'c5'])
  t.strictSame(names((await api.request('GET', `${configMaps}?labelSelector=odd+in+%280%29`)).body), ['c2', 'c4'])
  t.strictSame(
    names((await api.request('GET', `${configMaps}?fieldSelector=metadata.name!=c1&labelSelector=odd=1`)).body),
    ['c3', 'c5'],
  )

  const first = (await api.request('GET', `${configMaps}?limit=2`)).body
  t.strictSame([names(first), at(first, 'metadata.remainingItemCount')], [['c1', 'c2'], 3])
  await api.request('DELETE', `${configMaps}/c4`)
  await create(api, configMaps, configMap('c35'))
  const second = (await api.request('GET', `${configMaps}?limit=2&continue=${at(first, 'metadata.continue')}`)).body
  t.strictSame(names(second), ['c3', 'c4'], 'as it was when the list began')
  t.equal(at(second, 'metadata.resourceVersion'), at(first, 'metadata.resourceVersion'))
  const third = (await api.request('GET', `${configMaps}?limit=2&continue=${at(second, 'metadata.continue')}`)).body
  t.strictSame([names(third), at(third, 'metadata.continue')], [['c5'], undefined])
  t.equal((await api.request('GET', `${configMaps}?continue=nonsense`)).code, 400)
})

t.test('a list that waited too long for its next chunk begins again', async (t) => {
  const api = await createTestApi({ history: 5 })
  for (const n of [1, 2, 3]) await create(api, configMaps, configMap(`c${n}`))
  const first = (await api.request('GET', `${configMaps}?limit=1`)).body
  for (let n = 0; n < 20; n++) await api.request('PUT', `${configMaps}/c1`, { body: configMap('c1', { n: String(n) }) })
  const late = await api.request('GET', `${configMaps}?limit=1&continue=${at(first, 'metadata.continue')}`)
  t.strictSame([late.code, late.body['reason']], [410, 'Expired'])
})

t.test('a version from the future is not waited for', async (t) => {
  const api = await createTestApi()
  const { code, body } = await api.request('GET', `${configMaps}?resourceVersion=1000`)
  t.strictSame(
    [code, at(body, 'details.causes.0.reason'), at(body, 'details.retryAfterSeconds')],
    [504, 'ResourceVersionTooLarge', 1],
  )
})

t.test('a watch shows changes as its selector sees them', async (t) => {
  const api = await createTestApi()
  const { body } = await create(api, configMaps, configMap('a', {}, { x: '1' }))
  const version = at(body, 'metadata.resourceVersion')
  const { events, stop } = await api.watch(`${configMaps}?watch=1&labelSelector=x%3D1&resourceVersion=${version}`)
  await create(api, configMaps, configMap('b', {}, { x: '2' }))
  await create(api, configMaps, configMap('c', {}, { x: '1' }))
  const moved = await api.request('PUT', `${configMaps}/a`, { body: configMap('a', {}, { x: '2' }) })
  await api.request('PUT', `${configMaps}/b`, { body: configMap('b', {}, { x: '1' }) })
  await api.request('DELETE', `${configMaps}/c`)
  t.strictSame(
    events.map(({ type, object }) => [type, at(object, 'metadata.name'), at(object, 'metadata.labels.x')]),
    [
      ['ADDED', 'c', '1'],
      ['DELETED', 'a', '1'],
      ['ADDED', 'b', '1'],
      ['DELETED', 'c', '1'],
    ],
  )
  t.equal(
    at(events[1]?.object, 'metadata.resourceVersion'),
    at(moved.body, 'metadata.resourceVersion'),
    'with the new version',
  )
  await stop()
  await create(api, configMaps, configMap('d', {}, { x: '1' }))
  t.equal(events.length, 4)
})

t.test('a watch without a version begins with what is there', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, configMap('a'))
  for (const version of ['', '0']) {
    const { events, stop } = await api.watch(`${configMaps}?watch=true&resourceVersion=${version}`)
    t.strictSame(
      events.map(({ type, object }) => [type, at(object, 'metadata.name')]),
      [['ADDED', 'a']],
    )
    await stop()
  }
})

t.test('bookmarks come when asked for; the initial ones end with their mark', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, configMap('a'))
  const streaming = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const { events, stop } = await api.watch(`${configMaps}?watch=1&${streaming}`)
  t.strictSame(
    events.map(({ type, object }) => [type, at(object, 'metadata.annotations')]),
    [
      ['ADDED', undefined],
      ['BOOKMARK', { 'k8s.io/initial-events-end': 'true' }],
    ],
  )
  api.clock.advance(60_000)
  t.strictSame(
    events.slice(2).map(({ type }) => type),
    ['BOOKMARK', 'BOOKMARK'],
  )
  await stop()
  const refused = await api.request('GET', `${configMaps}?watch=1&sendInitialEvents=true`)
  t.strictSame([refused.code, refused.body['reason']], [422, 'Invalid'])
})

t.test('a watch ends after its time', async (t) => {
  const api = await createTestApi()
  const { events, stop } = await api.watch(`${configMaps}?watch=1&timeoutSeconds=5&allowWatchBookmarks=1`)
  api.clock.advance(5_000)
  t.strictSame(
    events.map(({ type }) => type),
    ['BOOKMARK'],
    'with a last bookmark',
  )
  await create(api, configMaps, configMap('late'))
  t.equal(events.length, 1)
  await stop()
})

t.test('a watch from a forgotten version is told so', async (t) => {
  const api = await createTestApi({ history: 5 })
  await create(api, configMaps, configMap('c'))
  for (let n = 0; n < 20; n++) await api.request('PUT', `${configMaps}/c`, { body: configMap('c', { n: String(n) }) })
  const { events, stop } = await api.watch(`${configMaps}?watch=1&resourceVersion=2`)
  t.strictSame(
    [events.length, events[0]?.type, at(events[0]?.object, 'code'), at(events[0]?.object, 'reason')],
    [1, 'ERROR', 410, 'Expired'],
  )
  t.match(at(events[0]?.object, 'message'), /^too old resource version: 2 \(\d+\)$/)
  await stop()
})

t.test('deletecollection takes what the selector matches', async (t) => {
  const api = await createTestApi()
  for (const n of [1, 2, 3]) await create(api, configMaps, configMap(`c${n}`, {}, { odd: String(n % 2) }))
  await api.request('DELETE', `${configMaps}?labelSelector=odd=1`)
  t.strictSame(names((await api.request('GET', configMaps)).body), ['c2'])
})

const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

t.test('tables have the columns and cells that kubectl prints', async (t) => {
  const api = await createTestApi()
  await create(api, pods, pod('p'))
  api.clock.advance(125_000)
  const { body } = await api.request('GET', pods, { accept: tableType })
  t.strictSame([body['kind'], body['apiVersion']], ['Table', 'meta.k8s.io/v1'])
  t.strictSame(
    (body['columnDefinitions'] as unknown as Json[]).map((c) => [c['name'], c['priority'], c['format']]),
    [
      ['Name', 0, 'name'],
      ['Ready', 0, ''],
      ['Status', 0, ''],
      ['Restarts', 0, ''],
      ['Age', 0, ''],
      ['IP', 1, ''],
      ['Node', 1, ''],
      ['Nominated Node', 1, ''],
      ['Readiness Gates', 1, ''],
    ],
  )
  t.strictSame(at(body, 'rows.0.cells'), ['p', '0/1', 'Pending', '0', '2m5s', '<none>', '<none>', '<none>', '<none>'])
  t.match(at(body, 'rows.0.object'), { kind: 'PartialObjectMetadata', metadata: { name: 'p' } })
  const whole = await api.request('GET', `${pods}?includeObject=Object`, { accept: tableType })
  t.equal(at(whole.body, 'rows.0.object.kind'), 'Pod')
  const one = await api.request('GET', `${pods}/p`, { accept: tableType })
  t.equal((one.body['rows'] as unknown as Json[]).length, 1)
  const { events, stop } = await api.watch(`${pods}?watch=1`, tableType)
  t.match(events[0], { type: 'ADDED', object: { kind: 'Table', rows: [{}] } })
  await stop()
})

t.test('metadata alone is shown to those who ask for it', async (t) => {
  const api = await createTestApi()
  await create(api, configMaps, configMap('c', { a: 'b' }))
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
  const { body } = await api.request('GET', configMaps, { accept })
  t.match(body, {
    kind: 'PartialObjectMetadataList',
    items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'c' } }],
  })
  t.equal(at(body, 'items.0.data'), undefined)
  t.equal((await api.request('GET', configMaps, { accept: 'text/html' })).code, 406)
  const both = await api.request('GET', configMaps, { accept: 'application/vnd.kubernetes.protobuf,application/json' })
  t.equal(both.body['kind'], 'ConfigMapList', 'whoever asks for protobuf takes JSON too')
})

t.test('discovery in the old form and aggregated', async (t) => {
  const api = await createTestApi()
  t.strictSame((await api.request('GET', '/api')).body['versions'], ['v1'])
  const groups = (await api.request('GET', '/apis')).body
  t.ok(
    (groups['groups'] as unknown as Json[]).some(
      (g) => at(g, 'name') === 'apps' && at(g, 'preferredVersion.groupVersion') === 'apps/v1',
    ),
  )
  const core = (await api.request('GET', '/api/v1')).body
  const podEntry = (core['resources'] as unknown as Json[]).find((r) => at(r, 'name') === 'pods')
  t.match(podEntry, { kind: 'Pod', namespaced: true, shortNames: ['po'], categories: ['all'], singularName: 'pod' })
  const apps = (await api.request('GET', '/apis/apps/v1')).body
  t.match(
    (apps['resources'] as unknown as Json[]).find((r) => at(r, 'name') === 'deployments/scale'),
    { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  )
  for (const version of ['v2', 'v2beta1']) {
    const accept = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`
    const { body } = await api.request('GET', '/apis', { accept })
    t.strictSame([body['kind'], body['apiVersion']], ['APIGroupDiscoveryList', `apidiscovery.k8s.io/${version}`])
    t.ok(
      (body['items'] as unknown as Json[])
        .flatMap((item) => [...((at(item, 'versions.0.resources') ?? []) as Json[])])
        .some((item) => at(item, 'responseKind.kind') === 'Deployment'),
    )
  }
})

t.test('OpenAPI v3 tells kubectl what it looks for', async (t) => {
  const api = await createTestApi()
  const index = (await api.request('GET', '/openapi/v3')).body
  const url = String(index['paths']?.['apis/apps/v1']?.['serverRelativeURL'])
  t.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=/)
  const { body } = await api.request('GET', url)
  const patch = body['paths']?.['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch']
  t.match(at(patch, 'x-kubernetes-group-version-kind'), { group: 'apps', version: 'v1', kind: 'Deployment' })
  t.ok((at(patch, 'parameters') as Json[]).some((p) => at(p, 'name') === 'fieldValidation'))
  t.ok(patch?.['requestBody']?.['content']?.['application/strategic-merge-patch+json'])
  const containers = body['components']?.['schemas']?.['io.k8s.api.core.v1.PodSpec']?.['properties']?.['containers']
  t.equal(containers?.['x-kubernetes-patch-merge-key'], 'name')
})

t.test('nodes write only what is theirs', async (t) => {
  const api = await createTestApi()
  const n1 = { name: 'system:node:n1', groups: [nodesGroup] }
  for (const [name, node] of [
    ['mine', 'n1'],
    ['other', 'n2'],
  ] as const) {
    await create(api, pods, pod(name))
    await create(api, `${pods}/${name}/binding`, { target: { name: node } })
  }
  const as = (method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH', path: string, body?: unknown) =>
    api.request(method, path, {
      user: n1,
      body,
      contentType: method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    })
  const status = { status: { phase: 'Running' } }
  const cases: [name: string, reply: ReturnType<typeof as>, code: number][] = [
    ['read pods', as('GET', pods), 200],
    ["write its pod's status", as('PATCH', `${pods}/mine/status`, status), 200],
    ["write another's", as('PATCH', `${pods}/other/status`, status), 403],
    ['change its pod', as('PATCH', `${pods}/mine`, { metadata: { labels: { a: 'b' } } }), 403],
    ["delete another's pod", as('DELETE', `${pods}/other`), 403],
    ['create a pod', as('POST', pods, pod('new')), 403],
    ['register itself', as('POST', '/api/v1/nodes', { metadata: { name: 'n1' } }), 201],
    ['change another node', as('PATCH', '/api/v1/nodes/n2/status', {}), 403],
    ['read deployments', as('GET', deployments), 403],
  ]
  for (const [name, reply, code] of cases) t.equal((await reply).code, code, name)
  const denied = await as('GET', deployments)
  t.equal(
    denied.body['message'],
    'deployments.apps is forbidden: User "system:node:n1" cannot list resource "deployments" in API group "apps" in the namespace "default"',
  )
})
