/** What keeps no object is admitted like a write: Bindings, tokens, questions, connections, and the windows onto an object. */
import t, { type Test } from 'tap'
import type { Method } from '../../../../src/api/transport.ts'
import { createTestApi, type Json, type RequestOptions, type TestApi } from '../../../support/api-server.ts'
import { serveWebhook } from '../../../support/webhook-server.ts'

const registration = '/apis/admissionregistration.k8s.io/v1'
const core = '/api/v1/namespaces/default'

type Content = Readonly<Record<string, unknown>>

const post = async (api: TestApi, path: string, body: Content): Promise<Json> => {
  const reply = await api.request('POST', path, { body })
  if (reply.code !== 201) throw new Error(`${path}: ${reply.code} ${JSON.stringify(reply.body)}`)
  return reply.body
}

const certificateRequest = (request: string) => ({
  metadata: { name: 'csr' },
  spec: { request, signerName: 'example.com/any', usages: ['client auth'] },
})
// PKCS #10 of CN=me, made once by openssl.
const pkcs10 = Buffer.from(
  `-----BEGIN CERTIFICATE REQUEST-----
MIHHMG8CAQAwDTELMAkGA1UEAwwCbWUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATm3KDn+86qq/g8ufBFxx+S1VolhpDJslMbmxxXv8EkdxpH+92iT2dySPrQRoBJ
Mluio+Jzu2shfuTFcvCWvklyoAAwCgYIKoZIzj0EAwIDSAAwRQIgd4CZKKUa8+Dl
bXZLDe5FCK+LEM97yoLwXaINxeCoagkCIQDA9gcC45syV+KCzEvj5zYdD99+lD+R
GPGAILZSx8mW/g==
-----END CERTIFICATE REQUEST-----
`,
).toString('base64')

const rules = (...resources: readonly string[]) => [
  { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources, scope: '*' },
]

const start = async (t: Test, answer: (review: Json) => Content) => {
  const api = await createTestApi()
  const server = await serveWebhook(t, (review) => ({
    ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    response: { uid: review['request']?.['uid'], allowed: true, ...answer(review) },
  }))
  await post(api, `${core}/pods`, {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'main', image: 'i' }] },
  })
  await post(api, `${core}/services`, { metadata: { name: 'svc' }, spec: { ports: [{ port: 80 }] } })
  await post(api, `${core}/serviceaccounts`, { metadata: { name: 'app' } })
  await post(api, '/api/v1/nodes', { metadata: { name: 'n1' } })
  await post(api, '/api/v1/namespaces', { metadata: { name: 'other' } })
  await post(api, '/apis/certificates.k8s.io/v1/certificatesigningrequests', certificateRequest(pkcs10))
  await post(api, '/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
  const configure = (kind: 'validating' | 'mutating', more: Content = {}) =>
    post(api, `${registration}/${kind}webhookconfigurations`, {
      metadata: { name: 'hooks' },
      webhooks: [
        {
          ...{ name: 'hook.example.com', rules: rules('*/*') },
          clientConfig: { url: `${server.url}/hook`, caBundle: server.caBundle },
          ...{ sideEffects: 'None', admissionReviewVersions: ['v1'], ...more },
        },
      ],
    })
  return { api, server, configure }
}

const merge = 'application/merge-patch+json'

interface Case {
  readonly asks: readonly [Method, string, RequestOptions?]
  /** What the webhook is told. */
  readonly told: Content
}

const connect = (kind: string, resource: string, subResource: string, name: string, object: Content): Content => ({
  ...{
    operation: 'CONNECT',
    kind: { group: '', version: 'v1', kind },
    resource: { group: '', version: 'v1', resource },
  },
  ...{ subResource, name, object: { kind, apiVersion: 'v1', ...object }, oldObject: null, options: null },
})

const cases: readonly Case[] = [
  {
    asks: ['POST', `${core}/pods/web/binding`, { body: { metadata: { name: 'web' }, target: { name: 'n1' } } }],
    told: {
      ...{ operation: 'CREATE', kind: { group: '', version: 'v1', kind: 'Binding' }, subResource: 'binding' },
      ...{ name: 'web', namespace: 'default', resource: { resource: 'pods' }, oldObject: null },
      object: { kind: 'Binding', apiVersion: 'v1', metadata: { name: 'web' }, target: { name: 'n1' } },
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  },
  {
    asks: ['POST', `${core}/serviceaccounts/app/token`, { body: { spec: { audiences: ['a'] } } }],
    told: {
      ...{ operation: 'CREATE', name: 'app', namespace: 'default', subResource: 'token' },
      kind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
      object: {
        ...{ kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: { name: 'app' } },
        spec: { audiences: ['a'], expirationSeconds: 3600 },
      },
    },
  },
  {
    asks: ['POST', `${core}/pods/web/exec?stdin=true&stdout=1&tty=false&container=main&command=sh&command=-c`],
    told: connect('PodExecOptions', 'pods', 'exec', 'web', {
      ...{ stdin: true, stdout: true, tty: undefined, container: 'main', command: ['sh', '-c'] },
    }),
  },
  {
    asks: ['GET', `${core}/pods/web/exec?stdout=1&command=id`],
    told: connect('PodExecOptions', 'pods', 'exec', 'web', { stdout: true, command: ['id'] }),
  },
  {
    asks: ['POST', `${core}/pods/web/attach?stdout=1`],
    told: connect('PodAttachOptions', 'pods', 'attach', 'web', { stdout: true }),
  },
  {
    asks: ['POST', `${core}/pods/web/portforward?ports=80`],
    told: connect('PodPortForwardOptions', 'pods', 'portforward', 'web', { ports: [80] }),
  },
  {
    asks: ['POST', `${core}/pods/web/proxy/a/b`],
    told: connect('PodProxyOptions', 'pods', 'proxy', 'web', { path: '/a/b' }),
  },
  {
    asks: ['GET', `${core}/services/svc:80/proxy/`],
    told: connect('ServiceProxyOptions', 'services', 'proxy', 'svc:80', { path: '/' }),
  },
  {
    asks: ['GET', '/api/v1/nodes/n1/proxy/metrics'],
    told: { ...connect('NodeProxyOptions', 'nodes', 'proxy', 'n1', { path: '/metrics' }), namespace: undefined },
  },
  {
    asks: [
      'PUT',
      '/apis/apps/v1/namespaces/default/deployments/web/scale',
      { body: { metadata: { name: 'web' }, spec: { replicas: 3 } } },
    ],
    told: {
      ...{ operation: 'UPDATE', kind: { group: 'autoscaling', kind: 'Scale' }, subResource: 'scale' },
      ...{ object: { spec: { replicas: 3 } }, oldObject: { spec: { replicas: 1 } } },
      options: { kind: 'UpdateOptions' },
    },
  },
  {
    asks: ['PATCH', `${core}/pods/web/status`, { body: { status: { message: 'm' } }, contentType: merge }],
    told: {
      ...{ operation: 'UPDATE', kind: { kind: 'Pod' }, subResource: 'status', object: { status: { message: 'm' } } },
      options: { kind: 'UpdateOptions' },
    },
  },
  {
    asks: [
      'PATCH',
      '/apis/certificates.k8s.io/v1/certificatesigningrequests/csr/approval',
      { body: { status: { conditions: [{ type: 'Approved', status: 'True' }] } }, contentType: merge },
    ],
    told: {
      ...{ operation: 'UPDATE', subResource: 'approval', kind: { kind: 'CertificateSigningRequest' } },
      object: { status: { conditions: [{ type: 'Approved' }] } },
    },
  },
  {
    asks: [
      'PUT',
      '/api/v1/namespaces/other/finalize',
      { body: { metadata: { name: 'other' }, spec: { finalizers: ['kubernetes'] } } },
    ],
    told: { operation: 'UPDATE', subResource: 'finalize', kind: { kind: 'Namespace' }, name: 'other' },
  },
  {
    asks: [
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      { body: { spec: { user: 'me', nonResourceAttributes: { path: '/', verb: 'get' } } } },
    ],
    told: {
      ...{ operation: 'CREATE', kind: { group: 'authorization.k8s.io', kind: 'SubjectAccessReview' } },
      ...{ name: '', subResource: undefined, object: { spec: { user: 'me' } } },
    },
  },
  {
    asks: ['POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: 'x' } } }],
    told: { operation: 'CREATE', kind: { kind: 'TokenReview' }, object: { spec: { token: 'x' } } },
  },
  {
    asks: [
      'DELETE',
      `${core}/services`,
      { body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Background' } },
    ],
    told: {
      ...{ operation: 'DELETE', object: null, oldObject: { metadata: { name: 'svc' } } },
      options: { kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Background' },
    },
  },
]

t.test('webhooks are asked about it, and what they refuse is not done', async (t) => {
  const { api, server, configure } = await start(t, () => ({ allowed: false, status: { code: 403, message: 'no' } }))
  await configure('validating')
  for (const { asks, told } of cases) {
    const [method, path] = asks
    const before = server.asked.length
    t.match(
      await api.request(...asks),
      { code: 403, body: { message: /denied the request: no$/ } },
      `${method} ${path}`,
    )
    t.equal(server.asked.length, before + 1, `${method} ${path}: once`)
    t.match(server.asked.at(-1)?.['request'], told, `${method} ${path}`)
  }
  t.equal((await api.request('GET', `${core}/pods/web`)).body['spec']?.['nodeName'], undefined, 'it is bound nowhere')
})

t.test('policies are asked, too, but not about questions', async (t) => {
  const { api } = await start(t, () => ({}))
  await post(api, `${registration}/validatingadmissionpolicies`, {
    metadata: { name: 'p' },
    spec: {
      matchConstraints: { resourceRules: rules('*/*') },
      validations: [{ expression: '!(request.operation in ["CREATE", "UPDATE", "CONNECT", "DELETE"])', message: 'no' }],
    },
  })
  await post(api, `${registration}/validatingadmissionpolicybindings`, {
    ...{ metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'] } },
  })
  for (const { asks } of cases) {
    const isQuestion = /review/.test(asks[1])
    t.equal((await api.request(...asks)).code, isQuestion ? 201 : 422, `${asks[0]} ${asks[1]}`)
  }
})

t.test('what a webhook makes of a Binding is what is bound, and a dry run binds nothing', async (t) => {
  const { api, configure } = await start(t, (review) =>
    String(review['request']?.['subResource']) === 'binding'
      ? {
          patchType: 'JSONPatch',
          patch: Buffer.from('[{"op":"replace","path":"/target/name","value":"n2"}]').toString('base64'),
          warnings: ['elsewhere'],
        }
      : {},
  )
  await configure('mutating')
  const bind = (query: string) =>
    api.request('POST', `${core}/pods/web/binding${query}`, { body: { target: { kind: 'Node', name: 'n1' } } })
  t.match(await bind('?dryRun=All'), { code: 201, warnings: ['elsewhere'] })
  t.equal((await api.request('GET', `${core}/pods/web`)).body['spec']?.['nodeName'], undefined)
  t.equal((await bind('')).code, 201)
  t.equal((await api.request('GET', `${core}/pods/web`)).body['spec']?.['nodeName'], 'n2')
})

t.test('labels of what has none, and conditions about connections', async (t) => {
  const exec: Case['asks'] = ['POST', `${core}/pods/web/exec?stdout=1&command=rm`]
  for (const [what, more, isMeant] of [
    ['labels', { objectSelector: { matchLabels: { a: 'b' } } }, false],
    ['no label', { objectSelector: { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] } }, false],
    ['a condition', { matchConditions: [{ name: 'c', expression: 'object.command[0] == "rm"' }] }, true],
    ['another', { matchConditions: [{ name: 'c', expression: 'object.command[0] == "ls"' }] }, false],
    ['no connections', { rules: [{ ...rules('*/*')[0], operations: ['CREATE', 'UPDATE', 'DELETE'] }] }, false],
    ['no subresources', { rules: rules('pods') }, false],
    ['that one', { rules: rules('pods/exec') }, true],
  ] as const) {
    const { api, configure } = await start(t, () => ({ allowed: false, status: { code: 403, message: 'no' } }))
    await configure('validating', more)
    t.equal((await api.request(...exec)).code === 403, isMeant, what)
  }
})

t.test('a namespace on its way out takes nothing of it, but can be asked about', async (t) => {
  const { api } = await start(t, () => ({}))
  await post(api, '/api/v1/namespaces/other/serviceaccounts', { metadata: { name: 'app' } })
  t.equal((await api.request('DELETE', '/api/v1/namespaces/other')).code, 200)
  t.match(await api.request('POST', '/api/v1/namespaces/other/serviceaccounts/app/token', { body: {} }), {
    code: 403,
    body: { message: /because it is being terminated$/ },
  })
  const spec = { user: 'me', resourceAttributes: { namespace: 'other', verb: 'get', resource: 'pods' } }
  const reviews = '/apis/authorization.k8s.io/v1/namespaces/other/localsubjectaccessreviews'
  t.equal((await api.request('POST', reviews, { body: { metadata: { namespace: 'other' }, spec } })).code, 201)
})
