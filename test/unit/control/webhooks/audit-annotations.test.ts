/** What admission tells the audit log: webhooks, policies and the Pod Security Standards. */
import t, { type Test } from 'tap'
import type { AuditLog } from '../../../../src/control/audit/log-file.ts'
import { parsePolicy } from '../../../../src/control/audit/policy.ts'
import { createAuditing } from '../../../../src/control/server/auditing.ts'
import { createTestApi, type Json, requesting, type TestApi } from '../../../support/api-server.ts'
import { serveWebhook } from '../../../support/webhook-server.ts'

const registration = '/apis/admissionregistration.k8s.io/v1'
const core = '/api/v1/namespaces/default'

type Content = Readonly<Record<string, unknown>>

/** The API with an audit log: of each request what was annotated. */
const audited = (api: TestApi, level: string) => {
  const events: Json[] = []
  const log: AuditLog = {
    counts: { written: 0, lost: 0 },
    write: (event) => void events.push(JSON.parse(JSON.stringify(event))),
    close: async () => undefined,
  }
  const policy = parsePolicy(
    JSON.stringify({
      ...{ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules: [{ level }] },
    }),
  )
  const { step } = createAuditing({ policy, log, clock: api.clock })
  const { request } = requesting((call) => step(call, async (seen) => api.handle(seen)))
  return {
    post: (path: string, body: Content) => request('POST', path, { body }),
    annotations: () => events.at(-1)?.['annotations'] ?? {},
  }
}

const post = async (api: TestApi, path: string, body: Content): Promise<void> => {
  const reply = await api.request('POST', path, { body })
  if (reply.code !== 201) throw new Error(`${path}: ${reply.code} ${JSON.stringify(reply.body)}`)
}

const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }]

const startHooks = async (t: Test) => {
  const api = await createTestApi()
  const server = await serveWebhook(t, (review, path) => ({
    ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    response: {
      ...{ uid: review['request']?.['uid'], allowed: true },
      auditAnnotations: { 'team.name': 'one', 'not a name': 'x' },
      ...(path === '/change'
        ? {
            patchType: 'JSONPatch',
            patch: Buffer.from('[{"op":"add","path":"/data","value":{"a":"b"}}]').toString('base64'),
          }
        : {}),
    },
  }))
  const hook = (name: string, path: string, more: Content = {}) => ({
    ...{ name, rules, sideEffects: 'None', admissionReviewVersions: ['v1'] },
    clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
    ...more,
  })
  const away = { clientConfig: { url: 'https://127.0.0.1:1/' }, failurePolicy: 'Ignore' }
  await post(api, `${registration}/mutatingwebhookconfigurations`, {
    metadata: { name: 'mutating' },
    webhooks: [
      hook('looks.example.com', '/look', { reinvocationPolicy: 'IfNeeded' }),
      hook('away.example.com', '/', away),
      hook('changes.example.com', '/change'),
    ],
  })
  await post(api, `${registration}/validatingwebhookconfigurations`, {
    ...{
      metadata: { name: 'validating' },
      webhooks: [hook('late.example.com', '/'), hook('gone.example.com', '/', away)],
    },
  })
  return api
}

t.test('webhooks: who was asked, who changed what, who was done without, and what they say', async (t) => {
  const api = await startHooks(t)
  const { post: create, annotations } = audited(api, 'Request')
  t.equal((await create(`${core}/configmaps`, { metadata: { name: 'a' } })).code, 201)
  const mutation = 'mutation.webhook.admission.k8s.io'
  const changes = { configuration: 'mutating', webhook: 'changes.example.com' }
  const looks = JSON.stringify({ configuration: 'mutating', webhook: 'looks.example.com', mutated: false })
  t.match(annotations(), {
    [`${mutation}/round_0_index_0`]: looks,
    [`${mutation}/round_0_index_2`]: JSON.stringify({ ...changes, mutated: true }),
    'patch.webhook.admission.k8s.io/round_0_index_2': JSON.stringify({
      ...changes,
      ...{ patch: [{ op: 'add', path: '/data', value: { a: 'b' } }], patchType: 'JSONPatch' },
    }),
    [`${mutation}/round_1_index_0`]: looks,
    [`failed-open.${mutation}/round_0_index_1`]: 'away.example.com',
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_1': 'gone.example.com',
    ...{ 'looks.example.com/team.name': 'one', 'late.example.com/team.name': 'one' },
  })
  t.notMatch(Object.keys(annotations()).join(), 'not a name')
  const brief = audited(api, 'Metadata')
  await brief.post(`${core}/configmaps`, { metadata: { name: 'b' } })
  t.notMatch(Object.keys(brief.annotations()).join(), 'patch.webhook', 'not for who wants to know no bodies')
})

t.test('policies: their own annotations, and what was against them', async (t) => {
  const api = await createTestApi()
  await post(api, `${registration}/validatingadmissionpolicies`, {
    metadata: { name: 'p' },
    spec: {
      matchConstraints: { resourceRules: rules },
      validations: [{ expression: 'true' }, { expression: 'has(object.data)', message: 'no data' }],
      auditAnnotations: [
        { key: 'who', valueExpression: '"by " + request.userInfo.username' },
        { key: 'nothing', valueExpression: 'null' },
      ],
    },
  })
  for (const [name, validationActions] of [
    ['first', ['Audit']],
    ['second', ['Warn', 'Audit']],
  ] as const)
    await post(api, `${registration}/validatingadmissionpolicybindings`, {
      ...{ metadata: { name }, spec: { policyName: 'p', validationActions } },
    })
  const { post: create, annotations } = audited(api, 'Metadata')
  const made = await create(`${core}/configmaps`, { metadata: { name: 'a' } })
  t.match(made, { code: 201, warnings: [/^Validation failed for .* with binding 'second': no data$/] })
  t.equal(annotations()['p/who'], 'by admin', 'once for both')
  t.equal(annotations()['p/nothing'], undefined)
  const failure = { message: 'no data', policy: 'p', expressionIndex: 1 }
  t.match(JSON.parse(String(annotations()['validation.policy.admission.k8s.io/validation_failure'])), [
    { ...failure, binding: 'first', validationActions: ['Audit'] },
    { ...failure, binding: 'second', validationActions: ['Warn', 'Audit'] },
  ])
})

t.test(
  'the Pod Security Standards: the level that was enforced, and what would be against that of the audit',
  async (t) => {
    const api = await createTestApi()
    const prefix = 'pod-security.kubernetes.io'
    const labels = { [`${prefix}/enforce`]: 'baseline', [`${prefix}/audit`]: 'restricted' }
    await post(api, '/api/v1/namespaces', { metadata: { name: 'safe', labels } })
    const { post: create, annotations } = audited(api, 'Metadata')
    const containers = [{ name: 'c', image: 'i' }]
    const pods = '/api/v1/namespaces/safe/pods'
    t.equal((await create(pods, { metadata: { name: 'a' }, spec: { containers } })).code, 201)
    t.match(annotations(), {
      [`${prefix}/enforce-policy`]: 'baseline:latest',
      [`${prefix}/audit-violations`]:
        /^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    })
    t.equal((await create(pods, { metadata: { name: 'b' }, spec: { hostNetwork: true, containers } })).code, 403)
    t.match(annotations(), { [`${prefix}/enforce-policy`]: 'baseline:latest' }, 'of what is refused, too')
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers } }
    await create('/apis/apps/v1/namespaces/safe/deployments', {
      ...{ metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
    })
    t.match(annotations(), { [`${prefix}/audit-violations`]: /restricted/ })
    t.equal(annotations()[`${prefix}/enforce-policy`], undefined, 'templates are only told of')
  },
)
