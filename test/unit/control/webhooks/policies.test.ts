/** ValidatingAdmissionPolicies: where they hold, what they see, and what becomes of a write that breaks one. */
import t from 'tap'
import { createTestApi, type TestApi } from '../../../support/api-server.ts'
import { causesOf } from '../../../support/kind-case.ts'

const group = '/apis/admissionregistration.k8s.io/v1'
const maps = '/api/v1/namespaces/default/configmaps'

type Content = Readonly<Record<string, unknown>>

const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }]

const policy = (spec: Content) => ({
  metadata: { name: 'p' },
  spec: { matchConstraints: { resourceRules: rules }, ...spec },
})
const binding = (spec: Content = {}) => ({
  metadata: { name: 'b' },
  spec: { policyName: 'p', validationActions: ['Deny'], ...spec },
})

const enact = async (api: TestApi, spec: Content, bound: Content = {}): Promise<void> => {
  for (const [plural, body] of [
    ['validatingadmissionpolicies', policy(spec)],
    ['validatingadmissionpolicybindings', binding(bound)],
  ] as const) {
    const { code, body: answer } = await api.request('POST', `${group}/${plural}`, { body })
    if (code !== 201) throw new Error(`${code} ${JSON.stringify(answer['message'])}`)
  }
}

const create = (api: TestApi, content: object, path = maps) =>
  api.request('POST', path, { body: { metadata: { name: 'a' }, ...content } })

t.test('a write that breaks a policy is refused', async (t) => {
  const api = await createTestApi()
  await enact(api, {
    variables: [{ name: 'count', expression: 'size(object.data)' }],
    validations: [
      { expression: '!has(object.data) || variables.count < 2', messageExpression: '"has " + string(variables.count)' },
      { expression: 'oldObject == null || object.metadata.name == "a"', reason: 'Forbidden' },
    ],
  })
  t.equal((await create(api, { data: { a: 'b' } })).code, 201)
  const contentType = 'application/merge-patch+json'
  const refused = await api.request('PATCH', `${maps}/a`, { body: { data: { c: 'd' } }, contentType })
  t.equal(refused.code, 422)
  t.equal(refused.body['reason'], 'Invalid')
  t.equal(
    refused.body['message'],
    `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: has 2`,
  )
  t.equal((await api.request('DELETE', `${maps}/a`)).code, 200, 'of deletions it says nothing')
})

t.test('it warns where it is told to', async (t) => {
  const api = await createTestApi()
  await enact(
    api,
    { validations: [{ expression: 'has(object.data)', message: 'no data' }] },
    { validationActions: ['Warn', 'Audit'] },
  )
  const made = await create(api, {})
  t.equal(made.code, 201)
  t.match(made.warnings, [`Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no data`])
})

t.test('parameters are objects of any kind', async (t) => {
  const api = await createTestApi()
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  const paramRef = { name: 'limits', namespace: 'kube-system', parameterNotFoundAction: 'Deny' }
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-system' } } })
  await enact(
    api,
    {
      paramKind,
      validations: [{ expression: 'size(object.data) <= int(params.data.most)' }],
      matchConditions: [{ name: 'here', expression: 'object.metadata.namespace == "default"' }],
    },
    { paramRef },
  )
  t.match((await create(api, { data: { a: 'b' } })).body['message'], /no params found for policy binding/)
  const limits = { metadata: { name: 'limits' }, data: { most: '1' } }
  t.equal((await api.request('POST', '/api/v1/namespaces/kube-system/configmaps', { body: limits })).code, 201)
  t.equal((await create(api, { data: { a: 'b', c: 'd' } })).code, 422)
  t.equal((await create(api, { data: { a: 'b' } })).code, 201)
})

t.test('a binding narrows it down, and a failure counts as the policy says', async (t) => {
  const api = await createTestApi()
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'strict', labels: { strict: 'yes' } } } })
  await enact(
    api,
    { validations: [{ expression: 'object.nosuch == 1' }] },
    { matchResources: { namespaceSelector: { matchLabels: { strict: 'yes' } } } },
  )
  t.equal((await create(api, {})).code, 201)
  const strict = maps.replace('default', 'strict')
  t.match((await create(api, {}, strict)).body['message'], /denied request: No such key: nosuch/)
  await api.request('PATCH', `${group}/validatingadmissionpolicies/p`, {
    ...{ body: { spec: { failurePolicy: 'Ignore' } }, contentType: 'application/merge-patch+json' },
  })
  t.equal((await create(api, {}, strict)).code, 201)
})

t.test('what cannot be evaluated is refused where it is written', async (t) => {
  const api = await createTestApi()
  const refused = async (plural: string, body: object) =>
    causesOf((await api.request('POST', `${group}/${plural}`, { body })).body)
  t.match(await refused('validatingadmissionpolicies', policy({ validations: [{ expression: 'nosuch' }] })), [
    /^spec\.validations\[0\]\.expression: Invalid value: "nosuch": compilation failed/,
  ])
  t.match(await refused('validatingadmissionpolicies', { metadata: { name: 'p' }, spec: {} }), [
    'spec.matchConstraints: Required value',
  ])
  t.match(await refused('validatingadmissionpolicybindings', binding({ validationActions: ['Deny', 'Warn'] })), [
    /^spec\.validationActions: Forbidden: must not contain both Deny and Warn/,
  ])
  t.match(
    await refused('validatingadmissionpolicybindings', binding({ paramRef: { parameterNotFoundAction: 'Deny' } })),
    ['spec.paramRef: Required value: one of name or selector must be specified'],
  )
})
