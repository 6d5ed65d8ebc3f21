import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { RevisionMismatch } from '../../../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openSqliteBackend } from '../../../../src/control/storage/sqlite-backend.ts'
import { backendContract } from './backend-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'podway-storage-'))
t.teardown(() => rmSync(folder, { recursive: true }))

let files = 0
const newFile = () => join(folder, `${files++}.db`)
const key = (name: string) => ({ bucket: 'x', name })

t.test('in memory', async (t) => backendContract(t, async () => createMemoryBackend()))
t.test('in SQLite', async (t) => backendContract(t, async () => openSqliteBackend(newFile())))

t.test('what was acknowledged is there after reopening, under rising revisions', async (t) => {
  const file = newFile()
  const before = openSqliteBackend(file)
  const first = await before.commit([{ key: key('a'), expected: 0, value: '1' }])
  const gone = await before.commit([{ key: key('b'), expected: 0, value: '2' }])
  const last = await before.commit([{ key: key('b'), expected: gone }])
  await before.close()

  const after = openSqliteBackend(file)
  t.same(await after.load(), { revision: last, kept: [{ key: key('a'), revision: first, value: '1' }] })
  t.ok((await after.commit([{ key: key('a'), expected: first, value: '3' }])) > last)
  await after.close()
})

t.test('a commit that waits when the backend is closed is kept', async (t) => {
  const file = newFile()
  const backend = openSqliteBackend(file)
  const written = backend.commit([{ key: key('a'), expected: 0, value: '1' }])
  await backend.close()
  const revision = await written
  const again = openSqliteBackend(file)
  t.same((await again.load()).kept, [{ key: key('a'), revision, value: '1' }])
  await again.close()
})

t.test('one that was restored from a copy repeats no revision of the life it forgot', async (t) => {
  const file = newFile()
  const live = openSqliteBackend(file, { resumeAt: 1_000 })
  t.equal(await live.latest(), 1_000)
  const first = await live.commit([{ key: key('a'), expected: 0, value: '1' }])
  await live.close()
  const copy = newFile()
  copyFileSync(file, copy)

  const later = openSqliteBackend(file, { resumeAt: 2_000 })
  const lost = await later.commit([{ key: key('a'), expected: first, value: '2' }])
  await later.close()

  const restored = openSqliteBackend(copy, { resumeAt: 3_000 })
  t.ok((await restored.latest()) > lost, 'it begins behind what it has forgotten')
  const next = await restored.commit([{ key: key('a'), expected: first, value: '3' }])
  await restored.close()
  const again = openSqliteBackend(copy, { resumeAt: 1_000 })
  t.ok((await again.latest()) > next, 'also when the clock was set back')
  await again.close()
})

t.test('the file does not grow with changes, and shrinks after many deletions', async (t) => {
  const file = newFile()
  const backend = openSqliteBackend(file)
  let revision = 0
  for (let n = 0; n < 300; n++)
    revision = await backend.commit([{ key: key('a'), expected: revision, value: 'x'.repeat(500) }])
  const names = Array.from({ length: 3_000 }, (_, n) => key(`n${n}`))
  const revisions = await Promise.all(
    names.map((key) => backend.commit([{ key, expected: 0, value: 'x'.repeat(3_000) }])),
  )
  await Promise.all(names.map((key, n) => backend.commit([{ key, expected: revisions[n] ?? 0 }])))
  const pages = () => {
    const database = new DatabaseSync(file, { readOnly: true })
    const [count] = Object.values(database.prepare('PRAGMA page_count').get() ?? {})
    database.close()
    return Number(count)
  }
  const before = pages()
  t.ok(before > 3_000, `${before} pages`)
  for (let n = 0; n < 50; n++)
    revision = await backend.commit([{ key: key('a'), expected: revision, value: String(n) }])
  t.ok(pages() < 1_200, `${pages()} pages`)
  await backend.close()
  t.ok(statSync(file).size < 1_200 * 4_096, `${statSync(file).size} bytes`)
})

t.test('a file of before, which gave nothing back, is taken over', async (t) => {
  const file = newFile()
  const old = new DatabaseSync(file)
  old.exec(`
    CREATE TABLE objects (bucket TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, object TEXT NOT NULL,
      PRIMARY KEY (bucket, name)) WITHOUT ROWID;
    CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
    INSERT INTO state VALUES (1, 7);
    INSERT INTO objects VALUES ('x', 'a', 5, '{"metadata":{"name":"a","resourceVersion":"5"}}');
  `)
  old.close()
  const backend = openSqliteBackend(file)
  const { revision, kept } = await backend.load()
  t.equal(revision, 7)
  t.same(
    kept.map((each) => [each.key.name, each.revision]),
    [['a', 5]],
  )
  await t.rejects(backend.commit([{ key: key('a'), expected: 7, value: '1' }]), RevisionMismatch)
  await backend.close()
})

t.test(
  'heartbeats for ever need no more room than one, and a reader that took long leaves no log behind',
  async (t) => {
    const file = newFile()
    const backend = openSqliteBackend(file)
    const nodes = Array.from({ length: 50 }, (_, n) => ({ bucket: 'leases.coordination.k8s.io', name: `n/${n}` }))
    let revisions = await Promise.all(
      nodes.map((each) => backend.commit([{ key: each, expected: 0, value: 'x'.repeat(700) }])),
    )
    const beat = async (): Promise<void> => {
      revisions = await Promise.all(
        nodes.map((each, n) => backend.commit([{ key: each, expected: revisions[n] ?? 0, value: 'y'.repeat(700) }])),
      )
    }
    for (let n = 0; n < 200; n++) await beat()
    const quiet = statSync(file).size
    t.ok(quiet < 300_000, `${quiet} bytes after 10,000 heartbeats`)

    const reader = new DatabaseSync(file, { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM objects').get()
    const log = () => statSync(`${file}-wal`).size
    for (let n = 0; n < 1_000 && log() < 12 * 1024 * 1024; n++) await beat()
    t.ok(log() >= 12 * 1024 * 1024, 'while a backup reads, the log grows')
    reader.exec('COMMIT')
    reader.close()
    for (let n = 0; n < 50; n++) await beat()
    t.ok(log() <= 8 * 1024 * 1024, `${log()} bytes of log afterwards`)
    t.equal(statSync(file).size, quiet)
    await backend.close()
  },
)

t.test('only its owner reads it', async (t) => {
  const file = newFile()
  const backend = openSqliteBackend(file)
  await backend.commit([{ key: key('a'), expected: 0, value: '1' }])
  for (const each of [file, `${file}-wal`]) t.equal(statSync(each).mode & 0o077, 0, each)
  await backend.close()
})
