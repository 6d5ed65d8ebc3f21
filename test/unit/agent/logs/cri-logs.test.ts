import {
  appendFileSync,
  existsSync,
  mkdirSync,
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
import { endOf, readRecords } from '../../../../src/agent/logs/forward/read-records.ts'
import { logsBelow } from '../../../../src/agent/logs/forward/sources.ts'
import { createLogKeeper } from '../../../../src/agent/logs/keeper.ts'
import { type LogOptions, readLog } from '../../../../src/agent/logs/reader.ts'
import { rotateCri } from '../../../../src/agent/logs/rotate.ts'
import { logEndOf } from '../../../../src/agent/runtime/cri/log-end.ts'
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
  t.equal(
    await read(file, { tailLines: 4 }),
    'begun\nline 3\nline 4\n',
    'the parts of a line are counted, as a kubelet does',
  )
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
  const [first, second] = [entry(1) + entry(2), entry(3)]
  writeFileSync(`${file}.0-${first.length}`, first)
  writeFileSync(`${file}.moving`, second)
  const all = 'line 1\nline 2\nline 3\n'
  t.equal(await read(file), all, 'the runtime has begun no new file yet')
  writeFileSync(file, entry(4))
  t.equal(await read(file), `${all}line 4\n`)
  renameSync(`${file}.moving`, `${file}.${first.length}-${first.length + second.length}`)
  t.equal(await read(file), `${all}line 4\n`)
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
    await rotateCri(file, 2, async () => {
      appendFileSync(`${file}.moving`, entry(n * 10 + 1))
      writeFileSync(file, entry(n * 10 + 2))
    })
    await until(() => said.endsWith(`line ${n * 10 + 2}\n`), `part ${n}`)
  }
  appendFileSync(file, entry(59))
  isOver = true
  await following
  const wanted = [1, 20, 21, 22, 30, 31, 32, 40, 41, 42, 59]
  t.equal(said, wanted.map((n) => `line ${n}\n`).join(''))
  t.equal((await read(file)).split('\n')[0], 'line 22', 'the oldest part is gone')
})

t.test('logs of the runtime are forwarded with its own times, over rotations', async (t) => {
  const file = logFile(t)
  const log = { key: 'default_web_uid/main/0.log', file, format: 'cri' as const, isOver: false }
  const origin = { node: 'n', namespace: 'default', pod: 'web', uid: 'uid', container: 'main', labels: {} }
  const limits = { maxRecords: 2, maxBytes: 4096 }
  writeFileSync(file, `${entry(1)}${entry(2, 'half', 'P')}${entry(3)}`)
  const first = await readRecords(log, 0, origin, limits)
  const time = (n: number): number => Date.parse(second(n))
  t.match(first.records, [
    { time: time(1), log: 'line 1', isPartial: false },
    { time: time(2), log: 'half', isPartial: true },
  ])
  await rotateCri(file, 2, async () => writeFileSync(file, entry(4)))
  const rest = await readRecords(log, first.ends.at(-1) ?? 0, origin, limits)
  t.match(rest.records, [{ log: 'line 3' }, { log: 'line 4', time: time(4) }])
  const whole = entry(1).length + entry(2, 'half', 'P').length + entry(3).length + entry(4).length
  t.equal(await endOf(log), whole)
})

t.test('a log that was set aside is known by how it looks', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, words, hasIndex] of [
    ['cri', entry(1), false],
    ['own', 'hello\n', false],
    ['forged', entry(1), true],
  ] as const) {
    const place = join(folder, 'ns_pod_uid', name)
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, '0.log'), words)
    if (hasIndex) writeFileSync(join(place, '0.log.index'), '')
  }
  const found = (await logsBelow(folder)).map(({ key, format }) => [key.split('/')[1], format])
  t.same(found.sort(), [
    ['cri', 'cri'],
    ['forged', undefined],
    ['own', undefined],
  ])
})

t.test('logs that grow too long are renamed, and begun anew by their runtime', async (t) => {
  const file = logFile(t)
  const clock = createFakeClock(0)
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
  }
  t.equal(reopened, 4)
  const size = entry(1, 'y'.repeat(200)).length
  t.same(readdirSync(join(file, '..')).sort(), [
    '0.log',
    `0.log.${2 * size}-${3 * size}`,
    `0.log.${3 * size}-${4 * size}`,
  ])
  renameSync(file, `${file}.moving`)
  await keeper.look()
  t.equal(reopened, 5, 'what an agent before has begun is gone on with')
  t.notOk(existsSync(`${file}.moving`))
  refuse = true
  writeFileSync(file, entry(5, 'z'.repeat(200)))
  await keeper.look()
  t.match(readFileSync(file, 'utf8'), /zzz/, 'what cannot be begun anew stays where it was')
  t.notOk(existsSync(`${file}.index`), 'the runtime tells the times')
})

t.test('the end of a log', async (t) => {
  const file = logFile(t)
  t.equal(await logEndOf(file, 100), '', 'there is none')
  writeFileSync(file, Array.from({ length: 100 }, (_, n) => entry(n)).join(''))
  t.equal(await logEndOf(file, 16), 'line 98\nline 99\n')
  t.equal((await logEndOf(file, 10_000)).split('\n').length, 81)
})
