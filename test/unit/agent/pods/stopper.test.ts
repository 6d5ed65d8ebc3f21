import t from 'tap'
import { createRunHook } from '../../../../src/agent/pods/hooks.ts'
import { createStopper } from '../../../../src/agent/pods/stopper.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { silentLogger } from '../../../../src/host/log.ts'

const target = { containerId: 'u_main_0', container: { name: 'main' }, host: '10.1.0.5' }
const settle = () => new Promise((resolve) => setImmediate(resolve))

const setUp = (hook: () => Promise<string> = async () => '') => {
  const clock = createFakeClock(0)
  const seen: string[] = []
  let failures = 0
  const stopper = createStopper({
    ...{ clock, log: silentLogger, runHook: createRunHook(hook, clock) },
    containers: {
      signal: async (id, signal) => {
        if (failures-- > 0) throw new Error('no')
        seen.push(`${clock.now() / 1000}s ${signal} ${id}`)
      },
    },
    onHookFailure: (id, complaint) => seen.push(`${clock.now() / 1000}s ${id}: ${complaint}`),
  })
  const pass = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      await settle()
      clock.advance(1000)
    }
    await settle()
  }
  return { stopper, seen, pass, failNext: (count: number) => (failures = count) }
}

t.test('TERM, and KILL when the time is over', async (t) => {
  const { stopper, seen, pass } = setUp()
  t.equal(stopper.stop({ id: 'a', graceMs: 5_000 }), true)
  t.equal(stopper.stop({ id: 'a', graceMs: 5_000 }), false)
  await pass(9)
  t.same(seen, ['0s TERM a', '5s KILL a'])
})

t.test('one that ends in time is left alone', async (t) => {
  const { stopper, seen, pass } = setUp()
  stopper.stop({ id: 'a', graceMs: 5_000 })
  await pass(1)
  stopper.forget('a')
  await pass(9)
  t.same(seen, ['0s TERM a'])
})

t.test('a shorter grace holds, a longer one does not', async (t) => {
  const { stopper, seen, pass } = setUp()
  stopper.stop({ id: 'a', graceMs: 30_000 })
  await pass(2)
  stopper.stop({ id: 'a', graceMs: 3_000 })
  stopper.stop({ id: 'a', graceMs: 60_000 })
  await pass(9)
  t.same(seen, ['0s TERM a', '5s KILL a'])
})

t.test('no grace at all', async (t) => {
  const { stopper, seen, pass } = setUp()
  stopper.stop({ id: 'a', graceMs: 0 })
  await pass(3)
  t.same(seen, ['0s KILL a'])
})

t.test('the hook comes first, within the grace', async (t) => {
  const { stopper, seen, pass } = setUp()
  stopper.stop({ id: 'a', graceMs: 10_000, preStop: { handler: { sleep: { seconds: 4 } }, target } })
  await pass(15)
  t.same(seen, ['4s TERM a', '10s KILL a'])
})

t.test('a hook that takes all the time leaves the program two seconds', async (t) => {
  const { stopper, seen, pass } = setUp()
  stopper.stop({ id: 'a', graceMs: 5_000, preStop: { handler: { sleep: { seconds: 60 } }, target } })
  await pass(15)
  t.same(seen, ['5s TERM a', '7s KILL a'])
})

t.test('a hook that fails is told, and TERM follows', async (t) => {
  const { stopper, seen, pass } = setUp(async () => 'command ended with exit code 1')
  stopper.stop({ id: 'a', graceMs: 5_000, preStop: { handler: { exec: { command: ['x'] } }, target } })
  await pass(1)
  t.same(seen, ['0s a: command ended with exit code 1', '0s TERM a'])
  stopper.forgetAll()
  await pass(9)
  t.equal(seen.length, 2)
})

t.test('a signal that fails is tried again by the next call', async (t) => {
  const { stopper, seen, pass, failNext } = setUp()
  failNext(1)
  stopper.stop({ id: 'a', graceMs: 5_000 })
  await pass(1)
  t.equal(stopper.stop({ id: 'a', graceMs: 5_000 }), true)
  await pass(1)
  t.same(seen, ['1s TERM a'])
})
