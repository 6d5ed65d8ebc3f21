import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bootstrappersGroup } from '../../../../src/api/bootstrap-token.ts'
import { nodesGroup } from '../../../../src/api/users.ts'
import { authenticate } from '../../../../src/control/auth/authenticate.ts'
import { createAuthorizer } from '../../../../src/control/auth/authorizers.ts'
import { openPki } from '../../../../src/control/auth/pki.ts'
import { mastersGroup } from '../../../../src/control/auth/user.ts'
import { requestInfo } from '../../../../src/control/request/request-info.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'

const joiner = { name: 'system:bootstrap:abcdef', groups: [bootstrappersGroup] }
const tokens = (token: string) => (token === 'good' ? joiner : undefined)
const now = Date.now()

t.test('callers are known by certificate or token, or not at all', async (t) => {
  const certificate = { commonNames: ['bob'], organizations: ['a'], notAfter: now + 1000 }
  t.strictSame(authenticate({ certificate, trusted: true }, tokens, now), { name: 'bob', groups: ['a'] })
  t.throws(() => authenticate({ certificate, trusted: false }, tokens, now), { code: 401 }, 'of another authority')
  t.throws(() => authenticate({ certificate, trusted: true }, tokens, now + 2000), { code: 401 }, 'it has ended')
  for (const commonNames of [[], [''], ['bob', 'eve']])
    t.throws(
      () => authenticate({ certificate: { ...certificate, commonNames }, trusted: true }, tokens, now),
      { code: 401 },
      `it names ${commonNames.length} callers`,
    )
  t.strictSame(authenticate({ trusted: false, authorization: 'Bearer good' }, tokens, now), joiner)
  for (const authorization of ['Bearer bad', 'Bearer ', 'Basic good', 'good'])
    t.throws(() => authenticate({ trusted: false, authorization }, tokens, now), { code: 401 }, authorization)
  t.equal(authenticate({ trusted: false }, tokens, now), undefined)
})

t.test('what each kind of caller may do', async (t) => {
  const users = {
    admin: { name: 'admin', groups: [mastersGroup] },
    node: { name: 'system:node:n1', groups: [nodesGroup] },
    fakeNode: { name: 'system:node:n1', groups: [] },
    joiner,
    other: { name: 'bob', groups: ['a'] },
  }
  const cases: [
    user: keyof typeof users,
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    allowed: boolean,
  ][] = [
    ['admin', 'DELETE', '/api/v1/namespaces/default/secrets', true],
    ['admin', 'GET', '/anything', true],
    ['node', 'GET', '/api/v1/pods?watch=1', true],
    ...['gatewayclasses', 'gateways', 'httproutes', 'referencegrants'].flatMap((plural): (typeof cases)[number][] => [
      ['node', 'GET', `/apis/gateway.networking.k8s.io/v1/${plural}?watch=1`, true],
      ['node', 'PATCH', `/apis/gateway.networking.k8s.io/v1/namespaces/default/${plural}/x/status`, false],
    ]),
    ['node', 'PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1', true],
    ['node', 'PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2', false],
    ['node', 'PUT', '/apis/coordination.k8s.io/v1/namespaces/default/leases/n1', false],
    ['node', 'DELETE', '/api/v1/nodes', false],
    ['node', 'PATCH', '/api/v1/nodes/n1/status', true],
    ['node', 'DELETE', '/api/v1/namespaces/default/pods/p', true],
    ['node', 'DELETE', '/api/v1/namespaces/default/secrets/s', false],
    ['node', 'POST', '/api/v1/namespaces/default/events', true],
    ['node', 'DELETE', '/api/v1/namespaces/default/events/e', false],
    ['node', 'GET', '/api/v1/namespaces/default/events', false],
    ['node', 'DELETE', '/api/v1/nodes/n1', false],
    ['node', 'POST', '/api/v1/namespaces/default/pods', false],
    ['node', 'DELETE', '/api/v1/namespaces/default/pods', false],
    ['node', 'PATCH', '/api/v1/namespaces/default/pods/p', false],
    ['node', 'POST', '/api/v1/namespaces/default/pods/p/binding', false],
    ['node', 'PUT', '/api/v1/namespaces/default/services/s/status', false],
    ['node', 'GET', '/apis/example.com/v1/secrets', false],
    ['node', 'GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', false],
    ['node', 'GET', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2', false],
    ['fakeNode', 'GET', '/api/v1/pods', false],
    ['joiner', 'POST', '/podway/v1/join', false],
    ['joiner', 'POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests', true],
    ['joiner', 'GET', '/apis/certificates.k8s.io/v1/certificatesigningrequests', false],
    ['joiner', 'PUT', '/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval', false],
    ['joiner', 'PUT', '/apis/certificates.k8s.io/v1/certificatesigningrequests/x/status', false],
    ['node', 'PUT', '/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval', false],
    ['node', 'GET', '/apis/certificates.k8s.io/v1/certificatesigningrequests', false],
    ['joiner', 'GET', '/api/v1/pods', false],
    ['joiner', 'GET', '/version', false],
    ['other', 'GET', '/apis', true],
    ['other', 'GET', '/api/v1/pods', false],
    ['other', 'POST', '/podway/v1/join', false],
  ]
  const { authorize } = createAuthorizer(await openStore(createMemoryBackend()))
  for (const [user, method, path, allowed] of cases) {
    const url = new URL(path, 'https://x')
    t.equal(
      authorize({
        ...{ user: users[user], request: requestInfo(method, url.pathname, url.searchParams) },
        ...{ fieldSelector: '', labelSelector: '' },
      }).allowed,
      allowed,
      `${user} ${method} ${path}`,
    )
  }
})

t.test('keys are made once, private, and renewed when a name is missing', async (t) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'podway-pki-')), 'pki')
  t.teardown(() => rmSync(folder, { recursive: true }))
  const options = {
    folder,
    server: { commonName: 'api' },
    client: { commonName: 'c' },
    admin: { commonName: 'a' },
    now: Date.now(),
    isFounded: false,
    onDamage: (message: string) => t.fail(message),
  }
  const first = await openPki(options)
  t.strictSame(await openPki(options), first)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(join(folder, 'ca.key')).mode & 0o777, 0o600)
  const moved = await openPki({ ...options, server: { commonName: 'api', addresses: ['10.0.0.1'] } })
  t.equal(moved.authority.cert, first.authority.cert)
  t.not(moved.server.cert, first.server.cert)
  t.equal(moved.admin.cert, first.admin.cert)
})
