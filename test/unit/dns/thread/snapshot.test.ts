import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadSnapshot, saveSnapshot } from '../../../../src/dns/thread/snapshot.ts'
import { addressRecord } from '../../../../src/dns/zone/records.ts'

t.test('the zone on disk', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-dns-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'zone')
  const told: string[] = []
  const load = () => loadSnapshot(file, (message) => told.push(message))
  t.equal(await load(), undefined)
  t.same(told, [], 'at the first start there is nothing to tell')
  const sources = Array.from({ length: 500 }, (_, n) => [`ns/s${n}`, [addressRecord(`s${n}.x`, '10.0.0.1')]] as const)
  await saveSnapshot(file, sources)
  const loaded = (await load()) ?? []
  t.equal(loaded.length, 500)
  t.same(
    loaded.map(([source, records]) => [source, records.map(({ data }) => [...data])]),
    sources.map(([source, records]) => [source, records.map(({ data }) => [...data])]),
  )
  for (const text of ['{', '["a", "b"]', '["a", [[1]]]', '["a",[["o",1]]]']) {
    await writeFile(file, text)
    t.equal(await load(), undefined, text)
    t.match(told.pop(), /set aside/)
  }
})
