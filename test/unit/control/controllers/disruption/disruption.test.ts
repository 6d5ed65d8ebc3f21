/** Budgets over the real API, with the controllers whose pods they guard. */
import t from 'tap'
import { createFakeClock } from '../../../../../src/api/clock.ts'
import { deployments, events, podDisruptionBudgets, pods } from '../../../../../src/api/resources.ts'
import type { PodDisruptionBudgetStatus } from '../../../../../src/api/types/kubernetes/policy-v1.ts'
import { type ControlPlane, startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const labels = { app: 'web' }
const inDefault = (name: string) => ({ name, namespace: 'default' })
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'echo' }] } }

const start = async (t: Parameters<typeof startControlPlane>[0], spec: object): Promise<ControlPlane> => {
  const plane = await startControlPlane(t)
  await plane.addNode('n1')
  const made = await plane.request('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
    body: { metadata: { name: 'b' }, spec: { selector: { matchLabels: labels }, ...spec } },
  })
  t.same([made.code, made.warnings], [201, []])
  return plane
}

const run = ({ client }: ControlPlane, replicas: number) =>
  client.create(deployments, {
    metadata: inDefault('web'),
    spec: { replicas, selector: { matchLabels: labels }, template },
  })

const becomes = async (plane: ControlPlane, wanted: Partial<PodDisruptionBudgetStatus>): Promise<void> => {
  await until(async () => {
    const { status } = await plane.client.get(podDisruptionBudgets, 'b', 'default')
    return Object.entries(wanted).every(([name, value]) =>
      Object.entries(status).some((each) => each[0] === name && each[1] === value),
    )
  }, JSON.stringify(wanted))
}

const evict = (plane: ControlPlane, name: string) =>
  plane.request('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, {
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: inDefault(name) },
  })

t.test('evictions go one by one, as fast as others take their place', async (t) => {
  const plane = await start(t, { maxUnavailable: 1 })
  await run(plane, 3)
  await becomes(plane, { expectedPods: 3, currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1 })
  const before = (await plane.podList('app=web')).map(({ metadata }) => metadata.name)
  const codes = await Promise.all(before.map(async (name) => (await evict(plane, name)).code))
  t.same(codes.sort(), [201, 429, 429], 'of those at once one alone')
  const isGone = async (name: string): Promise<boolean> =>
    !(await plane.podList('app=web')).some(({ metadata }) => metadata.name === name)
  for (const name of before)
    await until(async () => (await isGone(name)) || [201, 404].includes((await evict(plane, name)).code), name)
  await becomes(plane, { currentHealthy: 3, disruptionsAllowed: 1 })
})

t.test('counted by what the controllers want', async (t) => {
  const plane = await start(t, { minAvailable: '50%' })
  await becomes(plane, { observedGeneration: 1, expectedPods: 0, disruptionsAllowed: 0 })
  await run(plane, 4)
  await becomes(plane, { expectedPods: 4, desiredHealthy: 2, currentHealthy: 4, disruptionsAllowed: 2 })
  await plane.client.patch(deployments, { metadata: inDefault('web') }, { spec: { replicas: 2 } })
  await becomes(plane, { expectedPods: 2, desiredHealthy: 1, currentHealthy: 2, disruptionsAllowed: 1 })
})

t.test('pods that nobody scales', async (t) => {
  const plane = await start(t, { maxUnavailable: 1 })
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x', controller: true }]
  await plane.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'x' } } })
  const map = await plane.request('GET', '/api/v1/namespaces/default/configmaps/x')
  const uid = String(map.body['metadata']?.['uid'])
  await plane.client.create(pods, {
    metadata: { ...inDefault('p'), labels, ownerReferences: ownerReferences.map((each) => ({ ...each, uid })) },
    spec: template.spec,
  })
  await until(async () => {
    const { status } = await plane.client.get(podDisruptionBudgets, 'b', 'default')
    return status.conditions?.some(({ reason }) => reason === 'SyncFailed')
  }, 'the condition')
  await until(
    async () =>
      (await plane.client.list(events, { namespace: 'default' })).items.some(
        ({ reason, message }) =>
          reason === 'CalculateExpectedPodCountFailed' &&
          message === 'Failed to calculate the number of expected pods: found no controllers for pod "p"',
      ),
    'the Event',
  )
  await until(async () => (await plane.podList()).some(({ status }) => status?.phase === 'Running'), 'the pod to run')
  t.equal((await evict(plane, 'p')).code, 429)
  await plane.client.patch(podDisruptionBudgets, await plane.client.get(podDisruptionBudgets, 'b', 'default'), {
    spec: { maxUnavailable: null, minAvailable: 0 },
  })
  await becomes(plane, { expectedPods: 1, disruptionsAllowed: 1 })
  t.equal((await evict(plane, 'p')).code, 201)
})

t.test('one that was let go and stays is counted again', async (t) => {
  const clock = createFakeClock(Date.now())
  const plane = await startControlPlane(t, { clock })
  const { client } = plane
  await plane.addNode('n1')
  await client.create(pods, { metadata: { ...inDefault('p'), labels }, spec: template.spec })
  await plane.request('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
    body: { metadata: { name: 'b' }, spec: { selector: { matchLabels: labels }, minAvailable: 0 } },
  })
  const allowed = (count: number) =>
    until(async () => {
      clock.advance(10)
      return (await client.get(podDisruptionBudgets, 'b', 'default')).status.disruptionsAllowed === count
    }, `${count} to go`)
  await allowed(1)
  const disruptedPods = { p: new Date(clock.now()).toISOString().replace(/\.\d+/, '') }
  await client.patch(
    podDisruptionBudgets,
    await client.get(podDisruptionBudgets, 'b', 'default'),
    { status: { disruptedPods } },
    'status',
  )
  await allowed(0)
  clock.advance(120_000)
  await allowed(1)
  t.equal((await client.get(podDisruptionBudgets, 'b', 'default')).status.disruptedPods, undefined)
})
