/** DaemonSets over the real API, with the other controllers and the scheduler. */
import t from 'tap'
import { controllerRevisions, daemonSets, events, nodes, pods } from '../../../../../src/api/resources.ts'
import type { DaemonSet } from '../../../../../src/api/types/kubernetes/apps-v1.ts'
import { type ControlPlane, startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const metadata = { name: 'd', namespace: 'default' }
const path = '/apis/apps/v1/namespaces/default/daemonsets'

const specOf = (value: string, more: object = {}) => ({
  selector: { matchLabels: { app: 'd' } },
  template: {
    metadata: { labels: { app: 'd' } },
    spec: { containers: [{ name: 'main', image: 'echo', env: [{ name: 'V', value }] }] },
  },
  ...more,
})

const start = async (t: Parameters<typeof startControlPlane>[0], more: object = {}): Promise<ControlPlane> => {
  const plane = await startControlPlane(t)
  for (const name of ['n1', 'n2', 'n3']) await plane.addNode(name)
  const { code, warnings } = await plane.request('POST', path, { body: { metadata, spec: specOf('1', more) } })
  t.same([code, warnings], [201, []])
  await until(() => isDone(plane, 3), 'three pods')
  return plane
}

const get = ({ client }: ControlPlane): Promise<DaemonSet> => client.get(daemonSets, 'd', 'default')

const isDone = async (plane: ControlPlane, count: number): Promise<boolean> => {
  const { metadata: own, status } = await get(plane)
  return (
    status.observedGeneration === own.generation &&
    status.desiredNumberScheduled === count &&
    (status.updatedNumberScheduled ?? 0) === count &&
    (status.numberAvailable ?? 0) === count
  )
}

const revisionsOf = async ({ client }: ControlPlane) =>
  (await client.list(controllerRevisions, { namespace: 'default' })).items.map(({ revision }) => revision).sort()

const uidsOf = async (plane: ControlPlane) => (await plane.podList('app=d')).map((pod) => pod.metadata.uid).sort()

t.test('one pod on each node, by the scheduler, and on those that come', async (t) => {
  const plane = await start(t)
  const { client } = plane
  const found = await plane.podList('app=d')
  t.same(found.map(({ spec }) => spec.nodeName).sort(), ['n1', 'n2', 'n3'])
  t.match(found[0], {
    metadata: { generateName: 'd-', labels: { 'pod-template-generation': '1' } },
    status: { conditions: [{ type: 'PodScheduled' }] },
  })
  await plane.addNode('n4')
  await until(() => isDone(plane, 4), 'the fourth')
  await client.patch(nodes, { metadata: { name: 'n4' } }, { spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } })
  await until(() => isDone(plane, 3), 'one less')
  await until(async () => (await plane.podList('app=d')).length === 3, 'its end')
  const [victim] = await plane.podList('app=d')
  if (!victim) throw new Error('no pod')
  await client.delete(pods, victim)
  await until(async () => !(await uidsOf(plane)).includes(victim.metadata.uid) && isDone(plane, 3), 'another')
  await client.patch(daemonSets, { metadata }, { spec: { template: { spec: { nodeSelector: { no: 'node' } } } } })
  await until(async () => (await plane.podList('app=d')).length === 0, 'none')
  await until(async () => {
    const { status } = await get(plane)
    return status.desiredNumberScheduled === 0 && status.numberMisscheduled === 0
  }, 'the status')
})

t.test('a pod that fails is replaced, later each time', async (t) => {
  const plane = await start(t)
  const [victim] = await plane.podList('app=d')
  if (!victim) throw new Error('no pod')
  await plane.client.patch(pods, victim, { status: { phase: 'Failed' } }, 'status')
  await until(async () => !(await uidsOf(plane)).includes(victim.metadata.uid) && isDone(plane, 3), 'another')
  const { items } = await plane.client.list(events, { namespace: 'default' })
  t.match(
    items.find(({ reason }) => reason === 'FailedDaemonPod'),
    { type: 'Warning', message: /^Found failed daemon pod default\/d-\w+ on node n\d, will try to kill it$/ },
  )
})

for (const rollingUpdate of [
  { maxUnavailable: 1, maxSurge: 0 },
  { maxUnavailable: 0, maxSurge: 1 },
])
  t.test(`a rolling update and the way back, with ${JSON.stringify(rollingUpdate)}`, async (t) => {
    const plane = await start(t, { updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
    const { client } = plane
    const [first] = (await client.list(controllerRevisions)).items
    let least = 3
    const stop = new AbortController()
    const watching = (async () => {
      while (!stop.signal.aborted) {
        const ready = (await plane.podList('app=d')).filter(
          ({ metadata, status }) =>
            metadata.deletionTimestamp === undefined && status?.conditions?.some(({ type }) => type === 'Ready'),
        )
        least = Math.min(least, new Set(ready.map(({ spec }) => spec.nodeName)).size)
        await new Promise(setImmediate)
      }
    })()
    await client.patch(daemonSets, { metadata }, { spec: { template: specOf('2').template } })
    await until(() => isDone(plane, 3), 'the update')
    stop.abort()
    await watching
    t.ok(least >= 3 - rollingUpdate.maxUnavailable, `never fewer than ${least}`)
    t.same(await revisionsOf(plane), [1, 2])
    // What kubectl rollout undo does.
    const { code } = await plane.request('PATCH', `${path}/d`, {
      body: first?.data,
      contentType: 'application/strategic-merge-patch+json',
    })
    t.equal(code, 200)
    await until(() => isDone(plane, 3), 'the way back')
    t.same(await revisionsOf(plane), [2, 3], 'the first is the newest again')
    const pod = (await plane.podList('app=d'))[0]
    t.same(pod?.spec.containers[0]?.env, [{ name: 'V', value: '1' }])
    t.equal(pod?.metadata.labels?.['controller-revision-hash'], first?.metadata.labels?.['controller-revision-hash'])
  })

t.test('going back in the middle of an update restarts only what was updated', async (t) => {
  const plane = await start(t)
  const before = await uidsOf(plane)
  // Pods of the new template never become ready: the update stops after the first.
  await plane.client.patch(
    daemonSets,
    { metadata },
    { spec: { template: { metadata: { labels: { broken: 'yes' } } } } },
  )
  await until(async () => (await plane.podList('broken')).length === 1, 'the first')
  await plane.client.patch(daemonSets, { metadata }, { spec: { template: { metadata: { labels: { broken: null } } } } })
  await until(() => isDone(plane, 3), 'the way back')
  await until(async () => (await plane.podList('broken')).length === 0, 'the end of the first')
  t.equal((await uidsOf(plane)).filter((uid) => before.includes(uid)).length, 2)
})

t.test('OnDelete waits, and the history has its limit', async (t) => {
  const plane = await start(t, { updateStrategy: { type: 'OnDelete' }, revisionHistoryLimit: 1 })
  const { client } = plane
  const before = await uidsOf(plane)
  for (const [at, value] of ['2', '3', '4'].entries()) {
    await client.patch(daemonSets, { metadata }, { spec: { template: specOf(value).template } })
    await until(async () => (await revisionsOf(plane)).includes(at + 2), 'the revision')
  }
  await until(async () => (await get(plane)).status.updatedNumberScheduled === undefined, 'the status')
  t.same(await uidsOf(plane), before)
  await until(async () => (await revisionsOf(plane)).join() === '1,3,4', 'the one that pods are of, and one more')
  for (const pod of await plane.podList('app=d')) await client.delete(pods, pod)
  await until(() => isDone(plane, 3), 'new pods')
  await until(async () => (await revisionsOf(plane)).join() === '3,4', 'what is kept')
})
