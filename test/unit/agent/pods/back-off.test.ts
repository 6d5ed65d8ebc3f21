import t from 'tap'
import { type BackOff, defaultBackOff, restartAfter, restartsLabel } from '../../../../src/agent/pods/back-off.ts'
import type { ContainerRecord } from '../../../../src/agent/runtime/containers.ts'

const ended = (restarts: number | undefined, ranMs: number): ContainerRecord => ({
  ...{ id: 'i', name: 'main', attempt: 0, logFile: '/logs/main', startedAt: 1_000 },
  labels: restarts === undefined ? {} : { [restartsLabel]: String(restarts) },
  exit: { code: 1, finishedAt: 1_000 + ranMs, oomKilled: false },
})
const delays = (limits: BackOff, ranMs = 0) =>
  [undefined, 0, 1, 2, 3, 4, 5, 6, 7, 50].map(
    (restarts) => restartAfter(ended(restarts, ranMs), limits).delayMs / 1_000,
  )

t.test('at once, then longer and longer, up to five minutes', async (t) => {
  t.same(delays(defaultBackOff), [0, 0, 10, 20, 40, 80, 160, 300, 300, 300])
  t.same(delays({ baseMs: 1_000, maxMs: 5_000, resetMs: 10_000 }), [0, 0, 1, 2, 4, 5, 5, 5, 5, 5])
})

t.test('counted from the end of the instance, one more each time', async (t) => {
  t.same(restartAfter(ended(2, 5_000), defaultBackOff), { at: 26_000, delayMs: 20_000, restartsInARow: 3 })
  t.same(restartAfter(ended(undefined, 5_000), defaultBackOff), { at: 6_000, delayMs: 0, restartsInARow: 1 })
  const { exit: _, ...running } = ended(1, 0)
  t.equal(restartAfter(running, defaultBackOff).at, 11_000, 'of one whose end nobody saw, from its start')
})

t.test('ten good minutes make good', async (t) => {
  t.same(delays(defaultBackOff, 600_000), Array(10).fill(0))
  t.same(restartAfter(ended(7, 600_000), defaultBackOff).restartsInARow, 1)
  t.same(restartAfter(ended(7, 599_999), defaultBackOff), {
    at: 600_999 + 300_000,
    delayMs: 300_000,
    restartsInARow: 8,
  })
})
