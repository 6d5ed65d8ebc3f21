import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import { createSyncLoop } from '../../../src/api/sync-loop.ts'
import { until } from '../../support/until.ts'

t.test('without a least interval the next sync starts at once, whatever the clock says', async (t) => {
  const seen: unknown[] = []
  const stop = new AbortController()
  const loop = createSyncLoop({
    sync: async (dirty) => void seen.push(dirty === 'all' ? dirty : [...dirty]),
    clock: createFakeClock(),
  })
  const running = loop.run(stop.signal)
  await loop.synced
  for (const key of ['a', 'b']) {
    loop.mark(key)
    await until(() => seen.flat().includes(key), `the sync of ${key}`)
  }
  t.same(seen, ['all', ['a'], ['b']])
  stop.abort()
  await running
})
