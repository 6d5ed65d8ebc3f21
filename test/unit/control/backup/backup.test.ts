/** Backups of a control plane at work, and what comes of restoring them. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { writeSharedKeys } from '../../../../src/control/auth/shared-keys.ts'
import { type ControlPlace, restoreBackup, takeBackup } from '../../../../src/control/backup/backup.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { openSqliteBackend } from '../../../../src/control/storage/sqlite-backend.ts'
import { createTestApi } from '../../../support/api-server.ts'

const keys = { 'ca.crt': 'CERT', 'ca.key': 'KEY', 'sa.key': 'SA', 'sa.pub': 'PUB' }
const now = Date.UTC(2026, 0, 1)

const folderOf = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-backup-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}
const placeIn = (folder: string): ControlPlace => ({
  ...{ store: join(folder, 'store.db'), pki: join(folder, 'pki'), etcd: undefined },
})
const namesIn = async (place: ControlPlace): Promise<readonly string[]> => {
  const backend = openSqliteBackend(place.store)
  const { kept } = await backend.load()
  await backend.close()
  return kept.filter(({ key }) => key.bucket === 'configmaps').map(({ key: { name } }) => name.replace('default/', ''))
}

/** A control plane that runs, with some objects, until the test ends or `close`. */
const running = async (t: Test, folder = folderOf(t)) => {
  const place = placeIn(folder)
  await writeSharedKeys(place.pki, keys)
  const backend = openSqliteBackend(place.store)
  const api = await createTestApi({ backend })
  const add = (name: string) =>
    api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name } } })
  for (const name of ['a', 'b', 'c']) await add(name)
  return { folder, place, api, add, close: backend.close }
}

t.test('taken while it is written to, restored somewhere else', async (t) => {
  const { folder, place, add, close } = await running(t)
  const file = join(folder, 'one.podway')
  const writing = Promise.all(Array.from({ length: 200 }, (_, n) => add(`w${n}`)))
  const told = await takeBackup(place, file, now)
  await writing
  await close()
  t.ok(told.objects >= 4, `${told.objects} objects`)
  t.equal(statSync(file).mode & 0o777, 0o600)

  const other = placeIn(folderOf(t))
  t.same(await restoreBackup(other, file, { isReplacing: false, now }), told)
  for (const [name, text] of Object.entries(keys)) t.equal(readFileSync(join(other.pki, name), 'utf8'), text)
  t.equal(statSync(join(other.pki, 'ca.key')).mode & 0o777, 0o600)
  const backend = openSqliteBackend(other.store, { onDamage: t.fail })
  const { kept, revision } = await backend.load()
  t.equal(kept.length, told.objects)
  const backed = new DatabaseSync(file, { readOnly: true })
  t.same(backed.prepare('SELECT revision FROM backup').get(), { revision })
  backed.close()
  const api = await createTestApi({ backend })
  const found = await api.request('GET', '/api/v1/namespaces/default/configmaps/a')
  t.equal(found.code, 200)
  t.match(found.body, { metadata: { uid: /./, resourceVersion: /^\d+$/ } })
  t.equal((await api.request('DELETE', '/api/v1/namespaces/default/configmaps/a')).code, 200)
  await backend.close()
})

t.test('of a control plane that was killed, and its log still counts', async (t) => {
  const { folder, add, close } = await running(t)
  await add('last')
  const killed = placeIn(folderOf(t))
  for (const name of readdirSync(folder).filter((each) => /^store\.db(-wal)?$/.test(each)))
    copyFileSync(join(folder, name), join(killed.store, '..', name))
  await writeSharedKeys(killed.pki, keys)
  await close()
  const file = join(folder, 'killed.podway')
  await takeBackup(killed, file, now)
  t.ok(existsSync(`${killed.store}-wal`), 'and is left to it')
  const other = placeIn(folderOf(t))
  await restoreBackup(other, file, { isReplacing: false, now })
  t.same(await namesIn(other), ['a', 'b', 'c', 'last'])
  t.same(await namesIn(killed), ['a', 'b', 'c', 'last'])
})

t.test(
  'nothing is overwritten: not a backup, not one that runs, not one that is stopped unless that is said',
  async (t) => {
    const { folder, place, add, close } = await running(t)
    const file = join(folder, 'one.podway')
    await takeBackup(place, file, now)
    await t.rejects(takeBackup(place, file, now), /is there already/)
    await add('later')
    await t.rejects(restoreBackup(place, file, { isReplacing: true, now }), /in use by another process/)
    t.throws(() => openSqliteBackend(place.store), /in use by another process/, 'nor do two have one store')
    await close()
    await t.rejects(restoreBackup(place, file, { isReplacing: false, now }), /--replace/)
    rmSync(place.pki, { recursive: true })
    await t.rejects(
      restoreBackup(place, file, { isReplacing: false, now }),
      /store\.db is there already: with --replace/,
    )
    t.same(await namesIn(place), ['a', 'b', 'c', 'later'])
    await writeSharedKeys(place.pki, { ...keys, 'ca.key': 'OTHER' })
    await restoreBackup(place, file, { isReplacing: true, now })
    t.same(await namesIn(place), ['a', 'b', 'c'])
    t.equal(readFileSync(join(place.pki, 'ca.key'), 'utf8'), 'KEY')
    const aside = readdirSync(folder).filter((name) => name.includes('.before-restore-'))
    t.same(
      aside.map((name) => name.replace(/\.before.*/, '')).sort(),
      ['pki', 'store.db'],
      'what was there is set aside',
    )
  },
)

t.test('what is no whole backup is refused before anything is touched', async (t) => {
  const { folder, place, close } = await running(t)
  const file = join(folder, 'one.podway')
  await takeBackup(place, file, now)
  await close()
  const text = join(folder, 'text')
  writeFileSync(text, 'hello')
  const cut = join(folder, 'cut')
  writeFileSync(cut, readFileSync(file).subarray(0, statSync(file).size / 2))
  const newer = join(folder, 'newer')
  copyFileSync(file, newer)
  const change = (changed: string, sql: string): void => {
    const database = new DatabaseSync(changed)
    database.exec(sql)
    database.close()
  }
  change(newer, 'PRAGMA user_version = 9')
  const [foreign, keyless] = [join(folder, 'foreign'), join(folder, 'keyless')]
  for (const each of [foreign, keyless]) copyFileSync(file, each)
  change(foreign, "INSERT INTO keys VALUES ('../../../etc/x', 'y')")
  change(keyless, "DELETE FROM keys WHERE name = 'ca.key'")
  const other = placeIn(join(folderOf(t), 'new'))
  for (const [bad, why] of [
    [text, /no backup of podway/],
    [join(folder, 'nothing'), /ENOENT/],
    [folder, /EISDIR/],
    [place.store, /another program/],
    [cut, /malformed|damaged|disk image/],
    [newer, /format 9/],
    [foreign, /nothing but them/],
    [keyless, /the keys of a cluster/],
  ] as const) {
    await t.rejects(restoreBackup(other, bad, { isReplacing: true, now }), why)
    await t.rejects(restoreBackup(other, bad, { isReplacing: true, now }), new RegExp(`cannot restore from ${bad}`))
  }
  t.notOk(existsSync(join(other.store, '..')))
  await t.rejects(takeBackup(other, join(folder, 'x'), now), /ENOENT/)
  await writeSharedKeys(other.pki, keys)
  await t.rejects(takeBackup(other, join(folder, 'x'), now), /there is no store .*--data/)
  await t.rejects(takeBackup(place, join(folder, 'no/x'), now), /cannot write .*no\/x: ENOENT/)
})

t.test('from a file into a shared store and back: the objects are the same', async (t) => {
  const { folder, place, api, close } = await running(t)
  for (let n = 0; n < 150; n++)
    await api.request('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: `s${n}` } } })
  const file = join(folder, 'one.podway')
  const { objects } = await takeBackup(place, file, now)
  await close()
  const memory = createMemoryBackend()
  const shared = { ...placeIn(folderOf(t)), etcd: async () => memory }
  await restoreBackup(shared, file, { isReplacing: false, now })
  t.equal((await memory.load()).kept.length, objects)
  rmSync(shared.pki, { recursive: true })
  await t.rejects(restoreBackup(shared, file, { isReplacing: true, now }), /cluster in this etcd already/)
  await writeSharedKeys(shared.pki, keys)
  const back = join(folder, 'back.podway')
  await takeBackup(shared, back, now)
  const again = placeIn(folderOf(t))
  await restoreBackup(again, back, { isReplacing: false, now })
  t.same(await namesIn(again), ['a', 'b', 'c'])
})
