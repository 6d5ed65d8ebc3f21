/** The store's changes, as seen through a selection. */
import t from 'tap'
import { selectionOf } from '../../../../src/control/objects/selection.ts'
import { watchObjects } from '../../../../src/control/objects/watch.ts'
import { bucketOf } from '../../../../src/control/resources/definition.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { widget, widgets } from '../../../support/test-kind.ts'

const row = widgets()
const key = { bucket: bucketOf(row), name: 'team/a' }
const object = (app: string) => widget('a', { namespace: 'team', labels: { app } })

t.test('what starts to match is added, what stops is deleted', async (t) => {
  const store = await openStore(createMemoryBackend())
  const seen: string[] = []
  const watch = (revision: number) =>
    watchObjects(store, row, selectionOf(row, 'team', 'app=web', ''), revision, {
      event: (type, { metadata }) => seen.push(`${type} ${metadata.labels?.['app']} ${metadata.resourceVersion}`),
      failed: (error) => seen.push(String(error)),
    })
  const stop = watch(0)
  const revisions: number[] = []
  const write = async (app: string | undefined) =>
    revisions.push(
      await store.commit({
        key,
        expected: revisions.at(-1) ?? 0,
        ...(app === undefined ? {} : { object: object(app) }),
      }),
    )
  await write('db')
  t.same(seen, [], 'what does not match is not told of')
  await write('web')
  await write('web')
  await write('db')
  await write('db')
  const [, added, modified, left] = revisions
  const all = [`ADDED web ${added}`, `MODIFIED web ${modified}`, `DELETED web ${left}`]
  t.same(seen, all, 'as it last matched, at the revision of the change')
  await write(undefined)
  t.same(seen, all)
  stop()
  const afterwards = await store.commit({ key, expected: 0, object: object('web') })
  t.same(seen, all, 'nothing after its end')
  seen.length = 0
  watch(added ?? 0)()
  t.same(seen, [`MODIFIED web ${modified}`, `DELETED web ${left}`, `ADDED web ${afterwards}`], 'and the past ones')
})

t.test('a deletion carries the last state', async (t) => {
  const store = await openStore(createMemoryBackend())
  const seen: string[] = []
  const first = await store.commit({ key, expected: 0, object: object('web') })
  watchObjects(store, row, selectionOf(row, undefined, '', ''), first, {
    event: (type, { metadata }) => seen.push(`${type} ${metadata.labels?.['app']} ${metadata.resourceVersion}`),
    failed: () => undefined,
  })
  const end = await store.commit({ key, expected: first })
  t.same(seen, [`DELETED web ${end}`])
})

t.test('one that cannot be told is told of', async (t) => {
  const store = await openStore(createMemoryBackend())
  const failures: unknown[] = []
  watchObjects(store, row, selectionOf(row, undefined, '', ''), 0, {
    event: () => {
      throw new Error('gone')
    },
    failed: (error) => failures.push(error),
  })
  await store.commit({ key, expected: 0, object: object('web') })
  t.match(failures, [{ message: 'gone' }])
})

t.test('a past that is forgotten', async (t) => {
  const store = await openStore(createMemoryBackend(), { history: { changes: 1, milliseconds: 3_600_000 } })
  let revision = 0
  for (let n = 0; n < 5; n++) revision = await store.commit({ key, expected: revision, object: object(`${n}`) })
  const listener = { event: () => undefined, failed: () => undefined }
  t.throws(() => watchObjects(store, row, selectionOf(row, undefined, '', ''), 1, listener), {
    ...{ code: 410, reason: 'Expired', message: /^too old resource version: 1 / },
  })
  const broken = new Error('broken')
  const failing = {
    ...store,
    watch: () => {
      throw broken
    },
  }
  t.throws(() => watchObjects(failing, row, selectionOf(row, undefined, '', ''), 1, listener), broken)
})
