import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { createMemoryJournal, type Journal, resumeAt } from '../../../../src/control/store/journal.ts'
import { createStore } from '../../../../src/control/store/journaled-store.ts'
import { openSqliteJournal } from '../../../../src/control/store/sqlite-journal.ts'
import { RevisionGone } from '../../../../src/control/store/store.ts'
import { storeContract } from './store-contract.ts'

const history = 20
const folder = mkdtempSync(join(tmpdir(), 'podway-store-'))
t.teardown(() => rmSync(folder, { recursive: true }))

let files = 0
const newFile = () => join(folder, `${files++}.db`)

const object = (value: string) => (revision: number) =>
  ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'a', resourceVersion: String(revision) }, value }) as KubeObject
const key = { bucket: 'x', name: 'a' }

t.test('in memory', async (t) => storeContract(t, () => createStore(createMemoryJournal(), history)))
t.test('in SQLite', async (t) => storeContract(t, () => createStore(openSqliteJournal(newFile()), history)))

t.test('what was acknowledged is there after reopening, under rising revisions', async (t) => {
  const file = newFile()
  const before = createStore(openSqliteJournal(file))
  const first = await before.commit({ key, expected: 0, object: object('1') })
  const gone = await before.commit({ key: { bucket: 'x', name: 'b' }, expected: 0, object: object('2') })
  await before.commit({ key: gone.key, expected: gone.revision, object: object('2'), remove: true })
  const { revision } = before
  before.close()

  const after = createStore(openSqliteJournal(file))
  t.equal(after.revision, revision)
  t.same(
    after.list('x').entries.map((entry) => entry.key.name),
    ['a'],
  )
  t.equal(after.get(key)?.revision, first.revision)
  t.ok((await after.commit({ key, expected: first.revision, object: object('3') })).revision > revision)
  after.close()
})

t.test('a store that was restored from a copy repeats no revision of the life it forgot', async (t) => {
  const file = newFile()
  const live = createStore(resumeAt(openSqliteJournal(file), 1_000))
  t.equal(live.revision, 1_000)
  const first = await live.commit({ key, expected: 0, object: object('1') })
  live.close()
  const copy = newFile()
  copyFileSync(file, copy)

  const later = createStore(resumeAt(openSqliteJournal(file), 2_000))
  const lost = await later.commit({ key, expected: first.revision, object: object('2') })
  later.close()

  const restored = createStore(resumeAt(openSqliteJournal(copy), 3_000))
  t.equal(restored.get(key)?.revision, first.revision)
  t.ok(restored.revision > lost.revision, 'it begins behind what it has forgotten')
  t.throws(() => restored.watch('x', lost.revision, () => undefined), RevisionGone, 'clients of before list anew')
  const next = await restored.commit({ key, expected: first.revision, object: object('3') })
  restored.close()
  const again = createStore(resumeAt(openSqliteJournal(copy), 1_000))
  t.ok(again.revision > next.revision, 'also when the clock was set back')
  again.close()
})

const failing = (journal: Journal, fails: () => boolean): Journal => ({
  ...journal,
  write: (rows) => {
    if (fails()) throw new Error('disk full')
    journal.write(rows)
  },
})

t.test('a write that the medium refuses never happened', async (t) => {
  let broken = false
  const store = createStore(failing(createMemoryJournal(), () => broken))
  const first = await store.commit({ key, expected: 0, object: object('1') })
  broken = true
  await t.rejects(store.commit({ key, expected: first.revision, object: object('2') }), /disk full/)
  t.equal(store.revision, first.revision)
  t.equal((store.get(key)?.object as { value?: string } | undefined)?.value, '1')
  broken = false
  const second = await store.commit({ key, expected: first.revision, object: object('3') })
  t.equal(second.revision, first.revision + 1)
})

t.test('writes of one turn are one journal write', async (t) => {
  let writes = 0
  const memory = createMemoryJournal()
  const store = createStore({
    ...memory,
    write: (rows) => {
      writes++
      memory.write(rows)
    },
  })
  await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      store.commit({ key: { bucket: 'x', name: String(n) }, expected: 0, object: object(String(n)) }),
    ),
  )
  t.equal(writes, 1)
})

t.test('the file does not grow with changes to the same object', async (t) => {
  const file = newFile()
  const store = createStore(openSqliteJournal(file))
  let revision = 0
  for (let n = 0; n < 2000; n++)
    revision = (await store.commit({ key, expected: revision, object: object('x'.repeat(500)) })).revision
  store.close()
  t.ok(statSync(file).size < 200_000, `${statSync(file).size} bytes`)
})

t.test('an object that cannot be written fails alone, in memory and in SQLite', async (t) => {
  for (const journal of [createMemoryJournal(), openSqliteJournal(newFile())]) {
    const store = createStore(journal)
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const bad = [
      (revision: number) => ({ ...object('1')(revision), circular }) as KubeObject,
      object('x'.repeat(2 * 1024 * 1024)),
      () => {
        throw new Error('no object at all')
      },
    ]
    const put = (name: string, make: (revision: number) => KubeObject) =>
      store.commit({ key: { bucket: 'x', name }, expected: 0, object: make })
    const outcomes = await Promise.allSettled([
      put('a', object('1')),
      ...bad.map((make, at) => put(`bad-${at}`, make)),
      put('b', object('2')),
    ])
    t.same(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
    )
    t.same(
      store.list('x').entries.map(({ key }) => key.name),
      ['a', 'b'],
    )
    t.equal(store.revision, 2, 'and takes no revision')
    await put('bad-0', object('3'))
    t.equal(store.revision, 3, 'its name is free')
    store.close()
  }
})
