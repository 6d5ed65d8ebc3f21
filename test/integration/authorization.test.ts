/** Who may what, as the users of the stock kubectl see it. */
import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { startControl, testFolder } from '../support/running-control.ts'
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
  await until(async () => !/forbidden/.test(await kubectl('get', 'roles', '--as', 'eve')), 'the role admin')
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

t.test('callers by token and by password', async (t) => {
  const folder = await testFolder(t)
  const [tokenFile, passwordFile] = [join(folder, 'tokens'), join(folder, 'passwords')]
  await writeFile(tokenFile, 'secret,alice,u1,"dev"\n')
  await writeFile(passwordFile, 'word,bob,u2\n')
  const { port, ca } = await startControl(t, { authentication: { tokenFile, passwordFile } })
  const ask = async (authorization: string): Promise<string> => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
      const headers = { authorization, 'content-type': 'application/json' }
      const sent = request({ host: '127.0.0.1', port, ca, path, headers, method: 'POST', agent: false }, resolve)
      sent.once('error', reject)
      sent.end('{}')
    })
    const { status, message } = JSON.parse(await text(response)) as {
      status: { userInfo?: { username: string; groups: string[] } }
      message?: string
    }
    return message ?? `${status.userInfo?.username} ${status.userInfo?.groups}`
  }
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  t.equal(await ask('Bearer secret'), 'alice dev,system:authenticated')
  t.equal(await ask(basic('bob:word')), 'bob system:authenticated')
  for (const wrong of ['Bearer word', basic('bob:secret'), basic('alice:secret')])
    t.equal(await ask(wrong), 'Unauthorized')
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

t.test('the audit log', async (t) => {
  const folder = await testFolder(t)
  const [policyFile, path] = [join(folder, 'policy.yaml'), join(folder, 'audit.log')]
  await writeFile(
    policyFile,
    `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, users: [podway:control]}
  - {level: Request, resources: [{group: '', resources: [configmaps]}]}
  - {level: Metadata}
`,
  )
  const audit = { policyFile, path, maxBytes: 1024 * 1024, maxBackups: 1, maxAgeDays: 0 }
  const { kubectl } = await startControl(t, { audit })
  await kubectl('create', 'configmap', 'c', '--from-literal', 'a=b')
  await kubectl('get', 'secrets', '--as', 'alice')
  const events = async () =>
    (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { objectRef?: { resource: string; name?: string }; verb: string })
  const about = async (resource: string) => (await events()).filter(({ objectRef }) => objectRef?.resource === resource)
  await until(async () => (await about('secrets')).length > 0, 'the events')
  t.match(
    (await about('configmaps')).find(({ verb }) => verb === 'create'),
    {
      ...{ level: 'Request', stage: 'ResponseComplete', responseStatus: { code: 201 }, sourceIPs: ['127.0.0.1'] },
      ...{ user: { username: 'podway-admin' }, requestObject: { data: { a: 'b' } } },
    },
  )
  t.match(await about('secrets'), [
    {
      ...{ verb: 'list', impersonatedUser: { username: 'alice', groups: ['system:authenticated'] } },
      responseStatus: { code: 403, reason: 'Forbidden' },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    },
  ])
  t.match(await kubectl('get', '--raw', '/metrics'), /^apiserver_audit_event_total [1-9]\d*$/m)
})
