import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { createBackoff } from '../../../../src/control/scheduler/backoff.ts'
import type { ClusterEvent } from '../../../../src/control/scheduler/framework/filter.ts'
import { pod } from './cluster-of.ts'

t.test('a pod is tried again after what helps, and not before its time', async (t) => {
  const clock = createFakeClock()
  const woken: string[] = []
  const backoff = createBackoff(clock, { base: 1_000, max: 10_000 }, (key) => woken.push(key))
  const one = pod('a')
  t.ok(backoff.isDue(one))
  backoff.postpone(one, new Set<ClusterEvent>(['node']))
  backoff.happened('pod gone')
  clock.advance(2_000)
  t.same([backoff.isDue(one), woken], [false, []], 'a pod that goes does not help')
  backoff.happened('node')
  t.same([backoff.isDue(one), woken], [true, ['default/a']])

  backoff.postpone(one, new Set<ClusterEvent>(['node']))
  backoff.happened('node')
  clock.advance(1_999)
  t.same([backoff.isDue(one), woken.length], [false, 1], 'the second time it waits for longer')
  clock.advance(1)
  t.same([backoff.isDue(one), woken.length], [true, 2])

  backoff.postpone(one, new Set<ClusterEvent>(['node']))
  clock.advance(63_999)
  t.notOk(backoff.isDue(one))
  clock.advance(1)
  t.ok(backoff.isDue(one), 'after a minute anyway')
  backoff.postpone(one, new Set<ClusterEvent>(['node']))
  t.ok(backoff.isDue({ ...one, metadata: { ...one.metadata, uid: 'another' } }), 'another pod of the name')
  backoff.forget('default/a')
  t.ok(backoff.isDue(one))
})

t.test('a timer that comes before the clock says so is no reason to wait for the next minute', async (t) => {
  let now = 0
  let fire = (): void => undefined
  const clock = {
    now: () => now,
    after: (_ms: number, action: () => void) => {
      fire = action
      return () => undefined
    },
  }
  const woken: string[] = []
  const backoff = createBackoff(clock, { base: 1_000, max: 10_000 }, (key) => woken.push(key))
  const one = pod('a')
  backoff.postpone(one, new Set<ClusterEvent>(['node']))
  backoff.happened('node')
  now = 999
  fire()
  t.same([backoff.isDue(one), woken], [true, ['default/a']])
})
