import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bootstrappersGroup } from '../../../../src/api/bootstrap-token.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { nodesGroup } from '../../../../src/api/users.ts'
import { accessOf } from '../../../../src/control/auth/access.ts'
import { bearerOf, createAuthentication } from '../../../../src/control/auth/authenticate.ts'
import {
  type Authorizer,
  allowed,
  createAuthorizerChain,
  noOpinion,
  type Verdict,
} from '../../../../src/control/auth/authorizer.ts'
import { certificateUsers } from '../../../../src/control/auth/certificate-users.ts'
import { openPki } from '../../../../src/control/auth/pki.ts'
import { anonymous, authenticatedGroup, mastersGroup } from '../../../../src/control/auth/user.ts'
import { createAuthorization } from '../../../../src/control/authorization/authorizers.ts'
import { requestInfo } from '../../../../src/control/request/request-info.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { silentLogger } from '../../../../src/host/log.ts'

const joiner = { name: 'system:bootstrap:abcdef', groups: [bootstrappersGroup] }

t.test('callers are known by certificate or token, or are nobody', async (t) => {
  const clock = createFakeClock()
  const certificate = { commonNames: ['bob'], organizations: ['a'], notAfter: clock.now() + 1000, trusted: true }
  const authenticate = createAuthentication([
    certificateUsers(clock),
    (credentials) => (bearerOf(credentials) === 'good' ? joiner : undefined),
    async (credentials) => (bearerOf(credentials) === 'late' ? { name: 'late', groups: [] } : undefined),
  ])
  t.strictSame(await authenticate({ certificate }), { name: 'bob', groups: ['a', authenticatedGroup] })
  await t.rejects(authenticate({ certificate: { ...certificate, trusted: false } }), { code: 401 }, 'of somebody else')
  for (const commonNames of [[], [''], ['bob', 'eve']])
    await t.rejects(
      authenticate({ certificate: { ...certificate, commonNames } }),
      { code: 401 },
      `it names ${commonNames.length} callers`,
    )
  const token = { authorization: 'Bearer good' }
  t.strictSame(await authenticate(token), { ...joiner, groups: [...joiner.groups, authenticatedGroup] })
  t.match(await authenticate({ authorization: 'bearer late' }), { name: 'late' }, 'one who takes time to say so')
  t.match(await authenticate({ certificate, ...token }), { name: 'bob' }, 'the first who knows the caller counts')
  for (const authorization of ['Bearer bad', 'Bearer ', 'Basic good', 'good', ''])
    await t.rejects(authenticate({ authorization }), { code: 401 }, authorization)
  t.strictSame(await authenticate({}), anonymous, 'who shows nothing is nobody')
  await t.rejects(createAuthentication([certificateUsers(clock)], false)({}), { code: 401 }, 'where nobody may be')
  clock.advance(2000)
  await t.rejects(authenticate({ certificate }), { code: 401 }, 'it has ended')
})

t.test('what each kind of caller may do', async (t) => {
  const users = {
    admin: { name: 'admin', groups: [mastersGroup] },
    node: { name: 'system:node:n1', groups: [nodesGroup] },
    fakeNode: { name: 'system:node:n1', groups: [] },
    joiner,
    other: { name: 'bob', groups: ['a', authenticatedGroup] },
    nobody: anonymous,
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
    // Mirrors of static pods; that they are no other pods is what NodeRestriction sees to.
    ['node', 'POST', '/api/v1/namespaces/default/pods', true],
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
    ['joiner', 'GET', '/api', false],
    ['nobody', 'GET', '/apis', false],
    ['nobody', 'GET', '/api/v1/pods', false],
    ['other', 'GET', '/api/v1/pods', false],
    ['other', 'POST', '/podway/v1/join', false],
  ]
  const store = await openStore(createMemoryBackend())
  const { authorizer } = await createAuthorization({ store, clock: createFakeClock(), log: silentLogger })
  for (const [user, method, path, allowed] of cases) {
    const url = new URL(path, 'https://x')
    const request = accessOf(requestInfo(method, url.pathname, url.searchParams), url.searchParams)
    const { decision } = await authorizer.authorize({ user: users[user], request, labelSelector: '' })
    t.equal(decision === 'allow', allowed, `${user} ${method} ${path}`)
  }
})

t.test('one after the other: the first who allows or denies counts', async (t) => {
  const says = (verdict: Verdict): Authorizer => ({ authorize: async () => verdict })
  const attributes = { user: anonymous, request: { kind: 'path', verb: 'get', path: '/' }, labelSelector: '' } as const
  const decide = (...verdicts: Verdict[]) => createAuthorizerChain(verdicts.map(says)).authorize(attributes)
  const deny: Verdict = { decision: 'deny', reason: 'never' }
  t.same(await decide(noOpinion, allowed, deny), allowed)
  t.same(await decide(noOpinion, deny, allowed), deny)
  t.same(await decide(), noOpinion)
  t.same(await decide({ decision: 'none', reason: 'a' }, noOpinion, { decision: 'none', reason: 'b' }), {
    decision: 'none',
    reason: 'a, b',
  })
})

t.test('requests as authorizers see them', (t) => {
  const of = (method: 'GET' | 'POST' | 'DELETE', path: string) => {
    const url = new URL(path, 'https://x')
    return accessOf(requestInfo(method, url.pathname, url.searchParams), url.searchParams)
  }
  const pods = '/api/v1/namespaces/a/pods'
  t.match(of('GET', `${pods}/p/exec?command=sh`), { verb: 'create', subresource: 'exec', name: 'p' }, 'by WebSocket')
  t.match(of('POST', `${pods}/p/attach`), { verb: 'create', subresource: 'attach' })
  t.match(of('GET', `${pods}/p/attach/x`), { verb: 'create', subresource: 'attach' }, 'whatever follows')
  t.match(of('GET', `${pods}/p/log`), { verb: 'get', subresource: 'log' })
  t.match(of('GET', `${pods}/p/proxy/exec/x`), { verb: 'get', subresource: 'proxy' }, 'a path behind a proxy')
  t.match(of('GET', '/api/v1/namespaces/a'), { plural: 'namespaces', name: 'a', namespace: 'a' })
  t.match(of('GET', '/api/v1/namespaces'), { plural: 'namespaces', name: undefined, namespace: undefined })
  for (const path of [
    `${pods}?fieldSelector=metadata.name=p`,
    `${pods}?watch=1&fieldSelector=metadata.name=p,spec.x=y`,
  ])
    t.match(of('GET', path), { name: 'p' }, path)
  t.match(of('DELETE', `${pods}?fieldSelector=metadata.name=p`), { verb: 'deletecollection', name: 'p' })
  for (const selector of ['metadata.name!=p', 'metadata.name=', 'metadata.name=a/b', 'what'])
    t.match(of('GET', `${pods}?fieldSelector=${encodeURIComponent(selector)}`), { name: undefined }, selector)
  t.match(of('POST', `${pods}?fieldSelector=metadata.name=p`), { verb: 'create', name: undefined })
  t.end()
})

t.test('keys are made once, private, and renewed when a name is missing', async (t) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'podway-pki-')), 'pki')
  t.teardown(() => rmSync(folder, { recursive: true }))
  const options = {
    folder,
    server: { commonName: 'api' },
    client: { commonName: 'c' },
    frontProxy: { commonName: 'f' },
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
