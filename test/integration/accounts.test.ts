/** ServiceAccounts, quotas and encryption as the users of the stock kubectl see them. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { startControl, testFolder } from '../support/running-control.ts'
import { until } from '../support/until.ts'

t.test('whoever has the token of an account is the account', async (t) => {
  const { kubectl, kubectlWith, port, ca } = await startControl(t)
  const server = `https://127.0.0.1:${port}`
  const json = async (...args: readonly string[]) => JSON.parse(await kubectl(...args, '-o', 'json'))
  t.match(await kubectl('create', 'namespace', 'shop'), /created/)
  const secret = await until(
    async () => (await json('get', 'sa', 'default', '-n', 'shop')).secrets?.[0]?.name as string | undefined,
    'the Secret of the account',
  )
  const legacy = await until(async () => {
    const { data } = await json('get', 'secret', secret, '-n', 'shop')
    return data?.token as string | undefined
  }, 'the token')
  t.equal(await kubectl('get', 'sa', '-n', 'shop', '--no-headers', '-o', 'custom-columns=N:.metadata.name'), 'default')
  t.match(await kubectl('get', 'configmap', 'kube-root-ca.crt', '-n', 'shop', '-o', 'jsonpath={.data}'), /BEGIN CERT/)

  const request = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })
  const path = '/api/v1/namespaces/shop/serviceaccounts/default/token'
  const { status } = JSON.parse(await kubectlWith(request, 'create', '--raw', path, '-f', '-'))
  const file = join(await testFolder(t), 'ca.crt')
  await writeFile(file, ca)
  const as = (token: string, ...args: readonly string[]) =>
    kubectl('--kubeconfig', '/dev/null', '--server', server, '--certificate-authority', file, '--token', token, ...args)
  const tokens = { 'on request': String(status.token), 'in a Secret': Buffer.from(legacy, 'base64').toString() }
  for (const [which, token] of Object.entries(tokens))
    t.match(
      await as(token, 'get', 'pods', '-n', 'shop'),
      /User "system:serviceaccount:shop:default" cannot list resource "pods"/,
      which,
    )
  await kubectl('create', 'rolebinding', 'v', '-n', 'shop', '--clusterrole', 'view', '--serviceaccount', 'shop:default')
  for (const [which, token] of Object.entries(tokens))
    await until(
      async () => (await as(token, 'get', 'pods', '-n', 'shop')) === 'No resources found in shop namespace.',
      `the right to look, ${which}`,
    )
  t.match(await as(tokens['on request'], 'get', 'secrets', '-n', 'shop'), /forbidden/)
  await kubectl('delete', 'sa', 'default', '-n', 'shop')
  for (const [which, token] of Object.entries(tokens))
    t.match(
      await as(token, 'get', 'pods', '-n', 'shop'),
      /Unauthorized|must be logged in/,
      `${which}: the account is gone`,
    )
  t.match(await kubectl('delete', 'namespace', 'shop', '--timeout', '30s'), /deleted/, 'nothing comes back into it')
})

t.test('pods get accounts, limits and quotas', async (t) => {
  const { kubectl, kubectlWith } = await startControl(t)
  const run = (name: string, ...more: readonly string[]) => kubectl('run', name, '--image', 'podway/echo', ...more)
  t.equal(await run('web'), 'pod/web created', 'in the namespace default, at once')
  t.match(await kubectl('get', 'pod', 'web', '-o', 'jsonpath={.spec.volumes[0].name}'), /^kube-api-access-/)
  t.equal(
    await run('nobody', '--overrides', '{"spec":{"serviceAccountName":"none"}}'),
    'Error from server (Forbidden): pods "nobody" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
  )
  t.match(await kubectl('create', 'quota', 'q', '--hard', 'pods=1'), /created/)
  await until(
    async () => (await kubectl('get', 'quota', 'q', '-o', 'jsonpath={.status.used.pods}')) === '1',
    'the count',
  )
  t.equal(
    await run('two'),
    'Error from server (Forbidden): pods "two" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  )
  const both =
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: fresh}\nspec: {containers: [{name: c, image: i}]}\n'
  t.equal(
    await kubectlWith(both, 'apply', '-f', '-'),
    'namespace/fresh created\npod/p created',
    'its account is waited for',
  )
})

t.test('Secrets are encrypted in the store', async (t) => {
  const file = join(await testFolder(t), 'encryption.yaml')
  await writeFile(
    file,
    `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - secretbox: { keys: [{ name: one, secret: ${Buffer.alloc(32, 7).toString('base64')} }] }
      - identity: {}
`,
  )
  const { kubectl, kubeconfig } = await startControl(t, { encryptionConfig: file })
  const dataDir = dirname(kubeconfig)
  const password = Buffer.from('tr0ub4dor').toString('base64')
  await kubectl('create', 'secret', 'generic', 's', '--from-literal', 'password=tr0ub4dor')
  await kubectl('create', 'configmap', 'c', '--from-literal', 'greeting=good-day')
  t.equal(await kubectl('get', 'secret', 's', '-o', 'jsonpath={.data.password}'), password)
  const stored = async () =>
    Buffer.concat(
      await Promise.all(
        (await readdir(dataDir))
          .filter((name) => name.startsWith('store.db'))
          .map((name) => readFile(join(dataDir, name))),
      ),
    )
  const bytes = await stored()
  t.ok(bytes.includes('good-day'), 'what is not named is not encrypted')
  t.ok(bytes.includes('k8s:enc:secretbox:v1:one:'))
  t.notOk(bytes.includes(password))
})

t.test('a start with a wrong file says what is wrong', async (t) => {
  const file = join(await testFolder(t), 'encryption.yaml')
  await writeFile(file, 'kind: EncryptionConfiguration')
  await t.rejects(startControl(t, { encryptionConfig: file }), {
    message: /^--encryption-provider-config .*encryption\.yaml: apiVersion must be apiserver\.config\.k8s\.io\/v1$/,
  })
})
