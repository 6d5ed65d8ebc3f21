/** Admission webhooks: who is asked about what, what their answers change, and what happens when they do not answer. */
import t, { type Test } from 'tap'
import { createTestApi, type Json, type TestApi } from '../../../support/api-server.ts'
import { serveWebhook, type WebhookServer } from '../../../support/webhook-server.ts'

const group = '/apis/admissionregistration.k8s.io/v1'
const maps = '/api/v1/namespaces/default/configmaps'

type Content = Readonly<Record<string, unknown>>

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

const allow = (review: Json, more: Content = {}) => ({
  apiVersion: review['apiVersion'],
  kind: 'AdmissionReview',
  response: { uid: review['request']?.['uid'], allowed: true, ...more },
})

const patch = (review: Json, ...operations: readonly object[]) =>
  allow(review, { patchType: 'JSONPatch', patch: base64(operations) })

const deny = (review: Json, status: Content = {}) => {
  const answer = allow(review)
  return { ...answer, response: { ...answer.response, allowed: false, status } }
}

const rule = (resources: readonly string[], more: Content = {}) => ({
  ...{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources },
  ...more,
})

const configuration = (server: Pick<WebhookServer, 'url' | 'caBundle'>, more: Content = {}) => ({
  metadata: { name: 'hooks' },
  webhooks: [
    {
      name: 'hook.example.com',
      rules: [rule(['configmaps'])],
      clientConfig: { url: `${server.url}/hook`, caBundle: server.caBundle },
      ...{ sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 5 },
      ...more,
    },
  ],
})

const configure = async (api: TestApi, kind: 'mutating' | 'validating', body: object): Promise<void> => {
  const { code, body: answer } = await api.request('POST', `${group}/${kind}webhookconfigurations`, { body })
  if (code !== 201) throw new Error(`${code} ${JSON.stringify(answer)}`)
}

const create = (api: TestApi, content: object, query = '') =>
  api.request('POST', `${maps}${query}`, { body: { metadata: { name: 'a' }, ...content } })

const setUp = async (t: Test, answer: (review: Json, path: string) => unknown) => {
  const api = await createTestApi()
  return { api, server: await serveWebhook(t, answer) }
}

t.test('a webhook that refuses is heard, in the words of Kubernetes', async (t) => {
  const { api, server } = await setUp(t, (review) =>
    review['request']?.['object']?.['data']?.['bad']
      ? deny(review, { code: 403, message: 'not so' })
      : allow(review, { warnings: ['mind the gap'] }),
  )
  await configure(api, 'validating', configuration(server))
  const refused = await create(api, { data: { bad: 'yes' } })
  t.equal(refused.code, 403)
  t.equal(refused.body['message'], 'admission webhook "hook.example.com" denied the request: not so')
  const made = await create(api, { data: { good: 'yes' } })
  t.equal(made.code, 201)
  t.match(made.warnings, ['mind the gap'])
  const [, second] = server.asked
  t.match(second, {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { kind: 'ConfigMap' },
      ...{ name: 'a', namespace: 'default', operation: 'CREATE', dryRun: false },
      userInfo: { username: 'admin' },
      object: { kind: 'ConfigMap', apiVersion: 'v1', data: { good: 'yes' } },
      oldObject: null,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  })
  const contentType = 'application/merge-patch+json'
  t.equal((await api.request('PATCH', `${maps}/a`, { body: { data: { bad: 'x' } }, contentType })).code, 403)
  t.match(server.asked.at(-1)?.['request'], { operation: 'UPDATE', oldObject: { data: { good: 'yes' } } })
  t.equal((await api.request('DELETE', `${maps}/a`)).code, 200)
  t.match(server.asked.at(-1)?.['request'], {
    operation: 'DELETE',
    object: null,
    oldObject: { metadata: { name: 'a' } },
  })
})

t.test('a webhook changes objects, which are checked afterwards', async (t) => {
  const { api, server } = await setUp(t, (review, path) => {
    const data = review['request']?.['object']?.['data'] ?? {}
    if (path === '/broken') return patch(review, { op: 'add', path: '/data/not a key', value: 'x' })
    if (path === '/other') return patch(review, { op: 'replace', path: '/metadata/name', value: 'other' })
    return patch(review, ...(data['second'] ? [{ op: 'add', path: '/data/third', value: 'x' }] : []), {
      ...{ op: 'add', path: '/data/second', value: 'y' },
    })
  })
  await configure(api, 'mutating', configuration(server, { reinvocationPolicy: 'IfNeeded' }))
  const made = await create(api, { data: { first: 'a' } })
  t.strictSame(made.body['data'], { first: 'a', second: 'y' })
  t.equal(server.asked.length, 1, 'nobody else changed anything')
  await api.request('DELETE', `${maps}/a`)

  const named = (name: string, path: string) => {
    const { webhooks } = configuration({ ...server, url: server.url })
    const [webhook] = webhooks
    return {
      metadata: { name },
      webhooks: [{ ...webhook, clientConfig: { ...webhook?.clientConfig, url: `${server.url}${path}` } }],
    }
  }
  await configure(api, 'mutating', named('later', '/later'))
  t.strictSame(
    (await create(api, { data: { first: 'a' } })).body['data'],
    { first: 'a', second: 'y', third: 'x' },
    'asked again',
  )
  await api.request('DELETE', `${maps}/a`)
  await configure(api, 'mutating', named('odd', '/other'))
  t.equal((await create(api, { data: { a: 'b' } })).body['metadata']?.['name'], 'a', 'an object stays who it is')
  await configure(api, 'mutating', named('wrong', '/broken'))
  t.equal((await api.request('POST', maps, { body: { metadata: { name: 'b' }, data: { a: 'b' } } })).code, 422)
})

t.test('what a webhook changes counts as what a client changes', async (t) => {
  const { api, server } = await setUp(t, (review) => {
    const { labels = {}, annotations = {} } = review['request']?.['object']?.['metadata'] ?? {}
    const note = { op: 'add', path: '/metadata/annotations', value: { ...annotations, noted: 'yes' } }
    return patch(
      review,
      { op: 'add', path: '/metadata/labels', value: { ...labels, seen: 'yes' } },
      ...(labels['note'] ? [note] : []),
    )
  })
  const rules = [{ ...rule(['deployments']), apiGroups: ['apps'] }]
  await configure(api, 'mutating', configuration(server, { rules }))
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  const labels = { app: 'web' }
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  }
  const made = await api.request('POST', deployments, { body: { metadata: { name: 'web' }, spec } })
  t.match(made.body['metadata'], { generation: 1, labels: { seen: 'yes' } })
  const change = async (body: object) => {
    const contentType = 'application/merge-patch+json'
    const { body: changed } = await api.request('PATCH', `${deployments}/web`, { body, contentType })
    return changed['metadata']?.['generation']
  }
  t.equal(await change({ metadata: { labels: { more: 'x' } } }), 1, 'a label')
  t.equal(await change({ spec: { replicas: 2 } }), 2, 'the wish')
  t.equal(await change({ metadata: { annotations: { why: 'x' } } }), 3, 'an annotation, of a Deployment')
  t.equal(await change({ metadata: { labels: { note: 'yes' } } }), 4, 'one by the webhook')
})

t.test('who does not answer is done without, or nothing is done: as the configuration says', async (t) => {
  for (const [failurePolicy, code] of [
    ['Fail', 500],
    ['Ignore', 201],
  ] as const) {
    const { api, server } = await setUp(t, (_review, path) => (path === '/silent' ? undefined : { nonsense: true }))
    const dead = { clientConfig: { url: 'https://127.0.0.1:1/hook' }, failurePolicy }
    await configure(api, 'validating', configuration(server, dead))
    const unreached = await create(api, {})
    t.equal(unreached.code, code, `${failurePolicy}: nobody there`)
    if (code === 500)
      t.match(unreached.body['message'], /^Internal error occurred: failed calling webhook "hook.example.com": /)
    for (const change of [
      { clientConfig: { url: `${server.url}/nonsense`, caBundle: server.caBundle } },
      { clientConfig: { url: `${server.url}/silent`, caBundle: server.caBundle }, timeoutSeconds: 1 },
      { clientConfig: { url: `${server.url}/hook` } },
      { clientConfig: { service: { namespace: 'default', name: 'nosuch' } } },
      {
        clientConfig: { url: `${server.url}/nonsense`, caBundle: server.caBundle },
        matchConditions: [{ name: 'odd', expression: 'object.nosuch.field == 1' }],
      },
    ]) {
      await api.request('DELETE', `${maps}/a`)
      await api.request('DELETE', `${group}/validatingwebhookconfigurations/hooks`)
      await configure(
        api,
        'validating',
        configuration(server, { failurePolicy, rules: [rule(['configmaps'], { operations: ['CREATE'] })], ...change }),
      )
      t.equal((await create(api, {})).code, code, `${failurePolicy} ${JSON.stringify(change).slice(0, 80)}`)
    }
  }
})

t.test('rules, selectors and conditions say what it is about', async (t) => {
  const { api, server } = await setUp(t, (review) => deny(review))
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'free', labels: { hooks: 'off' } } } })
  const cases: readonly (readonly [what: string, more: Content, isMeant: boolean])[] = [
    ['everything', {}, true],
    ['another resource', { rules: [rule(['secrets'])] }, false],
    ['another operation', { rules: [rule(['*'], { operations: ['DELETE'] })] }, false],
    ['a subresource', { rules: [rule(['*/status'])] }, false],
    ['any resource', { rules: [rule(['*'])] }, true],
    ['cluster scope', { rules: [rule(['*'], { scope: 'Cluster' })] }, false],
    ['labels of objects', { objectSelector: { matchLabels: { a: 'b' } } }, false],
    [
      'labels of namespaces',
      { namespaceSelector: { matchExpressions: [{ key: 'hooks', operator: 'DoesNotExist' }] } },
      true,
    ],
    ['no such namespace', { namespaceSelector: { matchLabels: { hooks: 'off' } } }, false],
    ['a condition that holds', { matchConditions: [{ name: 'c', expression: 'object.metadata.name == "a"' }] }, true],
    [
      'a condition that does not',
      { matchConditions: [{ name: 'c', expression: 'request.userInfo.username == "else"' }] },
      false,
    ],
  ]
  for (const [what, more, isMeant] of cases) {
    await configure(api, 'validating', configuration(server, more))
    t.equal((await create(api, {}, '?dryRun=All')).code, isMeant ? 400 : 201, what)
    await api.request('DELETE', `${group}/validatingwebhookconfigurations/hooks`)
  }
  const wrong = configuration(server, { matchConditions: [{ name: 'c', expression: 'nosuch == 1' }] })
  t.equal((await api.request('POST', `${group}/validatingwebhookconfigurations`, { body: wrong })).code, 422)
})

t.test('every version of a kind is meant by any of them, unless exactly one is', async (t) => {
  const { api, server } = await setUp(t, (review) => deny(review))
  const rules = [{ ...rule(['cronjobs']), apiGroups: ['batch'], apiVersions: ['v1'] }]
  const template = { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } } }
  const body = { metadata: { name: 'j' }, spec: { schedule: '* * * * *', jobTemplate: template } }
  const beta = '/apis/batch/v1beta1/namespaces/default/cronjobs?dryRun=All'
  await configure(api, 'validating', configuration(server, { rules }))
  t.equal((await api.request('POST', beta, { body })).code, 400)
  t.match(server.asked.at(-1)?.['request'], {
    kind: { version: 'v1' },
    requestKind: { version: 'v1beta1' },
    object: { apiVersion: 'batch/v1' },
  })
  await api.request('DELETE', `${group}/validatingwebhookconfigurations/hooks`)
  await configure(api, 'validating', configuration(server, { rules, matchPolicy: 'Exact' }))
  t.equal((await api.request('POST', beta, { body })).code, 201)
})

t.test('what decides about writes can always be mended, and reviews of v1beta1 are spoken', async (t) => {
  const { api, server } = await setUp(t, (review) => ({
    response: { uid: review['request']?.['uid'], allowed: false },
  }))
  const everything = [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }]
  const beta = '/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations'
  const { webhooks } = configuration(server)
  const [{ name, clientConfig } = { name: '', clientConfig: {} }] = webhooks
  const made = await api.request('POST', beta, {
    body: { metadata: { name: 'hooks' }, webhooks: [{ name, clientConfig, rules: everything }] },
  })
  t.equal(made.code, 201, JSON.stringify(made.body))
  t.match(made.body['webhooks'], [
    { failurePolicy: 'Ignore', sideEffects: 'Unknown', admissionReviewVersions: ['v1beta1'] },
  ])
  t.equal((await create(api, {}, '?dryRun=All')).code, 400, 'effects that nobody knows are none of a dry run')
  const refused = await create(api, {})
  t.equal(refused.body['message'], 'admission webhook "hook.example.com" denied the request without explanation')
  t.match(server.asked.at(-1), { apiVersion: 'admission.k8s.io/v1beta1' })
  t.equal((await api.request('DELETE', `${group}/validatingwebhookconfigurations/hooks`)).code, 200)
  t.equal((await create(api, {})).code, 201)
})

t.test('a Service is reached at its endpoint, under its own name', async (t) => {
  const api = await createTestApi()
  const server = await serveWebhook(t, (review) => deny(review, { message: 'through the Service' }), [
    'hook.default.svc',
  ])
  const service = { metadata: { name: 'hook' }, spec: { ports: [{ port: 443, targetPort: server.port }] } }
  await api.request('POST', '/api/v1/namespaces/default/services', { body: service })
  await configure(
    api,
    'validating',
    configuration(server, {
      clientConfig: { service: { namespace: 'default', name: 'hook', path: '/hook' }, caBundle: server.caBundle },
    }),
  )
  t.match((await create(api, {})).body['message'], /no endpoints available for service "default\/hook"/)
  // An address of this machine is no endpoint of anybody, but for this test.
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'hook-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4' as const,
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    ports: [{ name: '', port: server.port, protocol: 'TCP' as const }],
  }
  await api.store.commit({
    key: { bucket: 'endpointslices.discovery.k8s.io', name: 'default/hook-1' },
    expected: 0,
    object: slice,
  })
  t.match((await create(api, {})).body['message'], /through the Service/)
})
