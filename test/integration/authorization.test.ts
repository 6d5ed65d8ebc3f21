/** Who may what, as the users of the stock kubectl see it. */
import t from 'tap'
import { startControl } from '../support/running-control.ts'
import { until } from '../support/until.ts'

t.test('roles, bindings and acting as somebody else', async (t) => {
  const { kubectl } = await startControl(t)
  const alice = ['--as', 'alice']
  t.equal(
    await kubectl('get', 'pods', ...alice),
    'Error from server (Forbidden): pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "default"',
  )
  t.equal(
    await kubectl('create', 'rolebinding', 'v', '--clusterrole', 'view', '--user', 'alice'),
    'rolebinding.rbac.authorization.k8s.io/v created',
  )
  await until(
    async () => (await kubectl('get', 'pods', ...alice)) === 'No resources found in default namespace.',
    'the roles to be gathered',
    30_000,
  )
  t.match(
    await kubectl('get', 'secrets', ...alice),
    /secrets is forbidden: User "alice" cannot list resource "secrets"/,
  )
  t.match(
    await kubectl('get', 'pods', '-A', ...alice),
    /cannot list resource "pods" in API group "" at the cluster scope$/,
  )
  t.match(
    await kubectl('get', 'pods', '-w', '--request-timeout', '1s', '-n', 'kube-system', ...alice),
    /forbidden/,
    'nor watches',
  )
  t.equal(
    await kubectl('get', 'pods', '--as', 'bob', '--as-group', 'system:masters'),
    'No resources found in default namespace.',
    'as a group',
  )
  t.equal(
    await kubectl('create', 'role', 'r', '--verb', 'get', '--resource', 'secrets', '--as', 'eve'),
    'Error from server (Forbidden): roles.rbac.authorization.k8s.io is forbidden: User "eve" cannot create resource "roles" in API group "rbac.authorization.k8s.io" in the namespace "default"',
  )
  await kubectl('create', 'rolebinding', 'a', '--clusterrole', 'admin', '--user', 'eve')
  await until(async () => !/forbidden/.test(await kubectl('get', 'roles', '--as', 'eve')), 'the role admin', 30_000)
  t.match(
    await kubectl('create', 'role', 'r', '--verb', 'get', '--resource', 'nodes', '--as', 'eve'),
    /user "eve" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["nodes"\], Verbs:\["get"\]\}/,
  )
  t.match(await kubectl('create', 'role', 'r', '--verb', 'get', '--resource', 'pods', '--as', 'eve'), /role.*r created/)
  t.equal(
    await kubectl('get', 'pods', '--as', 'alice', '--as-group', 'dev', '--v', '0', '--token', 'nonsense'),
    'No resources found in default namespace.',
    'a certificate that is known counts, whatever else comes',
  )
})

t.test('questions, and roles from files', async (t) => {
  const { kubectl, kubectlWith } = await startControl(t)
  t.equal(
    await kubectl('auth', 'can-i', 'delete', 'nodes'),
    "Warning: resource 'nodes' is not namespace scoped\nyes".split('\n').reverse().join('\n'),
  )
  t.equal(await kubectl('auth', 'can-i', 'get', 'pods', '--as', 'alice'), 'no')
  t.equal(await kubectl('auth', 'can-i', 'get', '/version', '--as', 'alice'), 'yes')
  const list = await kubectl('auth', 'can-i', '--list', '--as', 'alice')
  t.match(list, /^selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]$/m)
  t.match(list, /^ +\[\/api\/\*\] +\[\] +\[get\]$/m)
  const manifest = JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'c' },
        rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'c' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'c' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
      },
    ],
  })
  t.match(
    await kubectlWith(manifest, 'auth', 'reconcile', '-f', '-'),
    /clusterrole.*c reconciled[\s\S]*clusterrolebinding.*c reconciled/,
  )
  t.equal(await kubectl('auth', 'can-i', 'get', 'pods', '--as', 'alice'), 'yes')
  t.match(await kubectlWith(manifest.replace('"get"', '"list"'), 'auth', 'reconcile', '-f', '-'), /missing rules added/)
  t.equal(await kubectl('auth', 'can-i', 'list', 'pods', '--as', 'alice'), 'yes')
})

t.test('health and numbers are paths like any other', async (t) => {
  const { kubectl } = await startControl(t)
  t.equal(
    await kubectl('get', '--raw', '/livez', '--as', 'system:anonymous', '--as-group', 'system:unauthenticated'),
    'ok',
  )
  t.equal(await kubectl('get', '--raw', '/readyz?verbose'), '[+]ping ok\n[+]etcd ok\nreadyz check passed')
  t.match(await kubectl('get', '--raw', '/metrics'), /^apiserver_request_total\{verb="GET",/m)
  t.match(await kubectl('get', '--raw', '/metrics', '--as', 'alice'), /User "alice" cannot get path "\/metrics"/)
  t.match(
    await kubectl('get', '--raw', '/metrics', '--as', 'm', '--as-group', 'system:monitoring'),
    /^process_resident_memory_bytes \d+$/m,
  )
})
