/** What can be done with which kind, and what may not be deleted. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ApiError } from '../../src/api/errors.ts'
import { servedDefinitions } from '../../src/control/registry/registry.ts'
import { apiVersionOf } from '../../src/control/resources/definition.ts'
import { callOf, createTestApi, type Json, type TestApi } from '../support/api-server.ts'

const everything = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

type Told = readonly [namespaced: boolean, kind: string, shortNames: string, verbs: readonly string[]]

/** What a Kubernetes 1.20 API server tells of its kinds. */
const real = JSON.parse(readFileSync(new URL('./data/discovery-1.20.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Told>
>

/** In a version that is newer than that server, a kind is what it is in the others of its group. */
const toldElsewhere = (id: string): Told | undefined => {
  const [version = '', name = ''] = id.split(' ')
  const group = version.replace(/\/.*$/, '/')
  return Object.entries(real).find(([each]) => each.startsWith(group) && each.endsWith(` ${name}`))?.[1]
}

/** What later versions of Kubernetes tell. */
const newer: Readonly<Record<string, Told>> = {
  'v1 pods/ephemeralcontainers': [true, 'Pod', '', ['get', 'patch', 'update']],
  'v1 services': [true, 'Service', 'svc', everything],
  // As metrics-server does.
  'metrics.k8s.io/v1beta1 nodes': [false, 'NodeMetrics', '', ['get', 'list']],
  'metrics.k8s.io/v1beta1 pods': [true, 'PodMetrics', '', ['get', 'list']],
}
const newerGroups = /servicecidrs|ipaddresses|csistoragecapacities|selfsubjectreviews|validatingadmissionpolic/

t.test('discovery tells of each kind what a real server tells', async (t) => {
  const api = await createTestApi()
  const versions = new Set(servedDefinitions.map(apiVersionOf))
  for (const version of versions) {
    const { body } = await api.request('GET', version.includes('/') ? `/apis/${version}` : `/api/${version}`)
    for (const entry of body['resources'] as unknown as Json[]) {
      const id = `${version} ${entry['name']}`
      if (newerGroups.test(id)) continue
      const told = [
        entry['namespaced'],
        entry['kind'],
        ((entry['shortNames'] ?? []) as unknown as string[]).join(' '),
        [...(entry['verbs'] as unknown as string[])].sort(),
      ]
      t.strictSame(told, newer[id] ?? real[id] ?? toldElsewhere(id), id)
    }
  }
})

const methodsOf = async (api: TestApi, method: 'DELETE' | 'POST' | 'PUT' | 'PATCH', path: string): Promise<string> => {
  try {
    await api.handle(callOf(method, path, { body: {} }, new AbortController().signal))
    return 'was done'
  } catch (error) {
    return error instanceof ApiError && error.code === 405 ? (error.headers['allow'] ?? '') : String(error)
  }
}

t.test('a method that a place does not have is a 405 that names those it has', async (t) => {
  const api = await createTestApi()
  const cases: [method: 'DELETE' | 'POST' | 'PUT' | 'PATCH', path: string, allowed: string][] = [
    ['DELETE', '/api/v1/namespaces', 'POST, GET'],
    ['DELETE', '/api/v1/pods', 'GET'],
    ['DELETE', '/apis/apps/v1/deployments', 'GET'],
    ['POST', '/api/v1/configmaps', 'GET'],
    ['PUT', '/api/v1/namespaces/default/pods', 'POST, DELETE, GET'],
    ['PATCH', '/api/v1/nodes', 'POST, DELETE, GET'],
    ['POST', '/api/v1/namespaces/default/pods/p', 'DELETE, GET, PATCH, PUT'],
    ['POST', '/api/v1/namespaces/default/pods/p/status', 'GET, PATCH, PUT'],
    ['DELETE', '/api/v1/namespaces/default/status', 'GET, PATCH, PUT'],
    ['PUT', '/api/v1/namespaces/default/pods/p/log', 'GET'],
    ['PATCH', '/api/v1/namespaces/default/finalize', 'PUT'],
    ['DELETE', '/apis/apps/v1/namespaces/default/deployments/d/scale', 'GET, PATCH, PUT'],
  ]
  for (const [method, path, allowed] of cases) t.equal(await methodsOf(api, method, path), allowed, `${method} ${path}`)
  const { code } = await api.request('DELETE', '/api/v1/nodes')
  t.equal(code, 200, 'nodes have no namespace: their collection is one')
})

const configMaps = '/api/v1/namespaces/default/configmaps'

t.test('namespaces that every cluster has are not deleted', async (t) => {
  const api = await createTestApi()
  for (const name of ['kube-system', 'kube-public', 'mine'])
    await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name } } })
  for (const name of ['default', 'kube-system', 'kube-public']) {
    const { code, body } = await api.request('DELETE', `/api/v1/namespaces/${name}`)
    t.strictSame(
      [code, body['reason'], body['message']],
      [403, 'Forbidden', `namespaces "${name}" is forbidden: this namespace may not be deleted`],
    )
    t.equal((await api.request('DELETE', `/api/v1/namespaces/${name}?dryRun=All`)).code, 403, 'nor is it tried')
  }
  t.equal((await api.request('DELETE', '/api/v1/namespaces/mine')).code, 200)
})

t.test('a collection is deleted in pages, as it is listed', async (t) => {
  const api = await createTestApi()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await api.request('POST', configMaps, { body: { metadata: { name } } })
  const names = async () =>
    ((await api.request('GET', configMaps)).body['items'] as unknown as Json[]).map(
      (item) => item['metadata']?.['name'],
    )
  const first = await api.request('DELETE', `${configMaps}?limit=2`)
  t.strictSame(await names(), ['c', 'd', 'e'])
  const metadata = first.body['metadata']
  t.equal(metadata?.['remainingItemCount'], 3)
  await api.request('DELETE', `${configMaps}?limit=2&continue=${metadata?.['continue']}`)
  t.strictSame(await names(), ['e'])
  await api.request('DELETE', `${configMaps}?fieldSelector=metadata.name!=e&labelSelector=a=b`)
  t.strictSame(await names(), ['e'], 'selectors that match nothing')
  await api.request('DELETE', `${configMaps}?dryRun=All`)
  t.strictSame(await names(), ['e'], 'a dry run')
  const uid = await api.request('DELETE', configMaps, { body: { preconditions: { uid: 'another' } } })
  t.equal(uid.code, 409, 'preconditions hold for each')
  t.strictSame(await names(), ['e'])
})

t.test('options of a deletion are held to', async (t) => {
  const api = await createTestApi()
  await api.request('POST', configMaps, { body: { metadata: { name: 'c' } } })
  const remove = (query: string, body?: object) =>
    api.request('DELETE', `${configMaps}/c${query}`, body === undefined ? {} : { body })
  const both = 'orphanDependents and deletionPropagation cannot be both set'
  const unknown =
    'propagationPolicy: Unsupported value: "Bogus": supported values: "Foreground", "Background", "Orphan"'
  const cases: [name: string, query: string, body: object | undefined, code: number, message: string][] = [
    ['an unknown policy', '', { propagationPolicy: 'Bogus' }, 422, unknown],
    ['the same in the query', '?propagationPolicy=Bogus', undefined, 422, unknown],
    ['a name of the language', '', { propagationPolicy: '__proto__' }, 422, 'propagationPolicy: Unsupported value'],
    ['a policy and its old form', '', { propagationPolicy: 'Foreground', orphanDependents: true }, 422, both],
    ['both in the query', '?propagationPolicy=Orphan&orphanDependents=false', undefined, 422, both],
    ['an unknown dry run', '', { dryRun: ['Some'] }, 422, 'dryRun: Unsupported value: []string{"Some"}'],
    ['a dry run of the query', '?dryRun=Some', {}, 422, 'dryRun: Unsupported value: []string{"Some"}'],
    ['a grace that is no number', '?gracePeriodSeconds=soon', undefined, 400, 'parsing "soon": invalid syntax'],
    ['a grace of another type', '', { gracePeriodSeconds: 'soon' }, 400, 'gracePeriodSeconds'],
    ['another kind', '', { kind: 'ConfigMap', apiVersion: 'v1' }, 400, 'cannot be handled as a DeleteOptions'],
    ['no object at all', '', ['x'], 400, 'cannot be handled as a DeleteOptions'],
    ['another uid', '', { preconditions: { uid: 'x' } }, 409, 'the UID in the precondition (x)'],
    [
      'another version',
      '',
      { preconditions: { resourceVersion: '1' } },
      409,
      'the ResourceVersion in the precondition',
    ],
  ]
  for (const [name, query, options, code, message] of cases) {
    const { code: told, body } = await remove(query, options)
    t.equal(told, code, name)
    t.ok(String(body['message']).includes(message), `${name}: ${body['message']}`)
  }
  t.equal((await api.request('GET', `${configMaps}/c`)).code, 200, 'it is still there')

  t.equal((await remove('?dryRun=All', {})).code, 200)
  t.equal((await api.request('GET', `${configMaps}/c`)).code, 200, 'a dry run of the query holds with a body, too')
  t.match(
    (await remove('?orphanDependents=true')).body['metadata']?.['finalizers'],
    ['orphan'],
    'the old form of the query',
  )
})

t.test('less grace than none is one second', async (t) => {
  const api = await createTestApi()
  const pods = '/api/v1/namespaces/default/pods'
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] }
  await api.request('POST', pods, { body: { metadata: { name: 'p' }, spec } })
  const { body } = await api.request('DELETE', `${pods}/p`, { body: { gracePeriodSeconds: -5 } })
  t.equal(body['metadata']?.['deletionGracePeriodSeconds'], 1)
})
