/** Threads that do not answer, that end by themselves, and when others take their place. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import { createHeart, noteOf, startHeartbeat } from '../../../src/host/heartbeat.ts'
import { createRestarts, sumRestarts } from '../../../src/host/restarts.ts'
import { startWatchedThread, ThreadStuck } from '../../../src/host/watched-thread.ts'
import { until } from '../../support/until.ts'

const url = new URL('../../support/watched-child.ts', import.meta.url)

const start = (silentMs = 400) => {
  const heard: unknown[] = []
  const hear = (message: unknown): void => void heard.push(message)
  const thread = startWatchedThread<string, unknown>({ name: 'test', url, data: { greeting: 'hello' }, hear, silentMs })
  return { thread, heard }
}

t.test('what it is told and what it says; its end when it is asked to', async (t) => {
  const { thread, heard } = start()
  thread.post('echo')
  await until(() => heard.length === 2, 'its answers')
  t.same(heard, ['hello', 'echo'])
  await thread.stop('end', 5_000)
  t.equal(await thread.ended, undefined)
})

t.test('one that does not answer is ended, and what it was about is named', async (t) => {
  const { thread, heard } = start()
  await until(() => heard.length === 1, 'its start')
  thread.post('hang')
  const reason = await thread.ended
  t.ok(reason instanceof ThreadStuck)
  t.match(reason?.message, /the test thread did not answer for 400 ms, since "a\.lab\/slow"/)
})

t.test('one that is busy now and then is left alone', async (t) => {
  const { thread, heard } = start(2_000)
  await until(() => heard.length === 1, 'its start')
  for (let count = 0; count < 4; count++) thread.post('busy')
  await until(() => heard.length === 5, 'its answers')
  await thread.stop('end', 5_000)
  t.equal(await thread.ended, undefined)
})

t.test('one that ends by itself', async (t) => {
  const { thread } = start()
  thread.post('throw')
  t.match(await thread.ended, { message: 'a mistake' })
  const other = start()
  other.thread.post('exit')
  t.match(await other.thread.ended, { message: 'the test thread ended with code 3' })
})

t.test('one that hangs when it is asked to end', async (t) => {
  const { thread, heard } = start(60_000)
  await until(() => heard.length === 1, 'its start')
  await thread.stop('hang', 100)
  t.equal(await thread.ended, undefined)
})

t.test('what a thread is about, never more than there is room for', async (t) => {
  const heart = createHeart()
  const heartbeat = startHeartbeat(heart)
  t.equal(noteOf(heart), '')
  heartbeat.begins('a.lab', '/x')
  t.equal(noteOf(heart), 'a.lab/x')
  heartbeat.begins('a'.repeat(600), '/x')
  t.equal(noteOf(heart), 'a'.repeat(512))
  heartbeat.ends()
  t.equal(noteOf(heart), '')
  await pause(0)
})

t.test('restarts: at once, then later and later, and at once again after calm', async (t) => {
  const clock = createFakeClock()
  const restarts = createRestarts(clock)
  const waits: number[] = []
  for (let count = 0; count < 8; count++) {
    const wait = restarts.ended(new Error(`number ${count}`))
    waits.push(wait)
    clock.advance(wait)
    if (count === 1) t.equal(restarts.looping(), undefined)
  }
  t.same(waits, [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  t.match(restarts.looping(), 'ended 8 times in a row: number 7')
  clock.advance(61_000)
  t.equal(restarts.looping(), undefined, 'it has lasted')
  clock.advance(60_000)
  t.equal(restarts.ended(new ThreadStuck('stuck')), 0)
  t.same(restarts.counts, { stuck: 1, crashed: 8 })
  t.same(sumRestarts([restarts.counts, { stuck: 2, crashed: 1 }]), { stuck: 3, crashed: 9 })
})
