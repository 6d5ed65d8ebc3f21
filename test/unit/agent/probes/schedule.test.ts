import t from 'tap'
import { timingOf, tryAfter } from '../../../../src/agent/probes/schedule.ts'

t.test('times, where the object is silent or says 0', async (t) => {
  t.same(timingOf({}), { initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1_000 })
  t.same(timingOf({ periodSeconds: 0, timeoutSeconds: 0 }), { initialDelayMs: 0, periodMs: 10_000, timeoutMs: 1_000 })
  t.same(timingOf({ initialDelaySeconds: 3, periodSeconds: 5, timeoutSeconds: 2 }), {
    ...{ initialDelayMs: 3_000, periodMs: 5_000, timeoutMs: 2_000 },
  })
})

const tries = (kind: 'startup' | 'readiness' | 'liveness', periodMs: number, count: number) =>
  Array.from({ length: count }, (_, at) => {
    const { afterMs, counts } = tryAfter(kind, periodMs, at)
    return `${afterMs}${counts ? '!' : ''}`
  }).join(' ')

t.test('what waits for a start is asked often in the first period, without harm; then it counts', async (t) => {
  for (const kind of ['startup', 'readiness'] as const) {
    t.equal(tries(kind, 10_000, 10), '0 100 300 700 1500 3100 6300 10000! 20000! 30000!')
    t.equal(tries(kind, 1_000, 6), '0 100 300 700 1000! 2000!')
    t.equal(tries(kind, 700, 5), '0 100 300 700! 1400!', 'the end of the period is no eager try')
  }
})

t.test('liveness counts from the first', async (t) => {
  t.equal(tries('liveness', 10_000, 3), '0! 10000! 20000!')
})

t.test('a probe that may take longer than any timer takes as long as a timer', async (t) => {
  t.equal(timingOf({ timeoutSeconds: 2 ** 31 - 1 }).timeoutMs, 2 ** 31 - 1)
  t.equal(timingOf({ timeoutSeconds: 5 }).timeoutMs, 5_000)
})
