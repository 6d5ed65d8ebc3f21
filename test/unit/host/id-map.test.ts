import t from 'tap'
import { parseIdMap, readIdMap } from '../../../src/host/id-map.ts'

t.test('the map of ids', async (t) => {
  t.same(parseIdMap('         0          0 4294967295\n'), [{ first: 0, count: 4294967295 }])
  t.same(parseIdMap('         0       1001          1\n      1000     100000       1000\n'), [
    { first: 0, count: 1 },
    { first: 1000, count: 1000 },
  ])
  t.same(parseIdMap(''), [])
})

t.test('our own ids are there', async (t) => {
  const exists = await readIdMap()
  t.equal(exists(process.getuid?.() ?? 0), true)
  t.equal(exists(2 ** 32), false)
})
