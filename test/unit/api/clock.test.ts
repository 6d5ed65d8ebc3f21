/** The clock of the system: its timers may be as long as anybody likes. */
import { mock } from 'node:test'
import t from 'tap'
import { createFakeClock, systemClock, untilBeat } from '../../../src/api/clock.ts'

/** What one timer of Node.js can wait at most. */
const longest = 2 ** 31 - 1

t.test('a long timer does not end before a short one', async (t) => {
  const first = await new Promise<string>((resolve) => {
    const cancel = systemClock.after(longest + 1, () => resolve('long'))
    systemClock.after(20, () => {
      cancel()
      resolve('short')
    })
  })
  t.equal(first, 'short')
})

t.test('a long timer ends when its time has come, unless it is cancelled', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const ended: string[] = []
  systemClock.after(2 * longest + 10, () => ended.push('kept'))
  const cancel = systemClock.after(longest + 10, () => ended.push('cancelled'))
  mock.timers.tick(longest)
  cancel()
  mock.timers.tick(longest)
  mock.timers.tick(9)
  t.same(ended, [])
  mock.timers.tick(1)
  t.same(ended, ['kept'])
})

t.test('those who look at a beat look together, and once at each', async (t) => {
  const at = (ms: number): number => untilBeat(5_000, createFakeClock(ms))
  t.same([at(10_000), at(10_001), at(14_500)], [5_000, 4_999, 500])
  t.equal(at(14_999), 5_001, 'the timer of this beat came early')
})
