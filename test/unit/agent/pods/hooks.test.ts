/** What is done to a container right after its start, and what is known of it. */
import t from 'tap'
import { createPostStarts, createRunHook } from '../../../../src/agent/pods/hooks.ts'
import type { HandlerTarget } from '../../../../src/agent/probes/handler.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { turns } from '../../../support/until.ts'

const target = (containerId: string): HandlerTarget => ({ containerId, container: { name: 'main' }, host: '10.1.0.2' })
t.test('a hook runs, then it has failed or is forgotten', async (t) => {
  const ends = new Map<string, (complaint: string) => void>()
  const done: string[] = []
  const hooks = createPostStarts(
    (_, { containerId }) => new Promise((resolve) => ends.set(containerId, resolve)),
    (pod, { containerId }, complaint) => done.push(`${pod} ${containerId} ${complaint}`),
  )
  t.equal(hooks.stateOf('a'), 'none')
  for (const id of ['a', 'b', 'c']) hooks.start('default/web', {}, target(id))
  t.same(['a', 'b', 'c'].map(hooks.stateOf), ['running', 'running', 'running'])
  ends.get('a')?.('')
  ends.get('b')?.('exit code 1')
  await turns()
  t.same(['a', 'b', 'c'].map(hooks.stateOf), ['none', { failed: 'exit code 1' }, 'running'])
  t.same(done, ['default/web a ', 'default/web b exit code 1'])
  hooks.forget('c')
  ends.get('c')?.('too late')
  await turns()
  t.equal(hooks.stateOf('c'), 'none')
  t.equal(done.length, 2, 'what is forgotten is told to nobody')
  hooks.forget('b')
  t.equal(hooks.stateOf('b'), 'none')
})

t.test('a hook that sleeps does so for its time, and no longer than it may', async (t) => {
  const clock = createFakeClock()
  const asked: number[] = []
  const run = createRunHook(async (_handler, _target, timeoutMs) => {
    asked.push(timeoutMs)
    return 'ran'
  }, clock)
  const ended: string[] = []
  const sleeping = (seconds: number, timeoutMs: number) =>
    run({ sleep: { seconds } }, target('a'), timeoutMs).then((complaint) => void ended.push(`${seconds}${complaint}`))
  void sleeping(2, 10_000)
  void sleeping(60, 3_000)
  clock.advance(1_999)
  await turns()
  t.same(ended, [])
  clock.advance(1)
  await turns()
  t.same(ended, ['2'])
  clock.advance(1_000)
  await turns()
  t.same(ended, ['2', '60'])
  t.equal(await run({ exec: { command: ['true'] } }, target('a'), 7), 'ran')
  t.same(asked, [7])
})
