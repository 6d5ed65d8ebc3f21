/** ReplicaSets and ReplicationControllers alike, over the real API and all controllers. */
import t, { type Test } from 'tap'
import { isReady } from '../../../../../src/api/pods.ts'
import { pods } from '../../../../../src/api/resources.ts'
import type { Pod } from '../../../../../src/api/types/index.ts'
import { startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

t.setTimeout(120_000)

const labels = { app: 'web', tier: 'front' }
const spec = { containers: [{ name: 'main', image: 'echo' }] }
const inDefault = (name: string) => ({ name, namespace: 'default' })

const kinds = [
  {
    name: 'ReplicaSet',
    path: '/apis/apps/v1/namespaces/default/replicasets',
    // All that sets can say.
    selector: {
      matchLabels: { tier: 'front' },
      matchExpressions: [
        { key: 'app', operator: 'In', values: ['web', 'other'] },
        { key: 'app', operator: 'NotIn', values: ['other'] },
        { key: 'tier', operator: 'Exists' },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    },
    orphansByDefault: false,
  },
  {
    name: 'ReplicationController',
    path: '/api/v1/namespaces/default/replicationcontrollers',
    selector: labels,
    orphansByDefault: true,
  },
] as const

const start = async (t: Test, { path, selector, name: kind }: (typeof kinds)[number]) => {
  const plane = await startControlPlane(t)
  await plane.addNode('n1')
  const { client } = plane
  const all = async (): Promise<readonly Pod[]> =>
    (await plane.podList('tier=front')).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const owned = async (): Promise<readonly Pod[]> =>
    (await all()).filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ controller, kind: of, name }) => controller && of === kind && name === 'web'),
    )
  return {
    ...{ ...plane, all, owned },
    make: async (replicas: number): Promise<void> => {
      const body = { metadata: { name: 'web' }, spec: { replicas, selector, template: { metadata: { labels }, spec } } }
      t.equal((await plane.request('POST', path, { body })).code, 201)
    },
    pod: (name: string, metadata: object = {}): Promise<Pod> =>
      client.create(pods, { metadata: { ...inDefault(name), labels, ...metadata }, spec }),
    scale: (replicas: number) =>
      plane.request('PATCH', `${path}/web`, {
        contentType: 'application/merge-patch+json',
        body: { spec: { replicas } },
      }),
    ready: async (): Promise<number> => (await owned()).filter(isReady).length,
  }
}

const names = (found: readonly Pod[]): readonly string[] => found.map(({ metadata }) => metadata.name).sort()

for (const kind of kinds)
  t.test(kind.name, async (t) => {
    t.test('adopts and lets go by labels', async (t) => {
      const { client, make, pod, all, owned, ready } = await start(t, kind)
      await pod('free')
      const foreign = { apiVersion: 'v1', kind: 'Other', name: 'o', uid: 'u-other', controller: true }
      await pod('foreign', { ownerReferences: [foreign], finalizers: ['test/kept'] })
      await pod('unlike', { labels: { tier: 'front' } })
      await make(2)
      await until(async () => (await owned()).length === 2, 'two pods')
      t.ok(names(await owned()).includes('free'), 'a pod that fits is not made anew')
      t.notOk(names(await owned()).includes('foreign'))
      t.notOk(names(await owned()).includes('unlike'))
      await until(async () => (await ready()) === 2, 'both to be ready')
      await client.patch(pods, { metadata: inDefault('free') }, { metadata: { labels: { app: 'debug' } } })
      await until(async () => {
        const found = await owned()
        return found.length === 2 && !names(found).includes('free')
      }, 'another in its place')
      const { metadata } = await client.get(pods, 'free', 'default')
      t.same(
        [metadata.deletionTimestamp, metadata.ownerReferences ?? []],
        [undefined, []],
        'it is let go of, and stays',
      )
      await client.patch(pods, { metadata: inDefault('free') }, { metadata: { labels: { app: 'web' } } })
      // Beside those that are not its own.
      await until(async () => (await all()).length === 4, 'one of three to go')
    })

    t.test('deletes first what costs least', async (t) => {
      const { client, make, owned, scale, ready } = await start(t, kind)
      await make(4)
      await until(async () => (await ready()) === 4, 'four pods')
      const [a = '', b = '', c = '', d = ''] = names(await owned())
      const cost = (name: string, value: string) =>
        client.patch(
          pods,
          { metadata: inDefault(name) },
          { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': value } } },
        )
      await Promise.all([cost(a, '10'), cost(b, '-5'), cost(c, '7'), cost(d, '-1')])
      await scale(2)
      await until(async () => (await owned()).length === 2, 'two to go')
      t.same(names(await owned()), [a, c].sort())
    })

    t.test('what becomes of its pods', async (t) => {
      const { make, all, owned, request, ready } = await start(t, kind)
      await make(2)
      await until(async () => (await ready()) === 2, 'two pods')
      const before = names(await all())
      await request('DELETE', `${kind.path}/web`, {
        body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Orphan' },
      })
      await until(async () => (await request('GET', `${kind.path}/web`)).code === 404, 'its end')
      t.same(names(await all()), before, 'they stay when they are to')
      await make(2)
      await until(async () => (await owned()).length === 2 && (await ready()) === 2, 'the next to adopt them')
      t.same(names(await all()), before)
      await request('DELETE', `${kind.path}/web`)
      await until(async () => (await request('GET', `${kind.path}/web`)).code === 404, 'its end')
      if (kind.orphansByDefault) {
        t.same(names(await all()), before, 'they stay when nothing is said')
        t.same(await owned(), [])
      } else await until(async () => (await all()).length === 0, 'they go when nothing is said')
    })
  })
