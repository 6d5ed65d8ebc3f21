import t from 'tap'
import { configMaps, type Resource } from '../../../../src/api/resources.ts'
import type { ConfigMap } from '../../../../src/api/types/index.ts'
import { bucketOfResource, follow } from '../../../../src/control/storage/follow.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'

const object = (name: string, value: string): ConfigMap => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'd' }, data: { value } },
})

t.test('what is there is shown at once, and every change from then on', async (t) => {
  const store = await openStore(createMemoryBackend())
  const put = (name: string, value: string, expected: number) =>
    store.commit({ key: { bucket: 'configmaps', name: `d/${name}` }, expected, object: object(name, value) })
  const first = await put('a', '1', 0)
  await put('b', '1', 0)
  const seen: (readonly [string, string | undefined])[] = []
  follow(store, configMaps, (key, found) => seen.push([key, found?.data?.['value']]))
  t.same(seen.splice(0), [
    ['d/a', '1'],
    ['d/b', '1'],
  ])
  const second = await put('a', '2', first)
  await store.commit({ key: { bucket: 'configmaps', name: 'd/a' }, expected: second })
  await store.commit({ key: { bucket: 'secrets', name: 'd/a' }, expected: 0, object: object('a', '3') })
  t.same(seen, [
    ['d/a', '2'],
    ['d/a', undefined],
  ])
  await store.close()
})

t.test('a bucket is named for the resource and its group', async (t) => {
  const of = (group: string, plural: string): Pick<Resource, 'group' | 'plural'> => ({ group, plural })
  t.equal(bucketOfResource(of('', 'pods')), 'pods')
  t.equal(bucketOfResource(of('apps', 'deployments')), 'deployments.apps')
})
