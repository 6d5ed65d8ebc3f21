/** Secrets and ConfigMaps that are followed because somebody refers to them. */
import t, { type Test } from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { ApiError } from '../../../src/api/errors.ts'
import { createConfigMapData, createSecretData, type NamedData } from '../../../src/proxy/ingress/data/named-data.ts'
import { openClusterApi } from '../../support/cluster-api.ts'
import { until } from '../../support/until.ts'

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

const secret = (name: string, type: string, data: Readonly<Record<string, string>>) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, type },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
})

const start = async (t: Test, create: typeof createSecretData) => {
  const api = await openClusterApi()
  const data: NamedData = create(createClient(api), (error) => t.fail(String(error)))
  const stop = new AbortController()
  const changes: string[] = []
  data.onChange((key) => changes.push(key))
  const done = data.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  return { api, data, changes }
}

t.test('Secrets: each by its name, and only those that are referred to', async (t) => {
  const { api, data, changes } = await start(t, createSecretData)
  api.put('secrets', secret('tls', 'kubernetes.io/tls', { 'tls.crt': 'C', 'tls.key': 'K' }))
  api.put('secrets', secret('users', 'Opaque', { auth: 'anna:x' }))
  api.put('secrets', secret('private', 'Opaque', { token: 'T' }))
  t.same(api.calls, [], 'nothing is read for nothing')
  data.retain(new Set(['default/tls', 'default/users', 'default/missing']))
  await data.settled()
  t.same(data.get('default/tls'), { 'tls.crt': 'C', 'tls.key': 'K' })
  t.same(data.get('default/users'), { auth: 'anna:x' })
  t.equal(data.get('default/missing'), undefined)
  t.equal(data.get('default/private'), undefined)
  t.notOk(
    api.calls.some((call) => call.includes('private')),
    'not even asked for',
  )

  changes.length = 0
  api.put('secrets', secret('missing', 'Opaque', { auth: 'b:y' }))
  await until(() => data.get('default/missing'), 'the one that comes')
  t.same(changes, ['default/missing'])
  api.put('secrets', secret('tls', 'kubernetes.io/tls', { 'tls.crt': 'C2', 'tls.key': 'K2' }))
  await until(() => data.get('default/tls')?.['tls.crt'] === 'C2', 'the new certificate')
  t.ok(changes.includes('default/tls'))
  data.retain(new Set(['default/users']))
  t.equal(data.get('default/missing'), undefined, 'not followed any more')
  t.same(data.get('default/users'), { auth: 'anna:x' })
})

t.test('ConfigMaps', async (t) => {
  const { api, data } = await start(t, createConfigMapData)
  api.put('configmaps', {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tcp', namespace: 'default' } },
    ...{ data: { '9000': 'default/db:5432' } },
  })
  data.retain(new Set(['default/tcp']))
  await data.settled()
  t.same(data.get('default/tcp'), { '9000': 'default/db:5432' })
  api.drop('configmaps', 'default/tcp')
  await until(() => data.get('default/tcp') === undefined, 'its end')
})

t.test('what is refused holds up no other', async (t) => {
  const api = await openClusterApi()
  const refused: unknown[] = []
  const asked: unknown[] = []
  const transport: typeof api = {
    ...api,
    request: (request, signal) => {
      const { fieldSelector } = request.query ?? {}
      if (request.path.endsWith('/secrets')) asked.push(fieldSelector)
      return fieldSelector === 'metadata.name=secret'
        ? Promise.reject(new ApiError(403, 'Forbidden', 'no relationship found'))
        : api.request(request, signal)
    },
  }
  api.put('secrets', secret('users', 'Opaque', { auth: 'anna:x' }))
  const data = createSecretData(createClient(transport), (error) => refused.push(error))
  const stop = new AbortController()
  const done = data.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  data.retain(new Set(['default/secret', 'default/users']))
  await data.settled()
  t.same(data.get('default/users'), { auth: 'anna:x' })
  t.equal(data.get('default/secret'), undefined)
  t.equal(refused.length, 1, 'and it is told')
  t.same(asked, ['metadata.name=secret', 'metadata.name=users'], 'a node may not ask for more')
})

t.test('more than may be watched are asked for from time to time', async (t) => {
  const api = await openClusterApi()
  for (const name of ['a', 'b', 'c']) api.put('secrets', secret(name, 'Opaque', { auth: `${name}1` }))
  const data = createSecretData(createClient(api), (error) => t.fail(String(error)), { watches: 1, pollMs: 20 })
  const changes: string[] = []
  data.onChange((key) => changes.push(key))
  const stop = new AbortController()
  const done = data.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  data.retain(new Set(['default/a', 'default/b', 'default/c', 'default/d']))
  await data.settled()
  t.same(
    ['a', 'b', 'c', 'd'].map((name) => data.get(`default/${name}`)?.['auth']),
    ['a1', 'b1', 'c1', undefined],
  )
  t.equal(api.calls.filter((call) => call.startsWith('WATCH')).length, 1)
  for (const name of ['a', 'b', 'd']) api.put('secrets', secret(name, 'Opaque', { auth: `${name}2` }))
  for (const name of ['a', 'b', 'd'])
    await until(() => data.get(`default/${name}`)?.['auth'] === `${name}2`, `the new ${name}`)
  api.drop('secrets', 'default/c')
  await until(() => data.get('default/c') === undefined, 'its end')
  t.same([...new Set(changes)].sort(), ['default/a', 'default/b', 'default/c', 'default/d'])
})
