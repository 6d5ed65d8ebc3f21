import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogKeeper } from '../../../../src/agent/logs/keeper.ts'
import { parseIndex } from '../../../../src/agent/logs/log-index.ts'
import { type LogOptions, readLog } from '../../../../src/agent/logs/reader.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { CommandError, type CommandRunner, createCommandRunner } from '../../../../src/host/command.ts'
import { opensNothing } from '../../../../src/host/fake-command.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { until } from '../../../support/until.ts'

const setUp = (t: Test, runner: CommandRunner = createCommandRunner(), maxBytes = 10_000) => {
  const file = join(t.testdir(), '0.log')
  const clock = createFakeClock(0)
  writeFileSync(file, '')
  const keeper = createLogKeeper({
    active: async () => [{ file }],
    runner,
    log: silentLogger,
    clock,
    maxBytes,
    keep: 2,
  })
  return { file, clock, keeper }
}

const read = async (file: string, options: LogOptions = {}): Promise<string> => {
  let text = ''
  const never = new AbortController().signal
  for await (const piece of readLog({ file, isOver: () => true }, options, never)) text += piece.toString()
  return text
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) => `line ${String(from + n).padStart(5, '0')} ${'.'.repeat(88)}\n`).join('')

t.test('growth is noted, silence is not', async (t) => {
  const { file, clock, keeper } = setUp(t)
  for (const text of ['one\n', '', 'two\n', '', '']) {
    clock.advance(500)
    appendFileSync(file, text)
    await keeper.look()
  }
  t.same(parseIndex(readFileSync(`${file}.index`, 'utf8')).notes, [
    { offset: 4, time: 500 },
    { offset: 8, time: 1500 },
  ])
  t.equal(await read(file, { timestamps: true, tailLines: 1 }), '1970-01-01T00:00:01.500000004Z two\n')
})

t.test('rotation loses nothing, frees the space, and keeps so many parts', async (t) => {
  const { file, clock, keeper } = setUp(t)
  for (let n = 0; n < 800; n += 80) {
    appendFileSync(file, `${lines(n, n + 80)}`)
    clock.advance(500)
    await keeper.look()
  }
  const parts = readdirSync(join(file, '..')).filter((name) => /^0\.log\.\d/.test(name))
  t.equal(parts.length, 2)
  t.equal(statSync(file).size, 80_000, 'offsets go on growing')
  t.ok(statSync(file).blocks * 512 <= 24_000, 'but the space is free')
  const text = await read(file)
  t.equal(text, lines(800 - text.length / 100, 800), 'what is left is without a gap')
  t.ok(text.length >= 32_000)
  t.equal(await read(file, { tailLines: 300 }), text.slice(-30_000))
  t.equal(parseIndex(readFileSync(`${file}.index`, 'utf8')).notes.at(-1)?.offset, 80_000)
})

t.test('a line that is being written stays in the live file', async (t) => {
  const { file, keeper } = setUp(t)
  appendFileSync(file, `${lines(0, 120)}half a li`)
  await keeper.look()
  t.same(readdirSync(join(file, '..')).sort(), ['0.log', '0.log.0-12000', '0.log.index'])
  appendFileSync(file, 'ne\n')
  t.equal(await read(file), `${lines(0, 120)}half a line\n`)
})

t.test('a reader that follows sees every line once, whatever is rotated meanwhile', async (t) => {
  const { file, keeper } = setUp(t)
  let isOver = false
  let text = ''
  const follow = async (): Promise<void> => {
    const source = { file, isOver: () => isOver, pollMs: 1 }
    const stop = new AbortController().signal
    for await (const piece of readLog(source, { follow: true }, stop)) text += piece.toString()
  }
  const following = follow()
  for (let n = 0; n < 1000; n += 50) {
    appendFileSync(file, lines(n, n + 50))
    await keeper.look()
    await until(() => text.length >= (n + 50) * 100, 'the reader')
  }
  appendFileSync(file, 'the last words')
  isOver = true
  await following
  t.equal(text, `${lines(0, 1000)}the last words`)
})

t.test('a follower can be sent away', async (t) => {
  const { file } = setUp(t)
  const stop = new AbortController()
  const source = { file, isOver: () => false, pollMs: 60_000 }
  const end = (async () => {
    for await (const piece of readLog(source, { follow: true }, stop.signal)) t.fail(`read ${piece}`)
  })()
  stop.abort()
  await end
  t.pass('it ended')
})

t.test('where holes cannot be punched, a log grows to its hard limit and is cut off there', async (t) => {
  const runner: CommandRunner = {
    open: opensNothing,
    run: async () => {
      throw new CommandError('fallocate', 1, 'fallocate: fallocate failed: Operation not supported')
    },
  }
  const { file, keeper } = setUp(t, runner)
  appendFileSync(file, lines(0, 200))
  await keeper.look()
  t.equal(statSync(file).size, 20_000, 'nothing is lost below the limit')
  t.equal(await read(file), lines(0, 200))
  appendFileSync(file, lines(200, 310))
  await keeper.look()
  t.equal(statSync(file).size, 0)
  t.equal(await read(file), lines(210, 310), 'the tail is kept')
  appendFileSync(file, lines(310, 320))
  await keeper.look()
  t.equal(await read(file), lines(210, 320))
  t.equal(await read(file, { tailLines: 15 }), lines(305, 320))
})

t.test('an interrupted rotation is made good by the next look of a new agent', async (t) => {
  const { file, keeper } = setUp(t)
  appendFileSync(file, lines(0, 120))
  writeFileSync(`${file}.0-12000`, lines(0, 120))
  writeFileSync(`${file}.part`, 'rubbish')
  t.equal(await read(file), lines(0, 120), 'copied but not yet punched')
  appendFileSync(file, lines(120, 230))
  await keeper.look()
  t.equal(await read(file), lines(0, 230))
  t.ok(statSync(file).blocks * 512 < 12_000)
})
