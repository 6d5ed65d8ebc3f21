/** Pods act as an account of their namespace. */
import t from 'tap'
import { createTestApi, type Json, type Reply } from '../../../support/api-server.ts'
import { until } from '../../../support/until.ts'

const podsPath = '/api/v1/namespaces/default/pods'
const accountsPath = '/api/v1/namespaces/default/serviceaccounts'
const place = '/var/run/secrets/kubernetes.io/serviceaccount'

const start = async (accounts: readonly object[] = [{ metadata: { name: 'default' } }]) => {
  const api = await createTestApi({ admission: { disabled: [] } })
  const post = (path: string, body: object) => api.request('POST', path, { body })
  for (const account of accounts) await post(accountsPath, account)
  let count = 0
  const run = (spec: object = {}, metadata: object = {}) =>
    post(podsPath, {
      metadata: { name: `pod-${++count}`, ...metadata },
      spec: { containers: [{ name: 'main', image: 'i' }], ...spec },
    })
  return { api, post, run }
}

const mountsOf = (pod: Json, list = 'containers') =>
  ((pod['spec']?.[list] ?? []) as unknown as readonly { readonly volumeMounts?: readonly object[] }[]).map(
    ({ volumeMounts = [] }) => volumeMounts,
  )

t.test('a pod that names no account has the default one, and its token', async (t) => {
  const { run } = await start()
  const { code, body } = await run({ initContainers: [{ name: 'init', image: 'i' }] })
  t.equal(code, 201)
  t.match(body['spec'], { serviceAccountName: 'default', serviceAccount: 'default' })
  t.match(body['spec']?.['volumes'], [
    {
      name: /^kube-api-access-[a-z0-9]{5}$/,
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
      },
    },
  ])
  const name = String(body['spec']?.['volumes']?.[0]?.['name'])
  const mount = [{ name, readOnly: true, mountPath: place }]
  t.strictSame([...mountsOf(body), ...mountsOf(body, 'initContainers')], [mount, mount])
})

t.test('who wants no token gets none', async (t) => {
  const { run } = await start([
    { metadata: { name: 'default' } },
    { metadata: { name: 'quiet' }, automountServiceAccountToken: false },
  ])
  const volumes = async (spec: object) => (await run(spec)).body['spec']?.['volumes']
  t.equal(await volumes({ automountServiceAccountToken: false }), undefined)
  t.equal(await volumes({ serviceAccountName: 'quiet' }), undefined)
  t.ok(await volumes({ serviceAccountName: 'quiet', automountServiceAccountToken: true }), 'the pod has the last word')
  t.match(await run({ serviceAccount: 'quiet' }), { body: { spec: { serviceAccountName: 'quiet' } } })
})

t.test('what a container has at that place stays', async (t) => {
  const { run } = await start()
  const own = { name: 'own', mountPath: place }
  const { body } = await run({
    volumes: [{ name: 'own', emptyDir: {} }],
    containers: [{ name: 'main', image: 'i', volumeMounts: [own] }],
  })
  t.strictSame(mountsOf(body), [[own]])
  t.strictSame(body['spec']?.['volumes'], [{ name: 'own', emptyDir: {} }])
  const template = (await run()).body['spec']
  const again = await run({ containers: template?.['containers'], volumes: template?.['volumes'] })
  t.strictSame(again.body['spec']?.['volumes'], template?.['volumes'], 'one that was there before is used')
})

t.test('an account that is not there is refused', async (t) => {
  const { run } = await start()
  t.match(await run({ serviceAccountName: 'none' }, { name: 'web' }), {
    code: 403,
    body: {
      message:
        'pods "web" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
    },
  })
})

t.test('the default account of a new namespace is waited for', async (t) => {
  const { api, post, run } = await start([])
  const patient = run()
  await post(accountsPath, { metadata: { name: 'other' } })
  await post(accountsPath, { metadata: { name: 'default' } })
  t.equal((await patient).code, 201)
  await api.request('DELETE', `${accountsPath}/default`)
  let answer: Reply | undefined
  const late = run({}, { name: 'late' }).then((reply) => {
    answer = reply
  })
  await until(() => {
    api.clock.advance(500)
    return answer
  }, 'the end of patience')
  await late
  t.match(answer?.body, { message: /error looking up service account default\/default/ })
})

t.test('the Secrets by which images are pulled come from the account', async (t) => {
  const { run } = await start([{ metadata: { name: 'default' }, imagePullSecrets: [{ name: 'registry' }] }])
  t.strictSame((await run()).body['spec']?.['imagePullSecrets'], [{ name: 'registry' }])
  t.strictSame((await run({ imagePullSecrets: [{ name: 'own' }] })).body['spec']?.['imagePullSecrets'], [
    { name: 'own' },
  ])
})

t.test('an account can hold its pods to the Secrets that it lists', async (t) => {
  const { run } = await start([
    {
      metadata: { name: 'default', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
      secrets: [{ name: 'listed' }],
      imagePullSecrets: [{ name: 'registry' }],
    },
  ])
  const secret = (name: string) => ({ volumes: [{ name: 'v', secret: { secretName: name } }] })
  const container = (more: object) => ({ containers: [{ name: 'main', image: 'i', ...more }] })
  const env = (name: string) => container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name, key: 'k' } } }] })
  for (const spec of [{}, secret('listed'), env('listed')]) t.equal((await run(spec)).code, 201)
  const suffix = 'is not allowed because service account default does not reference that'
  for (const [spec, message] of [
    [secret('other'), `volume with secret.secretName="other" ${suffix} secret`],
    [env('other'), `container main with envVar A referencing secret.secretName="other" ${suffix} secret`],
    [
      container({ envFrom: [{ secretRef: { name: 'other' } }] }),
      `container main with envFrom referencing secret.secretName="other" ${suffix} secret`,
    ],
    [{ imagePullSecrets: [{ name: 'other' }] }, `imagePullSecrets[0].name="other" ${suffix} imagePullSecret`],
  ] as const)
    t.match(await run(spec, { name: 'web' }), { code: 403, body: { message: `pods "web" is forbidden: ${message}` } })
})

t.test('a mirror pod is nobody', async (t) => {
  const { run } = await start()
  const mirror = (spec: object) => run(spec, { name: 'static', annotations: { 'kubernetes.io/config.mirror': 'x' } })
  for (const [spec, why] of [
    [{ serviceAccountName: 'default' }, 'a mirror pod may not reference service accounts'],
    [{ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'a mirror pod may not reference secrets'],
    [
      { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
  ] as const)
    t.match(await mirror(spec), { code: 403, body: { message: `pods "static" is forbidden: ${why}` } })
  const { code, body } = await mirror({})
  t.equal(code, 201)
  t.equal(body['spec']?.['serviceAccountName'], undefined)
})
