/** Questions what somebody may, and who they are. */
import t from 'tap'
import { createClient } from '../../../../src/api/client.ts'
import { authenticatedGroup, type User } from '../../../../src/control/auth/user.ts'
import { keepDefaultRoles } from '../../../../src/control/bootstrap/default-roles.ts'
import { createLocalTransport } from '../../../../src/control/server/local-transport.ts'
import { admin, createTestApi } from '../../../support/api-server.ts'

const alice: User = { name: 'alice', groups: ['dev', authenticatedGroup], uid: 'u1', extra: { 'a/b': ['c'] } }
const group = '/apis/authorization.k8s.io'

const start = async () => {
  const api = await createTestApi()
  for (const name of ['kube-system', 'kube-public'])
    await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name } } })
  await keepDefaultRoles(createClient(createLocalTransport(api.handle, admin)))
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
  await api.request('POST', `${rbac}/roles`, {
    body: {
      metadata: { name: 'r' },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['p'] }],
    },
  })
  const subjects = [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }]
  await api.request('POST', `${rbac}/rolebindings`, {
    body: {
      metadata: { name: 'b' },
      subjects,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
    },
  })
  const ask = (path: string, spec: object, user: User = admin, metadata?: object) =>
    api.request('POST', path, { user, body: { spec, ...(metadata ? { metadata } : {}) } })
  return { api, ask }
}

const pod = { namespace: 'default', verb: 'get', resource: 'pods', name: 'p' }
const allowed = {
  allowed: true,
  reason: 'RBAC: allowed by RoleBinding "b/default" of Role "r" to User "alice"',
}

t.test('what somebody may', async (t) => {
  const { ask } = await start()
  for (const version of ['v1', 'v1beta1']) {
    const of = (kind: string) => `${group}/${version}/${kind}`
    const yes = await ask(of('subjectaccessreviews'), { user: 'alice', resourceAttributes: pod })
    t.equal(yes.code, 201)
    t.match(yes.body, {
      apiVersion: `authorization.k8s.io/${version}`,
      kind: 'SubjectAccessReview',
      spec: { user: 'alice' },
    })
    t.strictSame(yes.body['status'], allowed)
    const no = await ask(of('subjectaccessreviews'), { user: 'alice', resourceAttributes: { ...pod, name: 'q' } })
    t.strictSame(no.body['status'], { allowed: false })
    t.strictSame(
      (await ask(of('selfsubjectaccessreviews'), { resourceAttributes: pod }, alice)).body['status'],
      allowed,
    )
    const path = { nonResourceAttributes: { path: '/version', verb: 'get' } }
    t.match((await ask(of('selfsubjectaccessreviews'), path, alice)).body['status'], { allowed: true })
    const local = `${group}/${version}/namespaces/default/localsubjectaccessreviews`
    t.strictSame(
      (await ask(local, { user: 'alice', resourceAttributes: pod }, admin, { namespace: 'default' })).body['status'],
      allowed,
    )
  }
  const masters = { resourceAttributes: { ...pod, resource: 'secrets' } }
  t.match((await ask(`${group}/v1/subjectaccessreviews`, { ...masters, groups: ['system:masters'] })).body['status'], {
    allowed: true,
  })
  const beta = await ask(`${group}/v1beta1/subjectaccessreviews`, { ...masters, group: ['system:masters'] })
  t.match(beta.body, { spec: { group: ['system:masters'] }, status: { allowed: true } })
  t.strictSame(
    beta.warnings.map((warning) => warning.split(';')[0]),
    ['authorization.k8s.io/v1beta1 SubjectAccessReview is deprecated in v1.19+, unavailable in v1.22+'],
    'nothing else is wrong with it',
  )
})

t.test('who may ask', async (t) => {
  const { api, ask } = await start()
  const spec = { user: 'bob', resourceAttributes: pod }
  t.equal((await ask(`${group}/v1/subjectaccessreviews`, spec, alice)).code, 403, 'not everybody of others')
  t.equal(
    (await ask(`${group}/v1/selfsubjectaccessreviews`, { resourceAttributes: pod }, { name: 'x', groups: [] })).code,
    403,
  )
  t.equal((await api.request('GET', `${group}/v1/subjectaccessreviews`)).code, 405, 'nothing is kept')
})

t.test('questions that make no sense', async (t) => {
  const { ask } = await start()
  const messages: [path: string, spec: object, message: string][] = [
    [
      'subjectaccessreviews',
      { user: 'a' },
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'subjectaccessreviews',
      { resourceAttributes: pod },
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'selfsubjectaccessreviews',
      { resourceAttributes: {}, nonResourceAttributes: {} },
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {}: cannot be specified in combination with resourceAttributes',
    ],
    ['selfsubjectrulesreviews', {}, 'no namespace on request'],
  ]
  for (const [path, spec, message] of messages)
    t.equal((await ask(`${group}/v1/${path}`, spec)).body['message'], message)
  const local = `${group}/v1/namespaces/default/localsubjectaccessreviews`
  const elsewhere = { user: 'a', resourceAttributes: { ...pod, namespace: 'kube-system' } }
  t.match(
    (await ask(local, elsewhere, admin, { namespace: 'default' })).body['message'],
    /must match metadata\.namespace$/,
  )
  t.equal((await ask(local, elsewhere, admin, { namespace: 'kube-system' })).code, 400)
  t.match(
    (await ask(`${group}/v1/selfsubjectaccessreviews`, { resourceAttributes: pod }, admin, { name: 'x' })).body[
      'message'
    ],
    /metadata: Invalid value: .*: must be empty$/,
  )
})

t.test('all that one may, and who one is', async (t) => {
  const { ask } = await start()
  const { body } = await ask(`${group}/v1/selfsubjectrulesreviews`, { namespace: 'default' }, alice)
  t.match(body['status'], { incomplete: false })
  t.match(body['status']?.['resourceRules'], [
    ...[{ verbs: ['create'], resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'] }],
  ])
  const rules = body['status']?.['resourceRules'] as unknown as object[]
  t.has(rules.at(-1), { verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['p'] })
  const node: User = { name: 'system:node:n', groups: ['system:nodes', authenticatedGroup] }
  t.match((await ask(`${group}/v1/selfsubjectrulesreviews`, { namespace: 'default' }, node)).body['status'], {
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution',
  })
  for (const version of ['v1', 'v1beta1'])
    t.strictSame((await ask(`/apis/authentication.k8s.io/${version}/selfsubjectreviews`, {}, alice)).body['status'], {
      userInfo: { username: 'alice', uid: 'u1', groups: ['dev', authenticatedGroup], extra: { 'a/b': ['c'] } },
    })
})

t.test('an answer is no row of a table', async (t) => {
  const api = await createTestApi()
  const body = { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } }
  const path = `${group}/v1/selfsubjectaccessreviews`
  const asked = (accept: string) => api.request('POST', path, { body, accept })
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  t.equal((await asked(table)).code, 406)
  t.equal((await asked(`${table},application/json`)).code, 201)
  t.equal((await asked('application/json')).code, 201)
})
