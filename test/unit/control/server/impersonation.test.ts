/** Acting as somebody else: who may, as whom, and in which words it is refused. */
import t from 'tap'
import type { Attributes, Authorizer } from '../../../../src/control/auth/authorizer.ts'
import { authenticatedGroup, type User } from '../../../../src/control/auth/user.ts'
import type { Call } from '../../../../src/control/server/call.ts'
import { impersonation } from '../../../../src/control/server/impersonation.ts'
import { callOf } from '../../../support/api-server.ts'

const alice: User = { name: 'alice', groups: [authenticatedGroup] }

const through = async (headers: Record<string, readonly string[]>, mayDo: (asked: Attributes) => boolean) => {
  const asked: Attributes[] = []
  const authorizer: Authorizer = {
    authorize: (attributes) => {
      asked.push(attributes)
      return { decision: mayDo(attributes) ? 'allow' : 'none' }
    },
  }
  let passed: Call | undefined
  const call = callOf('GET', '/api/v1/pods', { user: alice, headers }, new AbortController().signal)
  await impersonation(authorizer)(call, (next) => {
    passed = next
    return { kind: 'object', code: 200, object: {} }
  })
  return { user: passed?.user, headers: passed?.headers, asked: asked.map(({ request }) => request) }
}
const always = () => true

t.test('as whom a request goes on', async (t) => {
  const users: Record<string, [headers: Record<string, readonly string[]>, user: User]> = {
    'nobody else': [{}, alice],
    'a user': [{ 'impersonate-user': ['bob'] }, { name: 'bob', groups: [authenticatedGroup] }],
    'with groups': [
      { 'impersonate-user': ['bob'], 'impersonate-group': ['dev', 'a, b'] },
      { name: 'bob', groups: ['dev', 'a, b', authenticatedGroup] },
    ],
    'with a uid and extra fields': [
      {
        'impersonate-user': ['bob'],
        'impersonate-uid': ['u1'],
        'impersonate-extra-example.com%2fscopes': ['view', 'edit'],
      },
      {
        name: 'bob',
        groups: [authenticatedGroup],
        uid: 'u1',
        extra: { 'example.com/scopes': ['view', 'edit'] },
      },
    ],
    'a ServiceAccount': [
      { 'impersonate-user': ['system:serviceaccount:ns:app'] },
      {
        name: 'system:serviceaccount:ns:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', authenticatedGroup],
      },
    ],
    'a ServiceAccount in other groups': [
      { 'impersonate-user': ['system:serviceaccount:ns:app'], 'impersonate-group': ['dev'] },
      { name: 'system:serviceaccount:ns:app', groups: ['dev', authenticatedGroup] },
    ],
    nobody: [
      { 'impersonate-user': ['system:anonymous'] },
      { name: 'system:anonymous', groups: ['system:unauthenticated'] },
    ],
    'one of the unknown': [
      { 'impersonate-user': ['bob'], 'impersonate-group': ['system:unauthenticated'] },
      { name: 'bob', groups: ['system:unauthenticated'] },
    ],
  }
  for (const [what, [headers, user]] of Object.entries(users)) {
    const passed = await through(headers, always)
    t.strictSame(passed.user, user, what)
    t.notOk(
      Object.keys(passed.headers ?? {}).some((name) => name.startsWith('impersonate-')),
      'nobody behind acts on the headers again',
    )
  }
})

t.test('everything that is asked for must be allowed', async (t) => {
  const headers = {
    'impersonate-user': ['bob'],
    'impersonate-group': ['dev'],
    'impersonate-uid': ['u1'],
    'impersonate-extra-scopes': ['view'],
  }
  const accesses = [
    { group: '', plural: 'users', name: 'bob' },
    { group: '', plural: 'groups', name: 'dev' },
    { group: 'authentication.k8s.io', plural: 'userextras', subresource: 'scopes', name: 'view' },
    { group: 'authentication.k8s.io', plural: 'uids', name: 'u1' },
  ]
  const { asked } = await through(headers, always)
  t.match(asked, accesses)
  t.equal(asked.length, accesses.length)
  for (const { plural } of accesses)
    await t.rejects(
      through(headers, ({ request }) => request.kind === 'resource' && request.plural !== plural),
      { code: 403 },
      plural,
    )
})

t.test('refusals, word for word', async (t) => {
  const never = () => false
  const messages: Record<string, Record<string, readonly string[]>> = {
    'users "bob" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope': {
      'impersonate-user': ['bob'],
    },
    'serviceaccounts "app" is forbidden: User "alice" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "ns"':
      { 'impersonate-user': ['system:serviceaccount:ns:app'] },
    'users "system:serviceaccount:NS:app" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope':
      { 'impersonate-user': ['system:serviceaccount:NS:app'] },
  }
  for (const [message, headers] of Object.entries(messages))
    await t.rejects(through(headers, never), { code: 403, reason: 'Forbidden', message })
  const others = ({ request }: Attributes) => request.kind === 'resource' && request.plural === 'users'
  const extra = { 'impersonate-user': ['bob'], 'impersonate-extra-scopes': ['view'] }
  await t.rejects(through(extra, others), {
    message:
      'userextras.authentication.k8s.io "view" is forbidden: User "alice" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
  })
  for (const name of ['group', 'uid', 'extra-scopes'])
    await t.rejects(through({ [`impersonate-${name}`]: ['x'] }, always), { code: 400 }, `${name} without a user`)
})
