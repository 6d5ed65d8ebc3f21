/** What every namespace has, and the Secrets of ServiceAccounts. */
import t from 'tap'
import { isNotFound } from '../../../../src/api/errors.ts'
import { configMaps, namespaces, secrets, serviceAccounts } from '../../../../src/api/resources.ts'
import type { Secret } from '../../../../src/api/types/index.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until as untilTrue } from '../../../support/until.ts'

const type = 'kubernetes.io/service-account-token'
const decode = (text = '') => Buffer.from(text, 'base64').toString()
const claimsOf = (secret: Secret | undefined) =>
  JSON.parse(Buffer.from(decode(secret?.data?.['token']).split('.')[1] ?? '', 'base64url').toString())
const until = <T>(what: string, condition: () => Promise<T>) => untilTrue(condition, what)
const missing = (error: unknown): undefined => {
  if (!isNotFound(error)) throw error
}

t.test('a namespace has an account, its token and what to trust the API by', async (t) => {
  const { client } = await startControlPlane(t)
  await client.create(namespaces, { metadata: { name: 'shop' } })
  const account = await until('the account lists its Secret', async () => {
    const found = await client.get(serviceAccounts, 'default', 'shop').catch(missing)
    return found?.secrets?.length ? found : undefined
  })
  const name = account.secrets?.[0]?.name ?? ''
  t.match(name, /^default-token-\w{5,6}$/)
  const secret = await until('it is filled', async () => {
    const found = await client.get(secrets, name, 'shop')
    return found.data?.['token'] ? found : undefined
  })
  t.match(secret, {
    type,
    metadata: {
      annotations: {
        'kubernetes.io/service-account.name': 'default',
        'kubernetes.io/service-account.uid': account.metadata.uid ?? '',
      },
    },
  })
  t.equal(decode(secret.data?.['namespace']), 'shop')
  t.match(decode(secret.data?.['ca.crt']), /^-----BEGIN CERTIFICATE-----/)
  t.match(claimsOf(secret), {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:shop:default',
    'kubernetes.io/serviceaccount/secret.name': name,
    'kubernetes.io/serviceaccount/service-account.uid': account.metadata.uid ?? '',
  })
  const root = await until('the authority is published', () =>
    client.get(configMaps, 'kube-root-ca.crt', 'shop').catch(missing),
  )
  t.equal(root.data?.['ca.crt'], decode(secret.data?.['ca.crt']))

  await client.patch(configMaps, root, { data: { 'ca.crt': 'somebody else' } })
  await until('it is as before', async () => {
    const now = await client.get(configMaps, 'kube-root-ca.crt', 'shop')
    return now.data?.['ca.crt'] === root.data?.['ca.crt'] ? now : undefined
  })
  await client.delete(configMaps, root)
  await until('it comes back', () => client.get(configMaps, 'kube-root-ca.crt', 'shop').catch(missing))
})

t.test('Secrets go and come back with their account', async (t) => {
  const { client } = await startControlPlane(t)
  const account = await client.create(serviceAccounts, { metadata: { name: 'app', namespace: 'default' } })
  const annotations = { 'kubernetes.io/service-account.name': 'app' }
  await client.create(secrets, { metadata: { name: 'own', namespace: 'default', annotations }, type })
  const filled = (name: string) =>
    until(`${name} is filled`, async () => {
      const found = await client.get(secrets, name, 'default').catch(missing)
      return found?.data?.['token'] ? found : undefined
    })
  const listed = (besides = '') =>
    until('the account lists one Secret', async () => {
      const { secrets: list = [] } = await client.get(serviceAccounts, 'app', 'default')
      const [first] = list
      return list.length === 1 && first?.name && first.name !== besides ? first.name : undefined
    })
  t.equal(claimsOf(await filled('own'))['kubernetes.io/serviceaccount/service-account.uid'], account.metadata.uid)
  const first = await listed()
  t.not(first, 'own', 'a Secret that somebody made is filled, and not listed')

  await client.patch(secrets, { metadata: { name: 'own', namespace: 'default' } }, { data: { token: 'YWJj' } })
  await until('a wrong token is replaced', async () => decode((await filled('own')).data?.['token']).includes('.'))

  await client.delete(secrets, await filled(first))
  const second = await listed(first)
  await filled(second)

  await client.delete(serviceAccounts, account)
  await until('no Secret of it is left', async () => {
    const { items } = await client.list(secrets, { namespace: 'default' })
    return items.some(({ metadata }) => metadata.annotations?.['kubernetes.io/service-account.name'] === 'app')
      ? undefined
      : true
  })
  await client.create(serviceAccounts, { metadata: { name: 'app', namespace: 'default' } })
  await filled(await listed())
})

t.test('a Secret for an account that is not there goes, and so does one of an earlier account', async (t) => {
  const { client } = await startControlPlane(t)
  const account = await client.create(serviceAccounts, { metadata: { name: 'app', namespace: 'default' } })
  const put = (name: string, annotations: Readonly<Record<string, string>>) =>
    client.create(secrets, { metadata: { name, namespace: 'default', annotations }, type })
  await put('nobody', { 'kubernetes.io/service-account.name': 'nobody' })
  await put('earlier', {
    'kubernetes.io/service-account.name': 'app',
    'kubernetes.io/service-account.uid': `not ${account.metadata.uid}`,
  })
  for (const name of ['nobody', 'earlier'])
    await until(`${name} goes`, async () =>
      (await client.get(secrets, name, 'default').catch(missing)) === undefined ? true : undefined,
    )
  t.ok(await client.get(serviceAccounts, 'app', 'default'))
})

t.test('a namespace goes with all of it', async (t) => {
  const { client } = await startControlPlane(t)
  const made = await client.create(namespaces, { metadata: { name: 'shop' } })
  await until('the account is there', () => client.get(serviceAccounts, 'default', 'shop').catch(missing))
  await client.delete(namespaces, made)
  await until('the namespace is gone', async () =>
    (await client.get(namespaces, 'shop').catch(missing)) === undefined ? true : undefined,
  )
  t.same((await client.list(secrets, { namespace: 'shop' })).items, [])
})
