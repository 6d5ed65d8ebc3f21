/** Roles and bindings, as they are evaluated, kept from escalation, made by default and gathered. */
import t from 'tap'
import { createClient } from '../../../../src/api/client.ts'
import type { ClusterRole, PolicyRule } from '../../../../src/api/types/kubernetes/rbac-v1.ts'
import type { Access } from '../../../../src/control/auth/authorizer.ts'
import { anonymous, authenticatedGroup, type User } from '../../../../src/control/auth/user.ts'
import {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
} from '../../../../src/control/authorization/rbac/defaults.ts'
import { reconciledBinding, reconciledRole } from '../../../../src/control/authorization/rbac/reconcile.ts'
import { compactRules, missingRules, ruleAllows, ruleText } from '../../../../src/control/authorization/rbac/rules.ts'
import { keepDefaultRoles } from '../../../../src/control/bootstrap/default-roles.ts'
import { gatheredRules } from '../../../../src/control/controllers/cluster-role-aggregation.ts'
import { createLocalTransport } from '../../../../src/control/server/local-transport.ts'
import { admin, createTestApi, type TestApi } from '../../../support/api-server.ts'

const resource = (verb: string, plural: string, more: object = {}): Access => ({
  ...{ kind: 'resource', verb, group: '', version: 'v1', plural },
  ...{ subresource: undefined, namespace: undefined, name: undefined },
  ...more,
})
const path = (verb: string, path: string): Access => ({ kind: 'path', verb, path })
const rule = (verbs: string[], apiGroups: string[], resources: string[], resourceNames?: string[]): PolicyRule => ({
  ...{ verbs, apiGroups, resources },
  ...(resourceNames ? { resourceNames } : {}),
})

t.test('what a rule allows', (t) => {
  const cases: [what: string, rule: PolicyRule, access: Access, isAllowed: boolean][] = [
    ['the resource', rule(['get'], [''], ['pods']), resource('get', 'pods'), true],
    ['another verb', rule(['get'], [''], ['pods']), resource('list', 'pods'), false],
    ['another group', rule(['get'], ['apps'], ['pods']), resource('get', 'pods'), false],
    [
      'its subresources are others',
      rule(['get'], [''], ['pods']),
      resource('get', 'pods', { subresource: 'log' }),
      false,
    ],
    ['a subresource', rule(['get'], [''], ['pods/log']), resource('get', 'pods', { subresource: 'log' }), true],
    ['a subresource, not the whole', rule(['get'], [''], ['pods/log']), resource('get', 'pods'), false],
    ['of any resource', rule(['get'], ['*'], ['*/scale']), resource('get', 'x', { subresource: 'scale' }), true],
    [
      'of any resource, another',
      rule(['get'], ['*'], ['*/scale']),
      resource('get', 'x', { subresource: 'log' }),
      false,
    ],
    ['everything', rule(['*'], ['*'], ['*']), resource('escalate', 'x', { group: 'g', subresource: 'y' }), true],
    ['no path', rule(['*'], ['*'], ['*']), path('get', '/metrics'), false],
    ['a name', rule(['get'], [''], ['pods'], ['a']), resource('get', 'pods', { name: 'a' }), true],
    ['another name', rule(['get'], [''], ['pods'], ['a']), resource('get', 'pods', { name: 'b' }), false],
    ['a name, where none is given', rule(['list'], [''], ['pods'], ['a']), resource('list', 'pods'), false],
    ['no stars in names', rule(['get'], [''], ['pods'], ['*']), resource('get', 'pods', { name: 'b' }), false],
    ['a path', { verbs: ['get'], nonResourceURLs: ['/metrics'] }, path('get', '/metrics'), true],
    ['not below it', { verbs: ['get'], nonResourceURLs: ['/metrics'] }, path('get', '/metrics/x'), false],
    ['below a star', { verbs: ['get'], nonResourceURLs: ['/healthz/*'] }, path('get', '/healthz/etcd'), true],
    ['before a star', { verbs: ['get'], nonResourceURLs: ['/healthz/*'] }, path('get', '/healthz'), false],
    ['all paths', { verbs: ['*'], nonResourceURLs: ['*'] }, path('post', '/x'), true],
    ['no resource', { verbs: ['*'], nonResourceURLs: ['*'] }, resource('get', 'pods'), false],
  ]
  for (const [what, rule, access, isAllowed] of cases) t.equal(ruleAllows(rule, access), isAllowed, what)
  t.end()
})

t.test('what some rules hold that others do not', (t) => {
  const missing = (owned: PolicyRule[], wanted: PolicyRule[]) => compactRules(missingRules(owned, wanted)).map(ruleText)
  const pods = rule(['get', 'list'], [''], ['pods'])
  t.same(missing([pods], [pods]), [])
  t.same(missing([rule(['*'], ['*'], ['*'])], [pods, rule(['bind'], ['x'], ['y/z'], ['n'])]), [])
  t.same(missing([rule(['get'], [''], ['pods'])], [pods]), ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}'])
  t.same(missing([], [rule(['get', 'list'], ['', 'apps'], ['x'])]), [
    '{APIGroups:[""], Resources:["x"], Verbs:["get" "list"]}',
    '{APIGroups:["apps"], Resources:["x"], Verbs:["get" "list"]}',
  ])
  t.same(missing([rule(['get'], [''], ['pods'], ['a'])], [rule(['get'], [''], ['pods'], ['a'])]), [])
  t.same(missing([rule(['get'], [''], ['pods'], ['a'])], [rule(['get'], [''], ['pods'], ['b'])]), [
    '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}',
  ])
  t.equal(missing([rule(['get'], [''], ['pods'], ['a'])], [rule(['get'], [''], ['pods'])]).length, 1, 'all names')
  t.same(missing([rule(['get'], [''], ['*/scale'])], [rule(['get'], [''], ['x/scale'])]), [])
  t.same(
    missing([{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], [{ verbs: ['get'], nonResourceURLs: ['/a/b', '/c'] }]),
    ['{NonResourceURLs:["/c"], Verbs:["get"]}'],
  )
  t.equal(
    missing([rule(['*'], ['*'], ['*'])], [{ verbs: ['get'], nonResourceURLs: ['/c'] }]).length,
    1,
    'paths are apart',
  )
  t.end()
})

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const user = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, authenticatedGroup] })
const alice = user('alice', 'dev')
const subject = (kind: string, name: string) => ({ kind, name, apiGroup: 'rbac.authorization.k8s.io' })

const start = async () => {
  const api = await createTestApi()
  const make = async (path: string, body: unknown, as: User = admin) => {
    const { code, body: made } = await api.request('POST', path, { body, user: as })
    return code === 201 ? 'made' : `${code} ${made['message']}`
  }
  for (const name of ['kube-system', 'kube-public', 'a', 'b']) await make('/api/v1/namespaces', { metadata: { name } })
  const bind = (kind: 'ClusterRole' | 'Role', role: string, who: unknown, namespace?: string, as: User = admin) =>
    make(
      namespace === undefined ? `${rbac}/clusterrolebindings` : `${rbac}/namespaces/${namespace}/rolebindings`,
      {
        metadata: { generateName: 'b-' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
        subjects: [who],
      },
      as,
    )
  const ask = async (user: User, method: 'GET' | 'POST' | 'DELETE' | 'PUT', path: string, body?: unknown) => {
    const reply = await api.request(method, path, { user, body })
    return reply.code === 403 ? `${reply.body['message']}` : reply.code
  }
  return { api, make, bind, ask }
}

t.test('bindings hold at once, where and for whom they say, and until they are gone', async (t) => {
  const { api, make, bind, ask } = await start()
  const refused = 'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "a"'
  t.equal(await ask(alice, 'GET', '/api/v1/namespaces/a/pods'), refused)
  await make(`${rbac}/namespaces/a/roles`, { metadata: { name: 'r' }, rules: [rule(['list'], [''], ['pods'])] })
  t.equal(await ask(alice, 'GET', '/api/v1/namespaces/a/pods'), refused, 'a role alone gives nothing')
  await bind('Role', 'r', subject('User', 'alice'), 'a')
  t.equal(await ask(alice, 'GET', '/api/v1/namespaces/a/pods'), 200)
  t.match(await ask(alice, 'GET', '/api/v1/namespaces/b/pods'), /in the namespace "b"$/)
  t.match(await ask(alice, 'GET', '/api/v1/pods'), /at the cluster scope$/)
  t.match(await ask(user('bob'), 'GET', '/api/v1/namespaces/a/pods'), /^pods is forbidden/)

  await make(`${rbac}/clusterroles`, {
    metadata: { name: 'c' },
    rules: [rule(['get', 'list'], [''], ['secrets', 'namespaces'])],
  })
  await bind('ClusterRole', 'c', subject('Group', 'ops'), 'b')
  const bob = user('bob', 'ops')
  t.equal(await ask(bob, 'GET', '/api/v1/namespaces/b/secrets'), 200, 'a ClusterRole in one namespace')
  t.equal(await ask(bob, 'GET', '/api/v1/namespaces/b'), 200, 'the namespace itself')
  t.match(
    await ask(bob, 'GET', '/api/v1/namespaces/a'),
    'namespaces "a" is forbidden: User "bob" cannot get resource "namespaces" in API group "" in the namespace "a"',
  )
  t.match(await ask(bob, 'GET', '/api/v1/namespaces'), /at the cluster scope$/)
  await bind('ClusterRole', 'c', { kind: 'ServiceAccount', name: 'app', namespace: 'a' })
  t.equal(await ask(user('system:serviceaccount:a:app'), 'GET', '/api/v1/secrets'), 200)
  await bind('Role', 'r', { kind: 'ServiceAccount', name: 'here' }, 'a')
  t.equal(
    await ask(user('system:serviceaccount:a:here'), 'GET', '/api/v1/namespaces/a/pods'),
    200,
    'of its own namespace',
  )

  await api.request('PUT', `${rbac}/namespaces/a/roles/r`, { body: { metadata: { name: 'r' }, rules: [] } })
  t.equal(await ask(alice, 'GET', '/api/v1/namespaces/a/pods'), refused, 'a role that says less')
  await api.request('DELETE', `${rbac}/namespaces/a/roles/r`)
  t.equal(
    await ask(alice, 'GET', '/api/v1/namespaces/a/pods'),
    `${refused}: RBAC: role.rbac.authorization.k8s.io "r" not found`,
  )
  await api.request('DELETE', `${rbac}/namespaces/b/rolebindings`)
  t.match(await ask(bob, 'GET', '/api/v1/namespaces/b/secrets'), /^secrets is forbidden/)
})

t.test('names, selected ones and subresources', async (t) => {
  const { make, bind, ask } = await start()
  await make(`${rbac}/clusterroles`, {
    metadata: { name: 'c' },
    rules: [
      rule(['get', 'list', 'delete'], [''], ['configmaps'], ['x']),
      rule(['get'], [''], ['pods/log']),
      rule(['get'], [''], ['pods/exec']),
    ],
  })
  await bind('ClusterRole', 'c', subject('User', 'alice'))
  const maps = '/api/v1/namespaces/a/configmaps'
  t.equal(await ask(alice, 'GET', `${maps}/x`), 404)
  t.equal(
    await ask(alice, 'GET', `${maps}/y`),
    'configmaps "y" is forbidden: User "alice" cannot get resource "configmaps" in API group "" in the namespace "a"',
  )
  t.equal(await ask(alice, 'GET', `${maps}?fieldSelector=metadata.name=x`), 200)
  t.match(await ask(alice, 'GET', maps), /^configmaps is forbidden/)
  t.match(await ask(alice, 'DELETE', maps), /cannot deletecollection resource "configmaps"/)
  t.equal(await ask(alice, 'GET', '/api/v1/namespaces/a/pods/p/log'), 404)
  t.equal(
    await ask(alice, 'GET', '/api/v1/namespaces/a/pods/p/exec'),
    'pods "p" is forbidden: User "alice" cannot create resource "pods/exec" in API group "" in the namespace "a"',
    'who may read alone gets no shell',
  )
  t.equal(await ask(alice, 'GET', '/metrics'), 'forbidden: User "alice" cannot get path "/metrics"')
  t.equal(
    await ask(user('<b>'), 'GET', '/metrics'),
    'forbidden: User "&lt;b&gt;" cannot get path "/metrics"',
    'names are no markup',
  )
})

t.test('nobody gives what they do not have', async (t) => {
  const { api, make, bind, ask } = await start()
  const bob = user('bob', 'team')
  await make(`${rbac}/clusterroles`, {
    metadata: { name: 'writer' },
    rules: [
      rule(
        ['create', 'update', 'get', 'patch'],
        ['rbac.authorization.k8s.io'],
        ['roles', 'rolebindings', 'clusterroles'],
      ),
      rule(['get', 'list'], [''], ['pods']),
    ],
  })
  await make(`${rbac}/clusterroles`, { metadata: { name: 'all' }, rules: [rule(['*'], ['*'], ['*'])] })
  await bind('ClusterRole', 'writer', subject('User', 'bob'))
  const roles = `${rbac}/namespaces/a/roles`
  t.equal(await make(roles, { metadata: { name: 'less' }, rules: [rule(['get'], [''], ['pods'])] }, bob), 'made')
  t.equal(
    await make(roles, { metadata: { name: 'more' }, rules: [rule(['get', 'delete'], [''], ['pods', 'secrets'])] }, bob),
    '403 roles.rbac.authorization.k8s.io "more" is forbidden: user "bob" (groups=["team" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
  )
  t.match(
    await ask(bob, 'PUT', `${roles}/less`, { metadata: { name: 'less' }, rules: [rule(['*'], ['*'], ['*'])] }),
    /attempting to grant RBAC permissions not currently held/,
    'not by a change either',
  )
  const patched = await api.request('PATCH', `${roles}/less`, {
    ...{ user: bob, contentType: 'application/json-patch+json' },
    body: [{ op: 'add', path: '/rules/0/verbs/-', value: 'delete' }],
  })
  t.equal(patched.code, 403, 'nor by a patch')
  t.equal(await bind('Role', 'less', subject('User', 'eve'), 'a', bob), 'made')
  t.match(await bind('ClusterRole', 'all', subject('User', 'bob'), 'a', bob), /^403 .*not currently held/)
  t.equal(
    await bind('ClusterRole', 'none', subject('User', 'bob'), 'a', bob),
    '404 clusterrole.rbac.authorization.k8s.io "none" not found',
  )
  const gathering = {
    metadata: { name: 'g' },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    rules: [],
  }
  t.equal(
    await make(`${rbac}/clusterroles`, gathering, bob),
    '403 clusterroles.rbac.authorization.k8s.io "g" is forbidden: must have cluster-admin privileges to use the aggregationRule',
  )

  await make(`${rbac}/clusterroles`, {
    metadata: { name: 'extra' },
    rules: [
      rule(['bind'], ['rbac.authorization.k8s.io'], ['clusterroles'], ['all']),
      rule(['escalate'], ['rbac.authorization.k8s.io'], ['roles']),
    ],
  })
  await bind('ClusterRole', 'extra', subject('Group', 'team'))
  t.equal(await bind('ClusterRole', 'all', subject('User', 'carol'), 'a', bob), 'made', 'who may bind it')
  t.equal(
    await make(roles, { metadata: { name: 'more' }, rules: [rule(['*'], ['*'], ['*'])] }, bob),
    'made',
    'who may escalate',
  )
  t.match(
    await make(`${rbac}/clusterroles`, { metadata: { name: 'm' }, rules: [rule(['*'], ['*'], ['*'])] }, bob),
    /^403/,
  )
})

const clientOf = (api: TestApi) => createClient(createLocalTransport(api.handle, admin))

t.test('the default roles', async (t) => {
  const { api, ask, bind } = await start()
  await keepDefaultRoles(clientOf(api))
  const count = async (plural: string) =>
    ((await api.request('GET', `${rbac}/${plural}`)).body['items'] as unknown as unknown[]).length
  t.equal(await count('clusterroles'), defaultClusterRoles.length)
  t.equal(await count('clusterrolebindings'), defaultClusterRoleBindings.length)
  t.equal(await count('roles'), defaultRoles.length)
  t.equal(await count('rolebindings'), defaultRoleBindings.length)
  const revision = api.store.revision
  await keepDefaultRoles(clientOf(api))
  t.equal(api.store.revision, revision, 'a further start changes nothing')

  for (const path of ['/healthz', '/livez', '/readyz', '/version'])
    t.equal(await ask(anonymous, 'GET', path), 200, path)
  for (const path of ['/api', '/apis', '/openapi/v2', '/metrics'])
    t.equal(await ask(anonymous, 'GET', path), `forbidden: User "system:anonymous" cannot get path "${path}"`)
  for (const path of ['/api', '/apis/apps/v1', '/openapi/v3']) t.equal(await ask(alice, 'GET', path), 200, path)
  t.equal(await ask(user('system:kube-proxy'), 'GET', '/apis/discovery.k8s.io/v1/endpointslices'), 200)
  t.equal(await ask(user('system:kube-scheduler'), 'GET', '/api/v1/nodes'), 200)
  t.match(await ask(user('system:kube-scheduler'), 'GET', '/api/v1/secrets'), /forbidden/)
  await bind('ClusterRole', 'cluster-admin', subject('User', 'root'))
  t.equal(await ask(user('root'), 'GET', '/api/v1/secrets'), 200)

  await api.request('DELETE', `${rbac}/clusterroles/system:discovery`)
  const basic = `${rbac}/clusterroles/system:basic-user`
  const own = rule(['get'], [''], ['nodes'])
  await api.request('PUT', basic, {
    body: { metadata: { name: 'system:basic-user', labels: { mine: 'x' } }, rules: [own] },
  })
  const view = `${rbac}/clusterroles/system:public-info-viewer`
  const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }
  await api.request('PUT', view, { body: { metadata: { name: 'system:public-info-viewer', annotations }, rules: [] } })
  await keepDefaultRoles(clientOf(api))
  t.equal(await ask(alice, 'GET', '/api'), 200, 'what is gone comes back')
  const { body } = await api.request('GET', basic)
  t.match(body['rules']?.[0], own, 'what was added stays')
  t.equal((body['rules'] as unknown as unknown[]).length, 4, 'what was taken away comes back')
  t.match(body['metadata']?.['labels'], { mine: 'x', 'kubernetes.io/bootstrapping': 'rbac-defaults' })
  t.match(await ask(anonymous, 'GET', '/version'), /forbidden/, 'what is not to be touched stays')
})

t.test('what becomes of a default object', (t) => {
  const [wanted] = defaultClusterRoles.filter(({ metadata }) => metadata.name === 'system:discovery')
  const [binding] = defaultClusterRoleBindings.filter(({ metadata }) => metadata.name === 'system:public-info-viewer')
  if (!wanted || !binding) throw new Error('no such defaults')
  const role: ClusterRole = { apiVersion: 'v1', kind: 'ClusterRole', ...wanted }
  t.equal(reconciledRole(role, wanted), undefined)
  t.equal(reconciledRole({ ...role, rules: [...role.rules, rule(['get'], [''], ['x'])] }, wanted), undefined)
  t.same(
    reconciledRole({ ...role, rules: [] }, wanted)?.rules.flatMap(({ nonResourceURLs = [] }) => nonResourceURLs),
    wanted.rules[0]?.nonResourceURLs,
  )
  const found = { apiVersion: 'v1', kind: 'ClusterRoleBinding', ...binding }
  t.equal(reconciledBinding(found, binding), undefined)
  const eve = { kind: 'User', name: 'eve' }
  const changed = reconciledBinding({ ...found, subjects: [eve] }, binding)
  t.same(
    changed?.binding.subjects?.map(({ name }) => name),
    ['eve', 'system:authenticated', 'system:unauthenticated'],
  )
  t.equal(changed?.replace, false)
  const roleRef = { ...found.roleRef, name: 'other' }
  t.equal(reconciledBinding({ ...found, roleRef }, binding)?.replace, true)
  t.end()
})

t.test('roles that gather others', (t) => {
  const role = (name: string, labels: Record<string, string>, rules: PolicyRule[], more: object = {}): ClusterRole => ({
    ...{ apiVersion: 'v1', kind: 'ClusterRole', metadata: { name, labels }, rules },
    ...more,
  })
  const selectors = {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: 'x' } }, { matchLabels: { to: 'y' } }] },
  }
  const [a, b] = [rule(['get'], [''], ['a']), rule(['get'], [''], ['b'])]
  const whole = role('whole', { to: 'x' }, [rule(['*'], ['*'], ['*'])], selectors)
  const all = [role('2', { to: 'x' }, [a, b]), role('1', { to: 'y' }, [a]), role('3', {}, [a]), whole]
  t.same(gatheredRules(whole, all), [a, b], 'each rule once, none of its own')
  t.equal(gatheredRules(role('3', {}, [a]), all), undefined)
  t.end()
})
