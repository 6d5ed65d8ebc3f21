import t, { type Test } from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { ApiError } from '../../../../src/api/errors.ts'
import { createFollower } from '../../../../src/commands/logs/follow.ts'
import type { LogInstance } from '../../../../src/commands/logs/instances.ts'
import type { LogLine } from '../../../../src/commands/logs/lines.ts'
import { turns } from '../../../support/until.ts'

const instance = (pod: string, more: Partial<LogInstance> = {}): LogInstance => ({
  ...{ namespace: 'default', pod, container: 'main', node: 'node1', key: `${pod}/1`, isOver: false },
  ...more,
})

const line = (text: string): LogLine => ({ time: '2026-01-01T00:00:01.000000000Z', text: Buffer.from(text) })

/** Readings of logs that the test feeds and ends. */
interface Reading {
  readonly pod: string
  readonly isFirst: boolean
  readonly since: string | undefined
  readonly say: (...texts: readonly string[]) => Promise<void>
  readonly end: (error?: Error) => Promise<void>
}

const start = (t: Test, most = 10) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const said: string[] = []
  const written: string[] = []
  const readings: Reading[] = []
  let present: readonly LogInstance[] = []
  const follower = createFollower({
    async *open({ pod }, { isFirst, since }, signal) {
      const queue: (readonly LogLine[] | Error | 'end')[] = []
      let wake = (): void => undefined
      const put = async (item: readonly LogLine[] | Error | 'end') => {
        queue.push(item)
        wake()
        await turns()
      }
      signal.addEventListener('abort', () => void put('end'))
      readings.push({
        ...{ pod, isFirst, since },
        say: (...texts) => put(texts.map(line)),
        end: (error) => put(error ?? 'end'),
      })
      for (;;) {
        const item = queue.shift()
        if (item === 'end') return
        if (item instanceof Error) throw item
        if (item) yield item
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    },
    current: (key) => present.find((each) => each.key === key),
    write: async ({ pod }, lines) => void written.push(...lines.map(({ text }) => `${pod}: ${text}`)),
    ...{ say: (message) => said.push(message), most, clock },
  })
  const look = async (...instances: readonly LogInstance[]) => {
    present = instances
    follower.look(instances, stop.signal)
    await turns()
  }
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500)
      await turns()
    }
  }
  return { said, written, readings, look, pass }
}

t.test(
  'pods that come are followed from their beginning, those that were there from where the user said',
  async (t) => {
    const { readings, written, look } = start(t)
    await look(instance('a'))
    await look(instance('a'), instance('b'))
    t.same(
      readings.map(({ pod, isFirst }) => [pod, isFirst]),
      [
        ['a', true],
        ['b', false],
      ],
    )
    await readings[1]?.say('one')
    await readings[0]?.say('two')
    t.same(written, ['b: one', 'a: two'])
  },
)

t.test('a node that does not answer is told once, asked again, and nothing comes twice', async (t) => {
  const { readings, said, written, look, pass } = start(t)
  await look(instance('a'), instance('b'))
  await readings[0]?.say('one')
  await readings[0]?.end(new Error('socket closed'))
  await readings[1]?.end(new Error('socket closed'))
  t.same(said, ['cannot read the log of default/a/main on node1: socket closed; trying again'])
  await pass(500)
  const again = readings.at(-2)
  t.same([again?.pod, again?.since], ['a', '2026-01-01T00:00:01.000000000Z'])
  await again?.say('one', 'two')
  t.same(written, ['a: one', 'a: two'])
  t.same(said.slice(1), ['node1 answers again'])
})

t.test('it is asked less and less often', async (t) => {
  const { readings, look, pass } = start(t)
  await look(instance('a'))
  for (let at = 0; at < 12; at++) {
    await readings.at(-1)?.end(new Error('away'))
    await pass(500)
  }
  t.ok(readings.length < 6, `${readings.length} times in six seconds`)
})

t.test('a log that is not there is no matter of the node', async (t) => {
  const { readings, said, look, pass } = start(t)
  await look(instance('a'), instance('b'))
  await readings[0]?.end(new ApiError(400, 'BadRequest', 'waiting to start'))
  await pass(500)
  await readings.at(-1)?.say('one')
  t.same(said, ['cannot read the log of default/a/main on node1: waiting to start; trying again'])
})

t.test('what ended is read once more, and then no longer', async (t) => {
  const { readings, written, look, pass } = start(t)
  await look(instance('a'))
  await readings[0]?.say('one')
  await look(instance('a', { isOver: true }))
  await readings[0]?.end()
  await pass(500)
  t.equal(readings.length, 2)
  await readings[1]?.say('one', 'last')
  await readings[1]?.end()
  await pass(2_000)
  await look(instance('a', { isOver: true }))
  t.equal(readings.length, 2)
  t.same(written, ['a: one', 'a: last'])
})

t.test('another instance begins anew', async (t) => {
  const { readings, written, look, pass } = start(t)
  await look(instance('a'))
  await readings[0]?.say('one')
  await look(instance('a', { key: 'a/2' }))
  await readings[0]?.end()
  await readings[1]?.say('one')
  await pass(6_000)
  t.same(written, ['a: one', 'a: one'])
  t.equal(readings.length, 2)
})

t.test('a pod that is gone, or no longer matches, has a moment for its last words', async (t) => {
  const { readings, written, look, pass } = start(t)
  await look(instance('a'))
  await look()
  await readings[0]?.say('last')
  await pass(7_000)
  await readings[0]?.say('too late')
  t.same(written, ['a: last'])
  t.equal(readings.length, 1)
})

t.test('no more than were allowed, and that is said', async (t) => {
  const { readings, said, look, pass } = start(t, 1)
  await look(instance('a', { isOver: true }), instance('b'))
  t.equal(readings.length, 1)
  t.match(said, [/2 logs to follow, 1 at a time: .*--max-log-requests/])
  await readings[0]?.end()
  await pass(500)
  t.equal(readings.at(-1)?.pod, 'b', 'when one has ended, the next begins')
})
