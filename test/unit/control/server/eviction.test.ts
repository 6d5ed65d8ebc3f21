/** Evictions: deletions of pods that a PodDisruptionBudget may refuse. */
import t from 'tap'
import { nodesGroup } from '../../../../src/api/users.ts'
import { createTestApi, type Json } from '../../../support/api-server.ts'

const pods = '/api/v1/namespaces/default/pods'
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'

const start = async (phase = 'Running', ready = 'True') => {
  const api = await createTestApi()
  const makePod = async (name: string, labels: object = { app: 'web' }) => {
    const spec = { nodeName: 'n1', terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'i' }] }
    await api.request('POST', pods, { body: { metadata: { name, labels }, spec } })
    const status = { phase, conditions: [{ type: 'Ready', status: ready }] }
    const contentType = 'application/merge-patch+json'
    await api.request('PATCH', `${pods}/${name}/status`, { body: { status }, contentType })
  }
  const makeBudget = async (status: object, spec: object = {}, name = 'web') => {
    await api.request('POST', budgets, {
      body: { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } }, ...spec } },
    })
    const contentType = 'application/merge-patch+json'
    const counted = { currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1, ...status }
    return api.request('PATCH', `${budgets}/${name}/status`, { body: { status: counted }, contentType })
  }
  const evict = (name: string, more: object = {}, options: object = {}) =>
    api.request('POST', `${pods}/${name}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' }, ...more },
      ...options,
    })
  const isThere = async (name: string) => (await api.request('GET', `${pods}/${name}`)).code === 200
  const budget = async (name = 'web') => (await api.request('GET', `${budgets}/${name}`)).body['status']
  return { ...api, makePod, makeBudget, evict, isThere, budget }
}

const now = { deleteOptions: { gracePeriodSeconds: 0 } }

t.test('an eviction is a deletion with the options that it brings along', async (t) => {
  const { makePod, evict, isThere, request } = await start()
  await makePod('a')
  t.match(await evict('a'), { code: 201, body: { kind: 'Status', status: 'Success' } })
  const { body } = await request('GET', `${pods}/a`)
  t.equal(body['metadata']?.['deletionGracePeriodSeconds'], 30, 'the grace of the pod')
  t.equal((await evict('a', now)).code, 201)
  t.notOk(await isThere('a'))

  await makePod('b')
  t.equal((await evict('b', { apiVersion: 'policy/v1beta1', ...now })).code, 201, 'as older clients say it')
  t.notOk(await isThere('b'))

  await makePod('c')
  t.equal((await evict('c', { deleteOptions: { ...now.deleteOptions, dryRun: ['All'] } })).code, 201)
  t.ok(await isThere('c'), 'a dry run')
  const uid = { deleteOptions: { preconditions: { uid: 'another' } } }
  t.match(await evict('c', uid), { code: 409, body: { reason: 'Conflict' } })
  t.match(await evict('c', { deleteOptions: { propagationPolicy: 'Sideways' } }), { code: 422 })
  t.match(await evict('c', { metadata: { name: 'd' } }), {
    ...{ code: 400, body: { message: 'name in URL does not match name in Eviction object' } },
  })
  t.match(await evict('c', { kind: 'Deletion' }), { code: 400 })
  t.match(await evict('nobody'), { code: 404, body: { message: 'pods "nobody" not found' } })
  t.ok(await isThere('c'))
})

t.test('a budget lets go as many as it allows', async (t) => {
  const { makePod, makeBudget, evict, isThere, budget } = await start()
  for (const name of ['a', 'b']) await makePod(name)
  await makePod('other', { app: 'other' })
  await makeBudget({ disruptionsAllowed: 1 })
  t.equal((await evict('a', { ...now, deleteOptions: { dryRun: ['All'] } })).code, 201)
  t.match(await budget(), { disruptionsAllowed: 1 }, 'a dry run takes nothing')
  t.equal((await evict('a', now)).code, 201)
  t.match(await budget(), { disruptionsAllowed: 0, disruptedPods: { a: /^\d{4}-/ } })
  const { code, body } = await evict('b', now)
  t.match(
    [code, body['message'], body['reason'], body['details']],
    [
      429,
      "Cannot evict pod as it would violate the pod's disruption budget.",
      'TooManyRequests',
      {
        causes: [{ reason: 'DisruptionBudget', message: /^The disruption budget web needs 1 healthy pods and has 2/ }],
      },
    ],
  )
  t.ok(await isThere('b'))
  t.equal((await evict('other', now)).code, 201, 'what it does not select')
})

t.test('a budget that changed is counted first', async (t) => {
  const { makePod, makeBudget, evict, request } = await start()
  await makePod('a')
  await makeBudget({ disruptionsAllowed: 1 })
  const contentType = 'application/merge-patch+json'
  await request('PATCH', `${budgets}/web`, { body: { spec: { minAvailable: 2 } }, contentType })
  const { code, body } = await evict('a', now)
  t.match([code, body['details']], [429, { retryAfterSeconds: 10, causes: [{ message: /still being processed/ }] }])
})

t.test('a budget that has not been counted for yet lets nobody go', async (t) => {
  const { makePod, evict, request } = await start()
  await makePod('a')
  const body = { metadata: { name: 'web' }, spec: { minAvailable: 1, selector: {} } }
  t.match((await request('POST', budgets, { body })).code, 201)
  const refusal = await evict('a', now)
  t.match([refusal.code, refusal.body['details']], [429, { causes: [{ message: /still being processed/ }] }])
})

t.test('two budgets for one pod', async (t) => {
  const { makePod, makeBudget, evict } = await start()
  await makePod('a')
  for (const name of ['web', 'more']) await makeBudget({ disruptionsAllowed: 1 }, {}, name)
  t.match(await evict('a', now), { code: 500, body: { message: /more than one PodDisruptionBudget/ } })
})

t.test('pods that serve nobody', async (t) => {
  for (const phase of ['Pending', 'Succeeded', 'Failed']) {
    const { makePod, makeBudget, evict } = await start(phase)
    await makePod('a')
    await makeBudget({ disruptionsAllowed: 0 })
    t.equal((await evict('a', now)).code, 201, phase)
  }
  const notReady = async (status: object, spec: object = {}) => {
    const { makePod, makeBudget, evict } = await start('Running', 'False')
    await makePod('a')
    await makeBudget({ disruptionsAllowed: 0, ...status }, spec)
    return (await evict('a', now)).code
  }
  t.equal(await notReady({}), 201, 'not ready, and the others suffice')
  t.equal(await notReady({ currentHealthy: 0 }), 429, 'not ready, and the others do not')
  t.equal(await notReady({ currentHealthy: 0 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }), 201)
})

t.test('a node evicts its own pods alone', async (t) => {
  const { makePod, evict, isThere } = await start()
  for (const name of ['a', 'b']) await makePod(name)
  const node = (name: string) => ({ user: { name: `system:node:${name}`, groups: [nodesGroup] } })
  const other = await evict('a', now, node('n2'))
  t.match([other.code, other.body['message']], [403, /node "n2"/])
  t.ok(await isThere('a'))
  t.equal((await evict('a', now, node('n1'))).code, 201)
})

t.test('discovery tells of it: drain asks there', async (t) => {
  const { request } = await start()
  const resources = (await request('GET', '/api/v1')).body['resources'] as unknown as Json[]
  t.match(
    resources.find((each) => String(each['name']) === 'pods/eviction'),
    { kind: 'Eviction', group: 'policy', version: 'v1', namespaced: true, verbs: ['create'] },
  )
})
