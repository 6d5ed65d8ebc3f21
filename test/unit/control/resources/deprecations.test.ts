/** Whoever asks for a version that Kubernetes gave up is told so, whatever they do with it. */
import t from 'tap'
import { servedDefinitions } from '../../../../src/control/registry/registry.ts'
import { apiVersionOf } from '../../../../src/control/resources/definition.ts'
import { callOf, createTestApi } from '../../../support/api-server.ts'

/** Kubernetes 1.33 has them, or others have them still. */
const current = ['SelfSubjectReview', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']

t.test('of every version that is gone there is a word, which names one that is served', async (t) => {
  const old = servedDefinitions.filter(({ version, group }) => /beta/.test(version) && group !== 'metrics.k8s.io')
  t.ok(old.length > 20)
  for (const row of old.filter(({ kind }) => !current.includes(kind))) {
    const name = `${apiVersionOf(row)} ${row.kind}`
    const [, use = ''] =
      / is deprecated in v1\.\d\d\+, unavailable in v1\.\d\d\+; use (.*)$/.exec(row.deprecation ?? '') ?? []
    t.ok(row.deprecation?.startsWith(name), name)
    t.ok(
      servedDefinitions.some((each) => `${apiVersionOf(each)} ${each.kind}` === use),
      `${name}: ${use}`,
    )
  }
  t.strictSame(
    servedDefinitions.filter(({ version, deprecation }) => version === 'v1' && deprecation).map(({ kind }) => kind),
    ['ComponentStatus'],
  )
})

t.test('it is told with each answer', async (t) => {
  const api = await createTestApi()
  const budgets = '/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets'
  const told = [
    'policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget',
  ]
  const body = { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'b' } } } }
  for (const [method, path] of [
    ['POST', budgets],
    ['GET', budgets],
    ['GET', `${budgets}/b`],
    ['GET', `${budgets}/b/status`],
    ['DELETE', `${budgets}/b`],
  ] as const) {
    const reply = await api.request(method, path, method === 'POST' ? { body } : {})
    t.ok(reply.code < 300, `${method} ${path}`)
    t.strictSame(reply.warnings.slice(0, 1), told, `${method} ${path}`)
  }
  const watch = await api.handle(callOf('GET', `${budgets}?watch=true`, {}, AbortSignal.abort()))
  t.match(watch, { kind: 'watch', warnings: told })
  t.strictSame((await api.request('GET', '/apis/policy/v1/poddisruptionbudgets')).warnings, [])
})
