/** Lists, whole or in chunks. */
import t from 'tap'
import { listObjects } from '../../../../src/control/objects/list.ts'
import { selectionOf } from '../../../../src/control/objects/selection.ts'
import { bucketOf } from '../../../../src/control/resources/definition.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { widget, widgets } from '../../../support/test-kind.ts'

const row = widgets()
const open = async (history?: number) => {
  const store = await openStore(
    createMemoryBackend(),
    history === undefined ? {} : { history: { changes: history, milliseconds: 3_600_000 } },
  )
  const put = (name: string, labels: Readonly<Record<string, string>> = {}, expected = 0) =>
    store.commit({
      key: { bucket: bucketOf(row), name: `team/${name}` },
      expected,
      object: widget(name, { namespace: 'team', labels }),
    })
  const list = (paging: Partial<Parameters<typeof listObjects>[3]> = {}, labels = '') => {
    const page = listObjects(store, row, selectionOf(row, 'team', labels, ''), { limit: 0, continue: '', ...paging })
    return { ...page, names: page.items.map(({ metadata }) => metadata.name) }
  }
  return { store, put, list }
}

t.test('all, by name', async (t) => {
  const { put, list, store } = await open()
  t.match(list(), { names: [], continue: '', remaining: 0, revision: store.revision })
  for (const name of ['c', 'a', 'b']) await put(name)
  t.match(list(), { names: ['a', 'b', 'c'], continue: '', remaining: 0, revision: store.revision })
  t.match(list({ limit: 3 }), { names: ['a', 'b', 'c'], continue: '', remaining: 0 }, 'a chunk that is all of it')
})

t.test('chunks show one moment, and what is selected', async (t) => {
  const { put, list, store } = await open()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await put(name, { app: name === 'b' ? 'db' : 'web' })
  const then = store.revision
  const first = list({ limit: 2 }, 'app=web')
  t.match(first, { names: ['a', 'c'], remaining: 2, revision: then })
  await put('aa', { app: 'web' })
  await put('dd', { app: 'web' })
  const second = list({ limit: 1, continue: first.continue }, 'app=web')
  t.match(second, { names: ['d'], remaining: 1, revision: then })
  const third = list({ limit: 1, continue: second.continue }, 'app=web')
  t.match(third, { names: ['e'], remaining: 0, revision: then, continue: '' })
  t.match(list({ revision: then }, 'app=web').names, ['a', 'c', 'd', 'e'], 'as of a revision')
})

t.test('a key that cannot be read, and a past that is forgotten', async (t) => {
  const { put, list } = await open(1)
  const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const key of ['x', text(7), text({ revision: 1 }), text({ revision: '1', after: 'a' }), text({ after: 'a' })])
    t.throws(() => list({ continue: key }), {
      code: 400,
      message: /^invalid continue token: continue key is not valid: /,
    })
  for (const name of ['a', 'b', 'c']) await put(name)
  const { continue: key } = list({ limit: 1 })
  for (const name of ['d', 'e', 'f', 'g']) await put(name)
  t.throws(() => list({ continue: key }), { code: 410, reason: 'Expired', message: /continue parameter is too old/ })
  t.throws(() => list({ revision: 1 }), { code: 410, reason: 'Expired', message: /^too old resource version: 1 / })
})
