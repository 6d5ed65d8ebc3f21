/** Tokens on request, and who may ask for which. */
import t from 'tap'
import { nodesGroup } from '../../../../src/api/users.ts'
import { createTestApi, type RequestOptions } from '../../../support/api-server.ts'

const accounts = '/api/v1/namespaces/default/serviceaccounts'
const tokenOf = (account: string) => `${accounts}/${account}/token`
const issuer = 'https://kubernetes.default.svc.cluster.local'
const body = (spec: object = {}, metadata = {}) => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  metadata,
  spec,
})
const boundTo = (ref: object, more = {}) => body({ boundObjectRef: ref, ...more })

const start = async () => {
  const api = await createTestApi()
  const post = async (path: string, body: object, options: RequestOptions = {}) =>
    api.request('POST', path, { body, ...options })
  const make = async (path: string, body: object): Promise<string> =>
    String((await post(`/api/v1/${path}`, body)).body['metadata']?.['uid'])
  const uids = {
    account: await make('namespaces/default/serviceaccounts', { metadata: { name: 'app' } }),
    node: await make('nodes', { metadata: { name: 'n1' } }),
    secret: await make('namespaces/default/secrets', { metadata: { name: 's' } }),
    pod: await make('namespaces/default/pods', pod('web', 'app')),
  }
  await make('namespaces/default/serviceaccounts', { metadata: { name: 'other' } })
  return { api, post, make, uids }
}

const pod = (name: string, serviceAccountName: string, nodeName = 'n1') => ({
  metadata: { name },
  spec: { serviceAccountName, nodeName, containers: [{ name: 'c', image: 'i' }] },
})

const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())

t.test('a token says whose it is, for whom, and until when', async (t) => {
  const { api, post, uids } = await start()
  const plain = await post(tokenOf('app'), body())
  const now = Math.floor(api.clock.now() / 1000)
  t.match(plain, {
    code: 201,
    body: {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: 'app', namespace: 'default' },
      spec: { audiences: [issuer], expirationSeconds: 3600, boundObjectRef: null },
      status: { expirationTimestamp: new Date((now + 3600) * 1000).toISOString().replace('.000', '') },
    },
  })
  t.match(claimsOf(plain.body['status']?.['token']), {
    ...{ aud: [issuer], exp: now + 3600, iat: now, iss: issuer, nbf: now, jti: /^[0-9a-f-]{36}$/ },
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'app', uid: uids.account } },
    sub: 'system:serviceaccount:default:app',
  })
  const ref = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: uids.pod }
  const bound = await post(tokenOf('app'), boundTo(ref, { audiences: ['vault'], expirationSeconds: 600 }))
  t.match(claimsOf(bound.body['status']?.['token']), {
    ...{ aud: ['vault'], exp: now + 600 },
    'kubernetes.io': { pod: { name: 'web', uid: uids.pod }, node: { name: 'n1', uid: uids.node } },
  })
  for (const [kind, name, uid] of [
    ['Secret', 's', uids.secret],
    ['Node', 'n1', uids.node],
  ] as const) {
    const reply = await post(tokenOf('app'), boundTo({ apiVersion: 'v1', kind, name }))
    t.match(claimsOf(reply.body['status']?.['token']), { 'kubernetes.io': { [kind.toLowerCase()]: { name, uid } } })
  }
})

t.test('what no token is given for', async (t) => {
  const { post } = await start()
  const cases: readonly (readonly [object, number, string | RegExp, string?])[] = [
    [
      body({ expirationSeconds: 599 }),
      422,
      /spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes$/,
    ],
    [body({ expirationSeconds: 2 ** 32 + 1 }), 422, /may not specify a duration larger than 2\^32 seconds$/],
    [
      boundTo({ apiVersion: 'v1', kind: 'ConfigMap', name: 'x' }),
      400,
      'cannot bind token to object of type /v1, Kind=ConfigMap',
    ],
    [
      boundTo({ apiVersion: 'apps/v1', kind: 'Pod', name: 'web' }),
      400,
      'cannot bind token to object of type apps/v1, Kind=Pod',
    ],
    [boundTo({ apiVersion: 'v1', kind: 'Pod', name: 'none' }), 404, 'pods "none" not found'],
    [
      boundTo({ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'x' }),
      409,
      /the UID in the bound object reference \(x\) does not match the UID in record/,
    ],
    [
      boundTo({ apiVersion: 'v1', kind: 'Pod', name: 'web' }),
      400,
      'cannot bind token for serviceaccount "other" to pod running with different serviceaccount name.',
      'other',
    ],
    [body(), 404, 'serviceaccounts "none" not found', 'none'],
    [body({}, { name: 'other' }), 400, /does not match the name on the URL/],
    [body({}, { namespace: 'other' }), 400, /namespace of the provided object does not match/],
    [{ kind: 'Binding' }, 400, /cannot be handled as a TokenRequest/],
  ]
  for (const [given, code, message, account = 'app'] of cases)
    t.match(await post(tokenOf(account), given), { code, body: { message } }, String(message))
  t.equal((await post(`${accounts}/app/token/more`, body())).code, 404)
})

t.test('a node gets tokens of its own pods only', async (t) => {
  const { api, post, make, uids } = await start()
  const n1 = { name: 'system:node:n1', groups: [nodesGroup] }
  const ask = async (account: string, ref: object | undefined, user = n1) =>
    post(tokenOf(account), ref ? boundTo(ref) : body(), { user })
  const own = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: uids.pod }
  t.equal((await ask('app', own)).code, 201)
  const elsewhere = await make('namespaces/default/pods', pod('far', 'app', 'n2'))
  const cases: readonly (readonly [string, object | undefined, RegExp])[] = [
    ['app', undefined, /node requested token not bound to a pod/],
    [
      'app',
      { apiVersion: 'v1', kind: 'Secret', name: 's', uid: uids.secret },
      /node requested token not bound to a pod/,
    ],
    ['app', { ...own, uid: undefined }, /node requested token with a pod binding without a uid/],
    ['app', { ...own, uid: 'x' }, /the UID in the bound object reference \(x\) does not match/],
    [
      'app',
      { ...own, name: 'far', uid: elsewhere },
      /node requested token bound to a pod scheduled on a different node/,
    ],
    ['other', own, /no relationship found between node 'n1' and this object/],
  ]
  for (const [account, ref, message] of cases)
    t.match(await ask(account, ref), { code: 403, body: { message } }, String(message))
  t.equal((await ask('app', own, { name: 'system:node:n3', groups: [nodesGroup] })).code, 403)
  for (const method of ['GET', 'DELETE', 'PUT'] as const)
    t.equal(
      (await api.request(method, `${accounts}/app`, { user: n1, body: {} })).code,
      403,
      `${method} of the account`,
    )
})

t.test('others find the keys that verify tokens', async (t) => {
  const { api } = await start()
  t.match(await api.request('GET', '/.well-known/openid-configuration'), {
    code: 200,
    body: {
      issuer,
      jwks_uri: 'https://172.30.0.2:6443/openid/v1/jwks',
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    },
  })
  const { keys } = (await api.request('GET', '/openid/v1/jwks')).body as unknown as { keys: readonly object[] }
  t.match(keys, [{ use: 'sig', kty: 'EC', crv: 'P-256', alg: 'ES256', kid: String }])
  t.notOk('d' in (keys[0] ?? {}), 'nothing private')
  t.match((await api.request('GET', '/')).body, { paths: /openid/ })
})

t.test('whoever lets others in by tokens asks whose they are', async (t) => {
  const { api, post, uids } = await start()
  const review = (spec: object, version = 'v1') => post(`/apis/authentication.k8s.io/${version}/tokenreviews`, { spec })
  const issue = async (spec: object) => String((await post(tokenOf('app'), body(spec))).body['status']?.['token'])
  const pod = { apiVersion: 'v1', kind: 'Pod', name: 'web' }
  const token = await issue({ boundObjectRef: pod })
  const known = {
    authenticated: true,
    user: {
      username: 'system:serviceaccount:default:app',
      uid: uids.account,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': ['web'] },
    },
    audiences: [issuer],
  }
  for (const version of ['v1', 'v1beta1'])
    t.match(await review({ token }, version), {
      code: 201,
      body: { kind: 'TokenReview', apiVersion: `authentication.k8s.io/${version}`, spec: { token }, status: known },
    })
  const vault = await issue({ audiences: ['vault'] })
  t.match((await review({ token: vault, audiences: ['vault', 'mail'] })).body, {
    status: { authenticated: true, audiences: ['vault'] },
  })
  for (const [why, spec] of [
    ['for others', { token: vault }],
    ['not for them', { token, audiences: ['vault'] }],
    ['no token', { token: 'x' }],
  ] as const)
    t.match((await review(spec)).body['status'], { user: {}, error: 'invalid bearer token' }, why)
  t.match(await review({}), { code: 400, body: { message: 'token is required for TokenReview in authentication' } })
  t.equal((await api.request('GET', '/apis/authentication.k8s.io/v1/tokenreviews')).code, 405)
  t.equal((await api.request('GET', '/apis/authentication.k8s.io/v1/tokenreviews/x')).code, 405)
})

t.test('the tokens of machines that join are for the API alone', async (t) => {
  const { post } = await start()
  await post('/api/v1/namespaces', { metadata: { name: 'kube-system' } })
  await post('/api/v1/namespaces/kube-system/secrets', {
    metadata: { name: 'bootstrap-token-abcdef' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      ...{ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' },
    },
  })
  const token = 'abcdef.0123456789abcdef'
  const review = (spec: object) => post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, ...spec } })
  t.match((await review({})).body['status'], { user: { username: 'system:bootstrap:abcdef' }, audiences: [issuer] })
  t.match((await review({ audiences: ['vault'] })).body['status'], { error: 'invalid bearer token' })
})
