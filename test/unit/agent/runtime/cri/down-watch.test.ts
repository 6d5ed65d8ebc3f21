import t from 'tap'
import { createDownWatch } from '../../../../../src/agent/runtime/cri/down-watch.ts'
import { createFakeClock } from '../../../../../src/api/clock.ts'

t.test('a runtime is down when it has not answered for half a minute, and that is told once', async (t) => {
  const clock = createFakeClock(0)
  const told: (string | undefined)[] = []
  const watch = createDownWatch(clock, (why) => told.push(why))
  const after = (ms: number, why: string | undefined): void => {
    clock.advance(ms)
    watch(why)
  }
  after(0, undefined)
  after(1_000, 'no answer')
  after(29_000, 'no answer')
  after(500, undefined)
  t.same(told, [], 'it was back in time')
  after(0, 'no answer')
  after(30_000, 'still none')
  after(60_000, 'still none')
  t.same(told, ['still none'])
  after(1_000, undefined)
  after(1_000, undefined)
  t.same(told, ['still none', undefined])
})
