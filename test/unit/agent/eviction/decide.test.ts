import t from 'tap'
import { decide, type EvictionState, firstState } from '../../../../src/agent/eviction/decide.ts'
import type { Observations, Signal } from '../../../../src/agent/pressure/signals.ts'
import { parseThresholds, type ThresholdTexts } from '../../../../src/agent/pressure/thresholds.ts'

const minute = 60_000

/** A node that is looked at again and again. */
const watched = (texts: Partial<ThresholdTexts>, pressureTransitionMs = 5 * minute) => {
  const thresholds = parseThresholds({ hard: '', soft: '', softGracePeriod: '', minimumReclaim: '', ...texts })
  let state: EvictionState = firstState
  return (now: number, available: Partial<Record<Signal, number>>) => {
    const observations: Observations = new Map(
      Object.entries(available).map(([signal, value]) => [signal as Signal, { available: value, capacity: 1_000 }]),
    )
    const decision = decide({ thresholds, pressureTransitionMs }, state, observations, now)
    state = decision.state
    return { pressures: [...decision.pressures], due: decision.due.map(({ threshold }) => threshold.signal) }
  }
}

const quiet = { pressures: [], due: [] }

t.test('a hard threshold is due at once, and pressure stays a while after it', async (t) => {
  const look = watched({ hard: 'memory.available<100' })
  t.same(look(0, { 'memory.available': 100 }), quiet)
  t.same(look(1, { 'memory.available': 99 }), { pressures: ['MemoryPressure'], due: ['memory.available'] })
  t.same(look(2, { 'memory.available': 100 }), { pressures: ['MemoryPressure'], due: [] })
  t.same(look(5 * minute, { 'memory.available': 100 }), { pressures: ['MemoryPressure'], due: [] })
  t.same(look(5 * minute + 1, { 'memory.available': 100 }), quiet)
})

t.test('a soft threshold is due when its grace period is over, and begins anew after a break', async (t) => {
  const look = watched({ soft: 'pid.available<100', softGracePeriod: 'pid.available=1m' }, 0)
  t.same(look(0, { 'pid.available': 50 }), { pressures: ['PIDPressure'], due: [] }, 'the node says so at once')
  t.same(look(minute - 1, { 'pid.available': 50 }).due, [])
  t.same(look(minute, { 'pid.available': 50 }).due, ['pid.available'])
  t.same(look(minute + 1, { 'pid.available': 100 }), quiet)
  t.same(look(minute + 2, { 'pid.available': 50 }).due, [])
  t.same(look(2 * minute + 2, { 'pid.available': 50 }).due, ['pid.available'])
})

t.test('it stays due until the least amount is reclaimed', async (t) => {
  const look = watched({ hard: 'nodefs.available<10%', minimumReclaim: 'nodefs.available=50' }, 0)
  t.same(look(0, { 'nodefs.available': 99 }).due, ['nodefs.available'])
  t.same(look(1, { 'nodefs.available': 149 }), { pressures: ['DiskPressure'], due: ['nodefs.available'] })
  t.same(look(2, { 'nodefs.available': 150 }), quiet)
  t.same(look(3, { 'nodefs.available': 149 }), quiet, 'it was left behind')
})

t.test('several at once: memory first, processes last', async (t) => {
  const look = watched({ hard: 'pid.available<9,imagefs.available<9,memory.available<9,nodefs.inodesFree<9' })
  t.same(look(0, { 'pid.available': 1, 'nodefs.inodesFree': 1, 'imagefs.available': 1, 'memory.available': 1 }).due, [
    'memory.available',
    'imagefs.available',
    'nodefs.inodesFree',
    'pid.available',
  ])
})

t.test('what cannot be observed is not acted upon', async (t) => {
  const look = watched({ hard: 'memory.available<100' }, 10)
  t.same(look(0, {}), quiet)
  t.same(look(1, { 'memory.available': 1 }).due, ['memory.available'])
  t.same(look(2, {}), { pressures: ['MemoryPressure'], due: [] })
})
