/** What every store promises; run against each implementation. */
import type { Test } from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { type Change, RevisionGone, RevisionMismatch, type Store } from '../../../../src/control/store/store.ts'

const object = (name: string, value: string) => (revision: number) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'd', resourceVersion: String(revision) },
    data: { value },
  }) as KubeObject

const key = (name: string, bucket = 'configmaps') => ({ bucket, name: `d/${name}` })
const dataOf = (object: KubeObject | undefined) => (object as { data?: { value?: string } } | undefined)?.data?.value

export const storeContract = (t: Test, open: () => Store): void => {
  const put = (store: Store, name: string, value: string, expected = 0) =>
    store.commit({ key: key(name), expected, object: object(name, value) })

  t.test('revisions rise over all buckets', async (t) => {
    const store = open()
    const a = await put(store, 'a', '1')
    const b = await store.commit({ key: key('b', 'secrets'), expected: 0, object: object('b', '2') })
    t.ok(b.revision > a.revision)
    t.equal(store.revision, b.revision)
    t.equal(store.get(key('a'))?.object.metadata.resourceVersion, String(a.revision), 'the object carries its revision')
    store.close()
  })

  t.test('a write with a stale expectation is refused and changes nothing', async (t) => {
    const store = open()
    const first = await put(store, 'a', '1')
    await t.rejects(put(store, 'a', '2'), RevisionMismatch, 'exists already')
    await t.rejects(put(store, 'b', '2', 7), RevisionMismatch, 'does not exist')
    const second = await put(store, 'a', '2', first.revision)
    await t.rejects(put(store, 'a', '3', first.revision), RevisionMismatch, 'someone was faster')
    t.equal(dataOf(store.get(key('a'))?.object), '2')
    t.equal(store.revision, second.revision)
    store.close()
  })

  t.test('of writes in one turn, later ones see earlier ones', async (t) => {
    const store = open()
    const outcomes = await Promise.allSettled([put(store, 'a', '1'), put(store, 'a', '2'), put(store, 'b', '1')])
    t.same(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    store.close()
  })

  t.test('nothing is seen before it is acknowledged', async (t) => {
    const store = open()
    const seen: string[] = []
    store.watch('configmaps', 0, (change) => seen.push(change.key.name))
    const write = put(store, 'a', '1')
    t.equal(store.get(key('a')), undefined)
    t.same(seen, [])
    await write
    t.ok(store.get(key('a')))
    t.same(seen, ['d/a'])
    store.close()
  })

  t.test('lists are sorted, of one bucket, and of one moment', async (t) => {
    const store = open()
    const b = await put(store, 'b', '1')
    const a = await put(store, 'a', '1')
    await put(store, 'b', '2', b.revision)
    await store.commit({ key: key('a'), expected: a.revision, object: object('a', '1'), remove: true })
    await store.commit({ key: key('x', 'secrets'), expected: 0, object: object('x', '1') })
    const names = (revision?: number) =>
      store.list('configmaps', revision).entries.map((entry) => `${entry.key.name}=${dataOf(entry.object)}`)
    t.same(names(), ['d/b=2'])
    t.same(names(a.revision), ['d/a=1', 'd/b=1'], 'as it was')
    t.same(names(b.revision), ['d/b=1'])
    store.close()
  })

  t.test('a watch tells the past from a revision on, then the present, in order', async (t) => {
    const store = open()
    const a = await put(store, 'a', '1')
    const changed = await put(store, 'a', '2', a.revision)
    const changes: Change[] = []
    const stop = store.watch('configmaps', a.revision, (change) => changes.push(change))
    await store.commit({ key: key('a'), expected: changed.revision, object: object('a', '2'), remove: true })
    t.same(
      changes.map(({ removed, previous, object }) => [dataOf(object), removed, dataOf(previous)]),
      [
        ['2', false, '1'],
        ['2', true, '2'],
      ],
    )
    t.ok((changes[1]?.revision ?? 0) > changed.revision, 'a deletion has a revision of its own')
    stop()
    await put(store, 'b', '1')
    t.equal(changes.length, 2, 'stopped')
    store.close()
  })

  t.test('what was forgotten is not made up', async (t) => {
    const store = open()
    let { revision } = await put(store, 'a', '0')
    const first = revision
    for (let n = 1; n <= 100; n++) revision = (await put(store, 'a', String(n), revision)).revision
    t.throws(() => store.watch('configmaps', first, () => undefined), RevisionGone)
    t.throws(() => store.list('configmaps', first), RevisionGone)
    t.doesNotThrow(() => store.watch('configmaps', revision, () => undefined))
    store.close()
  })
}
