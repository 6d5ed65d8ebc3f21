import t from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { isAlreadyExists, isConflict, isExpired, isNotFound } from '../../../src/api/errors.ts'
import { createInformer } from '../../../src/api/informer.ts'
import { configMaps, pods } from '../../../src/api/resources.ts'
import type { Pod } from '../../../src/api/types/index.ts'
import { createFakeApi } from '../../support/fake-api.ts'
import { until } from '../../support/until.ts'

const podDraft = (name: string, nodeName = 'a') => ({
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: { containers: [{ name: 'main' }], nodeName },
})

const rejected = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

t.test('create, get, list, update, patch, delete', async (t) => {
  const client = createClient(createFakeApi())
  const first = await client.create(configMaps, { metadata: { name: 'one', namespace: 'x' }, data: { a: '1' } })
  t.match(first, { kind: 'ConfigMap', metadata: { uid: /-/, resourceVersion: '1', creationTimestamp: /Z$/ } })
  t.ok(isAlreadyExists(await rejected(client.create(configMaps, first))))
  const second = await client.update(configMaps, { ...first, data: { a: '2' } })
  t.same(second.data, { a: '2' })
  t.ok(isConflict(await rejected(client.update(configMaps, { ...first, data: {} }))), 'a stale version is refused')
  const third = await client.patch(configMaps, first, { data: { a: null, b: '3' } })
  t.same(third.data, { b: '3' })
  t.equal((await client.list(configMaps, { namespace: 'other' })).items.length, 0)
  t.equal((await client.list(configMaps)).items.length, 1)
  await client.delete(configMaps, first)
  t.ok(isNotFound(await rejected(client.get(configMaps, 'one', 'x'))))
})

t.test('status is a resource of its own', async (t) => {
  const client = createClient(createFakeApi())
  const pod = await client.create(pods, podDraft('web'))
  const changed = await client.updateStatus(pods, { ...pod, spec: { containers: [] }, status: { phase: 'Running' } })
  t.equal(changed.spec.containers.length, 1, 'a status update leaves the spec')
  const relabelled = await client.update(pods, {
    ...changed,
    metadata: { ...changed.metadata, labels: {} },
    status: {},
  })
  t.same([relabelled.metadata.labels, relabelled.status], [{}, { phase: 'Running' }])
})

t.test('a pod on a node lingers until it is deleted without grace', async (t) => {
  const client = createClient(createFakeApi())
  const pod = await client.create(pods, podDraft('web'))
  await client.delete(pods, pod)
  const dying = await client.get(pods, 'web', 'default')
  t.match(dying.metadata, { deletionTimestamp: /Z$/, deletionGracePeriodSeconds: 30 })
  t.ok(isConflict(await rejected(client.delete(pods, pod, { preconditions: { uid: 'other' } }))))
  await client.delete(pods, pod, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid ?? '' } })
  t.ok(isNotFound(await rejected(client.get(pods, 'web', 'default'))))
})

t.test('an informer follows, by selector, over broken watches and lost history', async (t) => {
  const api = createFakeApi()
  const client = createClient(api)
  const stop = new AbortController()
  const informer = createInformer<Pod>(client, pods, { fieldSelector: 'spec.nodeName=a' })
  const running = informer.run(stop.signal)
  await client.create(pods, podDraft('here'))
  await client.create(pods, podDraft('there', 'b'))
  await informer.synced
  await until(() => informer.size === 1, 'the pod of this node')
  api.endWatches()
  await client.create(pods, podDraft('later'))
  await until(() => informer.get('default/later') !== undefined, 'a pod made while the watch was away')
  api.drop('pods', 'default/here')
  api.compact()
  api.endWatches()
  await until(() => informer.size === 1, 'the list after a 410')
  t.same(
    [...informer.entries()].map(([key]) => key),
    ['default/later'],
  )
  stop.abort()
  await running
})

t.test('old versions are gone after compact, and any request can be made to fail', async (t) => {
  const api = createFakeApi()
  const client = createClient(api)
  await client.create(configMaps, { metadata: { name: 'one', namespace: 'x' } })
  api.compact()
  await client.create(configMaps, { metadata: { name: 'two', namespace: 'x' } })
  const read = async () => {
    for await (const event of client.watch(configMaps, { resourceVersion: '0' }, new AbortController().signal))
      return event
    return undefined
  }
  t.ok(isExpired(await rejected(read())))
  api.interfere(() => {
    throw new Error('the cable is cut')
  })
  t.match(await rejected(client.list(configMaps)), { message: 'the cable is cut' })
  api.interfere(undefined)
  t.equal((await client.list(configMaps)).items.length, 2)
})
