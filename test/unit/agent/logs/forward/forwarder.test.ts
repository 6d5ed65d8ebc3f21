/** One target and real logs: what comes, what comes twice, and what is lost. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { createForwardCounters } from '../../../../../src/agent/logs/forward/counters.ts'
import { createFakeSink } from '../../../../../src/agent/logs/forward/fake-sink.ts'
import { createForwarder } from '../../../../../src/agent/logs/forward/forwarder.ts'
import type { ForwardedLog } from '../../../../../src/agent/logs/forward/sources.ts'
import { createFakeClock } from '../../../../../src/api/clock.ts'
import type { StringMap } from '../../../../../src/api/types/index.ts'
import { recordingLog } from '../../../../support/recording-log.ts'
import { until } from '../../../../support/until.ts'

const setUp = (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'pw-'))
  const positionsFile = join(folder, 'positions.json')
  const all = new Map<string, ForwardedLog>()
  const labels = new Map<string, StringMap>([['u1', { app: 'web' }]])
  const counters = createForwardCounters()
  const { log, lines } = recordingLog()
  const kills = new Set<() => Promise<void>>()
  t.teardown(async () => {
    for (const kill of kills) await kill()
    rmSync(folder, { recursive: true })
  })

  const write = (name: string, text: string): string => {
    const key = `default_${name}/main/0.log`
    const file = join(folder, key)
    mkdirSync(dirname(file), { recursive: true })
    appendFileSync(file, text)
    all.set(key, { key, file, isOver: all.get(key)?.isOver ?? false })
    return file
  }

  /** A forwarder that runs until it is killed. */
  const start = () => {
    const sink = createFakeSink('target')
    const clock = createFakeClock()
    const stop = new AbortController()
    const forwarder = createForwarder({
      ...{ sink, positionsFile, nodeName: 'node1', counters, log, clock, random: () => 1 },
      logs: async () => [...all.values()],
      labelsOf: (uid) => labels.get(uid),
    })
    const running = forwarder.run(stop.signal)
    const kill = async (): Promise<void> => {
      stop.abort()
      await running
    }
    kills.add(kill)
    const texts = (): readonly string[] => sink.records.map(({ log }) => log)
    return {
      ...{ sink, clock, forwarder, texts },
      /** Lets time pass until it is so. */
      pass: (condition: () => boolean, what: string) =>
        until(() => {
          clock.advance(1_000)
          return condition()
        }, what),
      kill,
    }
  }

  const metric = async (name: string): Promise<number> => {
    const { values = [] } = (await counters.registry.getSingleMetric(`podway_log_forward_${name}`)?.get()) ?? {}
    return values.reduce((sum, { value }) => sum + value, 0)
  }
  return { folder, positionsFile, write, all, labels, lines, start, metric }
}

t.test('lines come once, also over a restart, with the pod that they are of', async (t) => {
  const { write, start, metric } = setUp(t)
  write('web_u1', 'one\ntwo\n')
  write('db_u2', 'three\n')
  const first = start()
  await first.pass(() => first.texts().length === 3, 'the lines')
  t.match(first.sink.records, [{ namespace: 'default', pod: 'web', uid: 'u1', container: 'main', node: 'node1' }])
  t.same(first.sink.records.find(({ pod }) => pod === 'web')?.labels, { app: 'web' })
  await first.kill()
  write('web_u1', 'four\n')
  const second = start()
  await second.pass(() => second.texts().length > 0, 'the next line')
  t.same(second.texts(), ['four'])
  t.equal(await metric('records_total'), 4)
  t.equal(await metric('dropped_bytes_total'), 0)
})

t.test('one that is down: nothing is lost, nobody asks in a loop, and it is said once', async (t) => {
  const { write, start, metric, lines } = setUp(t)
  const { sink, pass, texts } = start()
  sink.behave('fails')
  write('web_u1', 'one\n')
  await pass(() => sink.sends > 4, 'some tries')
  write('web_u1', 'two\n')
  t.equal(lines.filter(({ msg }) => msg === 'cannot forward logs; trying again').length, 1)
  sink.behave('takes')
  await pass(() => texts().length === 2, 'both')
  t.same(texts(), ['one', 'two'])
  t.ok((await metric('failures_total')) > 4)
  await until(() => lines.some(({ msg }) => msg === 'logs are forwarded again'), 'word of it')
})

t.test('it is asked less and less often', async (t) => {
  const { write, start } = setUp(t)
  const { sink, clock } = start()
  sink.behave('fails')
  write('web_u1', 'one\n')
  const begun = clock.now()
  await until(() => {
    clock.advance(500)
    return clock.now() - begun >= 120_000
  }, 'two minutes')
  t.ok(sink.sends >= 2 && sink.sends <= 9, `${sink.sends} times in two minutes`)
})

t.test('one that hangs is left after half a minute, and tried again', async (t) => {
  const { write, start, lines } = setUp(t)
  const { sink, pass, texts } = start()
  sink.behave('hangs')
  write('web_u1', 'one\n')
  await pass(() => lines.length > 0, 'the end of its time')
  t.match(lines[0], { msg: 'cannot forward logs; trying again', err: { message: 'not taken within 30 s' } })
  sink.behave('takes')
  await pass(() => texts().length === 1, 'the line')
})

t.test('an agent that is killed between a batch and its position sends that batch again, and no more', async (t) => {
  const { write, start, positionsFile } = setUp(t)
  write('web_u1', 'one\n')
  const first = start()
  await first.pass(() => existsSync(positionsFile), 'the first position')
  copyFileSync(positionsFile, `${positionsFile}.before`)
  write('web_u1', 'two\n')
  await first.pass(() => first.texts().length === 2, 'the second line')
  await first.kill()
  copyFileSync(`${positionsFile}.before`, positionsFile)
  const second = start()
  await second.pass(() => second.texts().length > 0, 'the batch again')
  t.same(second.texts(), ['two'])
})

t.test('a record that the target rejects is dropped alone', async (t) => {
  const { write, start, metric, lines } = setUp(t)
  const { sink, pass, texts } = start()
  sink.behave(({ log }) => (log === 'evil' ? 'rejects' : 'takes'))
  write('web_u1', 'a\nb\nc\nevil\nd\ne\n')
  await pass(() => texts().includes('e'), 'the last line')
  t.same(texts(), ['a', 'b', 'c', 'd', 'e'])
  t.equal(await metric('dropped_bytes_total'), 5)
  t.match(
    lines.map(({ msg }) => msg),
    ['the target rejects a record', /log lines are not forwarded: the target rejects them/],
  )
})

t.test('what rotation takes away before it was sent is counted and said', async (t) => {
  const { write, start, metric, lines } = setUp(t)
  const file = write('web_u1', 'one\n')
  const { pass, texts } = start()
  await pass(() => texts().length === 1, 'the first line')
  // Its second part was rotated, and then removed.
  writeFileSync(file, `${'\0'.repeat(100)}late\n`)
  writeFileSync(`${file}.90-100`, 'rotated-9\n')
  await pass(() => texts().length === 3, 'what is left')
  t.same(texts(), ['one', 'rotated-9', 'late'])
  t.equal(await metric('dropped_bytes_total'), 86)
  t.match(
    lines.map(({ msg }) => msg),
    [/^log lines are not forwarded: the target was too slow/],
  )
})

t.test('a loud log does not keep others waiting', async (t) => {
  const { write, start } = setUp(t)
  const { sink, pass } = start()
  sink.behave('fails')
  write('web_u1', 'loud\n'.repeat(200_000))
  write('db_u2', 'quiet\n')
  await pass(() => sink.sends > 2, 'some tries')
  sink.behave('takes')
  await pass(() => sink.records.some(({ log }) => log === 'quiet'), 'the quiet one')
  t.ok(sink.records.length < 60_000, `${sink.records.length} records came before`)
})

t.test('a line for which a batch has no room comes with the next one', async (t) => {
  const { write, start } = setUp(t)
  for (const name of ['a_u1', 'b_u2', 'c_u3', 'd_u4']) write(name, `${'x'.repeat(1_000)}\n`.repeat(140))
  const quiet = 'q'.repeat(5_000)
  write('e_u5', `${quiet}\n`)
  const { pass, texts } = start()
  await pass(() => texts().includes(quiet), 'the line')
  t.equal(texts().filter((text) => text === quiet).length, 1)
})

t.test('a pod with enormous labels gets small batches', async (t) => {
  const { write, start, labels } = setUp(t)
  labels.set('u1', { big: 'x'.repeat(1024 * 1024) })
  write('web_u1', 'line\n'.repeat(20))
  write('db_u2', 'other\n')
  const { sink, pass, texts } = start()
  await pass(() => texts().length === 21, 'all lines')
  t.ok(sink.sends >= 6, `${sink.sends} batches`)
})

t.test('a pod that nobody knows any more keeps its labels; one that is gone is forgotten', async (t) => {
  const { write, start, labels, all, positionsFile } = setUp(t)
  write('web_u1', 'one\n')
  const first = start()
  await first.pass(() => first.texts().length === 1, 'the line')
  await first.kill()
  labels.clear()
  write('web_u1', 'two\n')
  const second = start()
  await second.pass(() => second.texts().length === 1, 'the next line')
  t.same(second.sink.records[0]?.labels, { app: 'web' })
  all.clear()
  const begun = second.clock.now()
  await second.pass(() => second.clock.now() - begun > 200_000, 'much longer than a log may be on its way')
  write('db_u2', 'three\n')
  await second.pass(() => second.texts().length === 2, 'another pod')
  const kept = (): readonly string[] => Object.keys(JSON.parse(readFileSync(positionsFile, 'utf8')).logs)
  await second.pass(() => kept().join() === 'default_db_u2/main/0.log', 'the position of that one alone')
})

t.test('positions that are damaged are set aside: what is there is sent again', async (t) => {
  const { folder, write, start, positionsFile, lines } = setUp(t)
  for (const text of ['{', '[]', '{"logs":{"a":{"offset":-1,"labels":{}}}}', '{"logs":{"a":{"offset":1}}}']) {
    rmSync(join(folder, 'default_web_u1'), { recursive: true, force: true })
    writeFileSync(positionsFile, text)
    write('web_u1', 'one\n')
    const { pass, texts, kill } = start()
    await pass(() => texts().length === 1, `the line after ${text}`)
    await kill()
  }
  t.ok(readdirSync(folder).some((name) => name.startsWith('positions.json.damaged-')))
  t.match(lines[0]?.msg, /positions\.json is damaged/)
})

t.test('a log that cannot be read stops no other', async (t) => {
  const { folder, write, start, all } = setUp(t)
  const key = 'default_bad_u3/main/0.log'
  mkdirSync(join(folder, key), { recursive: true })
  all.set(key, { key, file: join(folder, key), isOver: false })
  all.set('no log', { key: 'no log', file: join(folder, 'x'), isOver: false })
  write('web_u1', 'one\n')
  const { pass, texts } = start()
  await pass(() => texts().length === 1, 'the line')
})
