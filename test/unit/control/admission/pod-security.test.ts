/** Namespaces hold their pods to a level, and tell of what is against it. */
import t from 'tap'
import { createTestApi } from '../../../support/api-server.ts'

const label = (mode: string) => `pod-security.kubernetes.io/${mode}`

const start = async (labels: Readonly<Record<string, string>>) => {
  const api = await createTestApi()
  const change = (given: Readonly<Record<string, string | null>>) =>
    api.request('PATCH', '/api/v1/namespaces/default', {
      body: { metadata: { labels: given } },
      contentType: 'application/merge-patch+json',
    })
  const changed = await change(labels)
  if (changed.code !== 200) throw new Error(JSON.stringify(changed.body))
  const run = (name: string, spec: object = {}) =>
    api.request('POST', '/api/v1/namespaces/default/pods', {
      body: { metadata: { name }, spec: { containers: [{ name: 'main', image: 'i' }], ...spec } },
    })
  return { api, change, run }
}

const shared = { hostNetwork: true }

t.test('what is enforced is refused', async (t) => {
  const { api, run } = await start({ [label('enforce')]: 'baseline', [label('enforce-version')]: 'v1.24' })
  t.equal((await run('good')).code, 201)
  t.match(await run('bad', shared), {
    code: 403,
    body: {
      message: 'pods "bad" is forbidden: violates PodSecurity "baseline:v1.24": host namespaces (hostNetwork=true)',
    },
  })
  const labels = { body: { metadata: { labels: { a: 'b' } } }, contentType: 'application/merge-patch+json' }
  t.equal((await api.request('PATCH', '/api/v1/namespaces/default/pods/good', labels)).code, 200)
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } })
  const elsewhere = {
    body: { metadata: { name: 'bad' }, spec: { containers: [{ name: 'm', image: 'i' }], ...shared } },
  }
  t.equal(
    (await api.request('POST', '/api/v1/namespaces/other/pods', elsewhere)).code,
    201,
    'only where it is asked for',
  )
})

t.test('what is warned of is told, of pods and of what makes pods', async (t) => {
  const { api, run } = await start({ [label('warn')]: 'baseline' })
  const text = 'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'
  const reply = await run('web', shared)
  t.equal(reply.code, 201)
  t.same(reply.warnings, [text])
  t.same((await run('good')).warnings, [])
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'm', image: 'i' }], ...shared } }
  const selector = { matchLabels: { a: 'b' } }
  const ofJob = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
  for (const [path, spec] of [
    ['apps/v1/namespaces/default/deployments', { selector, template }],
    ['apps/v1/namespaces/default/replicasets', { selector, template }],
    ['batch/v1/namespaces/default/jobs', { template: ofJob }],
    ['batch/v1/namespaces/default/cronjobs', { schedule: '* * * * *', jobTemplate: { spec: { template: ofJob } } }],
  ] as const) {
    const made = await api.request('POST', `/apis/${path}`, { body: { metadata: { name: 'x' }, spec } })
    t.equal(made.code, 201, path)
    t.ok(made.warnings.includes(text), path)
  }
})

t.test('a namespace that becomes stricter tells which of its pods are against it', async (t) => {
  const { change, run } = await start({})
  for (const name of ['a', 'b', 'c']) await run(name, shared)
  await run('d', { hostPID: true, containers: [{ name: 'm', image: 'i', securityContext: { privileged: true } }] })
  await run('e')
  t.same((await change({ [label('enforce')]: 'baseline' })).warnings, [
    'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 2 other pods): host namespaces',
    'd: host namespaces, privileged',
  ])
  t.same((await change({ [label('enforce')]: null })).warnings, [])
  t.match(await change({ [label('enforce')]: 'strict' }), {
    code: 422,
    body: {
      message: /metadata.labels\[pod-security.kubernetes.io\/enforce\]: Invalid value: "strict": must be one of/,
    },
  })
})
