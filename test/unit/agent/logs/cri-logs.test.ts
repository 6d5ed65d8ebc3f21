import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createCriDecoder, parseEntry } from '../../../../src/agent/logs/cri-lines.ts'
import { lastOfCriLog } from '../../../../src/agent/logs/cri-reader.ts'
import { createLogKeeper } from '../../../../src/agent/logs/keeper.ts'
import { type LogOptions, readLog } from '../../../../src/agent/logs/reader.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { createCommandRunner } from '../../../../src/host/command.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { until } from '../../../support/until.ts'

const logFile = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, '0.log')
}

const second = (n: number): string => `2026-01-02T03:04:${String(n).padStart(2, '0')}.123456789Z`
const entry = (n: number, words = `line ${n}`, kind = 'F'): string => `${second(n % 60)} stdout ${kind} ${words}\n`

const read = async (file: string, options: LogOptions = {}): Promise<string> => {
  let text = ''
  const source = { file, format: 'cri' as const, isOver: () => true }
  for await (const piece of readLog(source, options, new AbortController().signal)) text += piece.toString()
  return text
}

t.test('entries', async (t) => {
  const words = (line: string) => {
    const { time, isPartial, content } = parseEntry(Buffer.from(line))
    return [time, isPartial, content.toString()]
  }
  t.same(words('2026-01-02T03:04:05Z stdout F hello  there '), ['2026-01-02T03:04:05Z', false, 'hello  there '])
  t.same(words('2026-01-02T03:04:05+01:00 stderr P half'), ['2026-01-02T03:04:05+01:00', true, 'half'])
  t.same(words('t stdout F:more:tags x'), ['t', false, 'x'])
  t.same(words('t stdout F '), ['t', false, ''])
  t.same(words('t stdout F'), ['t', false, ''])
  for (const line of ['', 'no entry', 'a b C d', 'stdout F']) t.same(words(line), ['', false, line], line)
})

t.test('however the bytes are cut, the words are the same', async (t) => {
  const bytes = Buffer.from(
    `${entry(1, 'a', 'P')}${entry(2, 'b', 'P')}${entry(3, 'ć')}${entry(4, '')}${entry(5, 'end')}`,
  )
  for (let size = 1; size <= bytes.length; size++) {
    const decoder = createCriDecoder({ timestamps: true })
    let said = ''
    for (let at = 0; at < bytes.length; at += size)
      said += decoder.decode(bytes.subarray(at, at + size)).toString('latin1')
    said += decoder.end().toString('latin1')
    t.equal(Buffer.from(said, 'latin1').toString(), `${second(1)} abć\n${second(4)} \n${second(5)} end\n`, `by ${size}`)
  }
})

t.test('tail, since, limit, times', async (t) => {
  const file = logFile(t)
  writeFileSync(file, `${entry(1)}${entry(2, 'be', 'P')}${entry(2, 'gun')}${entry(3)}${entry(4)}`)
  t.equal(await read(file), 'line 1\nbegun\nline 3\nline 4\n')
  t.equal(await read(file, { tailLines: 2 }), 'line 3\nline 4\n')
  t.equal(await read(file, { tailLines: 3 }), 'begun\nline 3\nline 4\n', 'a line in parts is one')
  t.equal(await read(file, { tailLines: 99 }), await read(file))
  t.equal(await read(file, { tailLines: 0 }), '')
  t.equal(await read(file, { sinceTime: Date.parse('2026-01-02T03:04:03Z') }), 'line 3\nline 4\n')
  t.equal(await read(file, { tailLines: 1, timestamps: true }), `${second(4)} line 4\n`)
  t.equal(await read(file, { limitBytes: 9 }), 'line 1\nbe')
  await t.rejects(read(`${file}.none`), { code: 'ENOENT' })
})

t.test('the last lines are found however long the log is', async (t) => {
  const file = logFile(t)
  const long = 'x'.repeat(100_000)
  const lines = Array.from({ length: 3_000 }, (_, n) => `${n} ${n % 500 === 0 ? long : '.'.repeat(n % 90)}`)
  writeFileSync(file, lines.map((line) => entry(0, line)).join(''))
  for (const count of [1, 2, 499, 500, 501, 2_999, 3_000, 5_000])
    t.equal(
      await read(file, { tailLines: count }),
      lines
        .slice(-count)
        .map((line) => `${line}\n`)
        .join(''),
      `${count}`,
    )
})

t.test('rotated parts are read, too', async (t) => {
  const file = logFile(t)
  writeFileSync(`${file}.20260102-030405`, entry(1) + entry(2))
  writeFileSync(`${file}.20260102-030405-2`, entry(3))
  writeFileSync(`${file}.20260102-030405.gz`, 'of somebody else')
  writeFileSync(file, entry(4))
  t.equal(await read(file), 'line 1\nline 2\nline 3\nline 4\n')
  t.equal(await read(file, { tailLines: 3 }), 'line 2\nline 3\nline 4\n')
})

t.test('a follower loses nothing over rotations, and ends with the container', async (t) => {
  const file = logFile(t)
  writeFileSync(file, entry(1))
  let isOver = false
  let said = ''
  const follow = async () => {
    const source = { file, format: 'cri' as const, isOver: () => isOver, pollMs: 5 }
    for await (const piece of readLog(source, { follow: true }, new AbortController().signal)) said += piece.toString()
  }
  const following = follow()
  await until(() => said === 'line 1\n', 'the first line')
  for (const n of [2, 3, 4]) {
    appendFileSync(file, entry(n * 10))
    renameSync(file, `${file}.20260102-03040${n}`)
    appendFileSync(`${file}.20260102-03040${n}`, entry(n * 10 + 1))
    writeFileSync(file, entry(n * 10 + 2))
    await until(() => said.endsWith(`line ${n * 10 + 2}\n`), `part ${n}`)
    if (n === 4) rmSync(`${file}.20260102-030402`)
  }
  appendFileSync(file, entry(59))
  isOver = true
  await following
  const wanted = [1, 20, 21, 22, 30, 31, 32, 40, 41, 42, 59]
  t.equal(said, wanted.map((n) => `line ${n}\n`).join(''))
})

t.test('logs that grow too long are renamed, and begun anew by their runtime', async (t) => {
  const file = logFile(t)
  const clock = createFakeClock(Date.UTC(2026, 0, 2, 3, 4, 5))
  let reopened = 0
  let refuse = false
  const keeper = createLogKeeper({
    ...{ runner: createCommandRunner(), log: silentLogger, clock, maxBytes: 100, keep: 2 },
    active: async () => [
      {
        file,
        reopen: async () => {
          if (refuse) throw new Error('not now')
          reopened++
          writeFileSync(file, '')
        },
      },
    ],
  })
  await keeper.look()
  for (const n of [1, 2, 3, 4]) {
    writeFileSync(file, entry(n, 'y'.repeat(200)))
    await keeper.look()
    await keeper.look()
    if (n === 2) clock.advance(1_000)
  }
  t.equal(reopened, 4)
  t.same(readdirSync(join(file, '..')).sort(), ['0.log', '0.log.20260102-030406', '0.log.20260102-030406-2'])
  refuse = true
  writeFileSync(file, entry(5, 'z'.repeat(200)))
  await keeper.look()
  t.match(readFileSync(file, 'utf8'), /zzz/, 'what cannot be begun anew stays where it was')
  t.notOk(existsSync(`${file}.index`), 'the runtime tells the times')
})

t.test('the end of a log', async (t) => {
  const file = logFile(t)
  t.equal(await lastOfCriLog(file, 100), '', 'there is none')
  writeFileSync(file, Array.from({ length: 100 }, (_, n) => entry(n)).join(''))
  t.equal(await lastOfCriLog(file, 16), 'line 98\nline 99\n')
  t.equal((await lastOfCriLog(file, 10_000)).split('\n').length, 81)
})
