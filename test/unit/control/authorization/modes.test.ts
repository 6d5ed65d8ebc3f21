/** The modes beside Node and RBAC: policy files, webhooks, always and never. */
import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { ApiError } from '../../../../src/api/errors.ts'
import { persistent } from '../../../../src/api/review-webhook.ts'
import type { Access } from '../../../../src/control/auth/authorizer.ts'
import { authenticatedGroup, mastersGroup, type User } from '../../../../src/control/auth/user.ts'
import { createAbacAuthorizer, parsePolicies } from '../../../../src/control/authorization/abac.ts'
import { createAuthorization } from '../../../../src/control/authorization/authorizers.ts'
import type { AuthorizationSettings } from '../../../../src/control/authorization/modes.ts'
import { createWebhookAuthorizer } from '../../../../src/control/authorization/webhook.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { until } from '../../../support/until.ts'

const alice: User = { name: 'alice', groups: ['dev', authenticatedGroup] }
const resource = (verb: string, plural: string, namespace?: string, group = ''): Access => ({
  ...{ kind: 'resource', verb, group, version: 'v1', plural, namespace, subresource: undefined, name: undefined },
})
const path = (verb: string, path: string): Access => ({ kind: 'path', verb, path })

const versioned = (spec: object) =>
  JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec })

t.test('a line of a policy file', async (t) => {
  const cases: [what: string, line: string, request: Access, user: User, isAllowed: boolean][] = [
    [
      'all of all',
      versioned({ user: 'alice', namespace: '*', resource: '*', apiGroup: '*' }),
      resource('delete', 'pods', 'a'),
      alice,
      true,
    ],
    [
      'somebody else',
      versioned({ user: 'bob', namespace: '*', resource: '*', apiGroup: '*' }),
      resource('get', 'pods', 'a'),
      alice,
      false,
    ],
    [
      'nobody named',
      versioned({ namespace: '*', resource: '*', apiGroup: '*' }),
      resource('get', 'pods', 'a'),
      alice,
      false,
    ],
    [
      'a group',
      versioned({ group: 'dev', namespace: '*', resource: 'pods' }),
      resource('get', 'pods', 'a'),
      alice,
      true,
    ],
    [
      'user and group, one of them',
      versioned({ user: 'alice', group: 'ops', namespace: '*', resource: '*' }),
      resource('get', 'pods', 'a'),
      alice,
      false,
    ],
    [
      'everybody who is known',
      versioned({ user: '*', namespace: '*', resource: '*' }),
      resource('get', 'pods', 'a'),
      alice,
      true,
    ],
    [
      'but nobody else',
      versioned({ user: '*', namespace: '*', resource: '*' }),
      resource('get', 'pods', 'a'),
      { name: 'x', groups: [] },
      false,
    ],
    [
      'readonly, to read',
      versioned({ user: 'alice', namespace: '*', resource: '*', readonly: true }),
      resource('watch', 'pods', 'a'),
      alice,
      true,
    ],
    [
      'readonly, to write',
      versioned({ user: 'alice', namespace: '*', resource: '*', readonly: true }),
      resource('create', 'pods', 'a'),
      alice,
      false,
    ],
    [
      'another namespace',
      versioned({ user: 'alice', namespace: 'b', resource: '*' }),
      resource('get', 'pods', 'a'),
      alice,
      false,
    ],
    [
      'no namespace is the cluster',
      versioned({ user: 'alice', resource: 'nodes' }),
      resource('get', 'nodes'),
      alice,
      true,
    ],
    [
      'a namespace is not the cluster',
      versioned({ user: 'alice', namespace: 'a', resource: '*' }),
      resource('list', 'pods'),
      alice,
      false,
    ],
    [
      'another group of the API',
      versioned({ user: 'alice', namespace: '*', resource: '*' }),
      resource('get', 'deployments', 'a', 'apps'),
      alice,
      false,
    ],
    ['a path', versioned({ user: 'alice', nonResourcePath: '/version' }), path('get', '/version'), alice, true],
    ['paths below one', versioned({ user: 'alice', nonResourcePath: '/api*' }), path('get', '/apis/apps'), alice, true],
    [
      'paths are no resources',
      versioned({ user: 'alice', nonResourcePath: '*' }),
      resource('get', 'pods', 'a'),
      alice,
      false,
    ],
    [
      'resources are no paths',
      versioned({ user: 'alice', namespace: '*', resource: '*', apiGroup: '*' }),
      path('get', '/'),
      alice,
      false,
    ],
    ['the old form', '{"user":"alice"}', resource('delete', 'deployments', 'a', 'apps'), alice, true],
    ['the old form of paths', '{"user":"alice"}', path('get', '/metrics'), alice, true],
    ['the old form, narrowed', '{"user":"alice","resource":"pods"}', resource('get', 'services', 'a'), alice, false],
    ['the old form for everybody', '{"readonly":true}', resource('get', 'pods', 'a'), alice, true],
  ]
  for (const [what, line, request, user, isAllowed] of cases) {
    const verdict = await createAbacAuthorizer(parsePolicies(line)).authorize({ user, request, labelSelector: '' })
    t.equal(verdict.decision === 'allow', isAllowed, what)
  }
})

t.test('policy files', (t) => {
  t.equal(parsePolicies(`# who may what\n\n{"user":"a"}\n${versioned({ user: 'b' })}\n`).length, 2)
  for (const [line, why] of Object.entries({
    '{"user":': /^line 2: /,
    '[]': /^line 2: it is no JSON object/,
    '{"user":1}': /^line 2: user is not a string/,
    '{"user":"a","readonly":"yes"}': /^line 2: readonly/,
    '{"user":"a","namspace":"x"}': /^line 2: unknown field "namspace"/,
    '{"apiVersion":"x","kind":"Policy","spec":{}}': /^line 2: it is no Policy/,
  }))
    t.throws(() => parsePolicies(`{"user":"a"}\n${line}`), { message: why }, line)
  const rules = createAbacAuthorizer(
    parsePolicies(
      `${versioned({ user: 'alice', namespace: 'a', resource: 'pods', readonly: true })}\n{"user":"alice"}`,
    ),
  ).rules?.(alice, 'a')
  t.same(rules?.resourceRules, [
    { verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] },
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  ])
  t.same(rules?.nonResourceRules, [{ verbs: ['*'], nonResourceURLs: ['*'] }])
  t.end()
})

const webhook = (answers: unknown[], version: 'v1' | 'v1beta1' = 'v1') => {
  const clock = createFakeClock()
  const asked: unknown[] = []
  const authorizer = createWebhookAuthorizer({
    ask: persistent(async (review) => {
      asked.push(review)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      if (answer instanceof Error) throw answer
      return answer
    }, clock),
    ...{ clock, log: silentLogger, version, authorizedSeconds: 300, unauthorizedSeconds: 30 },
  })
  const decide = async (request: Access, user = alice) => authorizer.authorize({ user, request, labelSelector: '' })
  return { clock, asked, decide }
}

t.test('a webhook: what it is asked, and for how long its answer holds', async (t) => {
  const { clock, asked, decide } = webhook([{ status: { allowed: true, reason: 'ok' } }])
  t.same(await decide(resource('get', 'pods', 'a')), { decision: 'allow', reason: 'ok' })
  t.match(asked, [
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'alice',
        groups: ['dev', authenticatedGroup],
        resourceAttributes: { namespace: 'a', verb: 'get', version: 'v1', resource: 'pods' },
      },
    },
  ])
  await decide(resource('get', 'pods', 'a'))
  t.equal(asked.length, 1)
  await decide(resource('get', 'pods', 'b'))
  t.equal(asked.length, 2, 'another question')
  await decide(resource('get', 'pods', 'a'), { ...alice, uid: 'u' })
  t.equal(asked.length, 3, 'another caller')
  clock.advance(300_000)
  await decide(resource('get', 'pods', 'a'))
  t.equal(asked.length, 4)

  const no = webhook([{ status: { allowed: false } }], 'v1beta1')
  t.same(await no.decide(path('get', '/x')), { decision: 'none' })
  t.match(no.asked, [
    {
      apiVersion: 'authorization.k8s.io/v1beta1',
      spec: { group: ['dev', authenticatedGroup], nonResourceAttributes: { path: '/x', verb: 'get' } },
    },
  ])
  await no.decide(path('get', '/x'))
  t.equal(no.asked.length, 1)
  no.clock.advance(30_000)
  await no.decide(path('get', '/x'))
  t.equal(no.asked.length, 2)
  t.match(await webhook([{ status: { denied: true, reason: 'no' } }]).decide(path('get', '/')), {
    decision: 'deny',
    reason: 'no',
  })
})

t.test('a webhook that gives no answer allows nothing', async (t) => {
  for (const answer of [
    {},
    null,
    { status: {}, kind: 1 },
    { status: { allowed: 'true' } },
    { status: { allowed: true, denied: true } },
  ])
    t.equal((await webhook([answer]).decide(path('get', '/'))).decision, 'none', JSON.stringify(answer))
  const refused = webhook([new ApiError(401, 'Unauthorized', 'no')])
  t.equal((await refused.decide(path('get', '/'))).decision, 'none')
  t.equal(refused.asked.length, 1, 'a refusal is final')
  const { clock, asked, decide } = webhook([new Error('gone'), { status: { allowed: true } }])
  const deciding = decide(path('get', '/'))
  await until(() => {
    clock.advance(1000)
    return asked.length === 2
  }, 'a second try')
  t.equal((await deciding).decision, 'allow')
})

t.test('how modes stand together', async (t) => {
  const store = await openStore(createMemoryBackend())
  const decide = async (modes: AuthorizationSettings['modes'], user: User) => {
    const { authorizer } = await createAuthorization(
      { store, clock: createFakeClock(), log: silentLogger },
      modes ? { modes } : {},
    )
    return (await authorizer.authorize({ user, request: resource('get', 'pods', 'a'), labelSelector: '' })).decision
  }
  t.equal(await decide(undefined, alice), 'none')
  t.equal(await decide(['AlwaysAllow'], alice), 'allow')
  t.equal(await decide(['AlwaysDeny'], alice), 'none')
  t.equal(await decide(['AlwaysDeny'], { name: 'root', groups: [mastersGroup] }), 'allow', 'administrators stay in')
  await t.rejects(decide(['Webhook'], alice), /needs --authorization-webhook-config-file/)
  await t.rejects(
    createAuthorization(
      { store, clock: createFakeClock(), log: silentLogger },
      { modes: ['ABAC'], policyFile: '/nonexistent' },
    ),
    /error reading policy file \/nonexistent/,
  )
})
