import { appendFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { appendNote, indexFile } from '../../../../src/agent/logs/log-index.ts'
import { type LogOptions, readLog } from '../../../../src/agent/logs/reader.ts'
import { partFile } from '../../../../src/agent/logs/segments.ts'

const read = async (file: string, options: LogOptions = {}): Promise<string> => {
  const pieces: Buffer[] = []
  const never = new AbortController().signal
  for await (const piece of readLog({ file, isOver: () => true }, options, never)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** Ten lines `line 0` … `line 9` of seven bytes each, seen a second apart, the first six of them rotated away. */
const rotated = (t: Test): string => {
  const file = join(t.testdir(), '0.log')
  const text = Array.from({ length: 10 }, (_, n) => `line ${n}\n`).join('')
  writeFileSync(partFile(file, 0, 21), text.slice(0, 21))
  writeFileSync(partFile(file, 21, 42), text.slice(21, 42))
  writeFileSync(file, `${'\0'.repeat(42)}${text.slice(42)}`)
  writeFileSync(indexFile(file), Array.from({ length: 10 }, (_, n) => `${(n + 1) * 7} ${n * 1000}\n`).join(''))
  return file
}

const numbers = (text: string): string => [...text.matchAll(/line (\d)/g)].map(([, n]) => n).join('')

for (const { name, options, lines } of [
  { name: 'everything', options: {}, lines: '0123456789' },
  { name: 'the last two', options: { tailLines: 2 }, lines: '89' },
  { name: 'over the border of the live file', options: { tailLines: 5 }, lines: '56789' },
  { name: 'over two borders', options: { tailLines: 8 }, lines: '23456789' },
  { name: 'more than there are', options: { tailLines: 100 }, lines: '0123456789' },
  { name: 'no line', options: { tailLines: 0 }, lines: '' },
  { name: 'since a time', options: { sinceTime: 3000 }, lines: '3456789' },
  { name: 'since a time between', options: { sinceTime: 3001 }, lines: '456789' },
  { name: 'since later', options: { sinceTime: 60_000 }, lines: '' },
  { name: 'since before', options: { sinceTime: -1 }, lines: '0123456789' },
  { name: 'the last two since a time', options: { sinceTime: 3000, tailLines: 2 }, lines: '89' },
  { name: 'since a time, at most so many', options: { sinceTime: 8000, tailLines: 5 }, lines: '89' },
])
  t.test(name, async (t) => t.equal(numbers(await read(rotated(t), options)), lines))

t.test('a limit in bytes', async (t) => {
  t.equal(await read(rotated(t), { limitBytes: 10 }), 'line 0\nlin')
  t.equal(await read(rotated(t), { limitBytes: 9, tailLines: 2 }), 'line 8\nli')
})

t.test('timestamps', async (t) => {
  t.equal(
    await read(rotated(t), { timestamps: true, tailLines: 2 }),
    '1970-01-01T00:00:08.000000007Z line 8\n1970-01-01T00:00:09.000000007Z line 9\n',
  )
})

t.test('a last line without an end', async (t) => {
  const file = join(t.testdir(), '0.log')
  writeFileSync(file, 'one\ntwo\nthree')
  t.equal(await read(file, { tailLines: 1 }), 'three')
  t.equal(await read(file, { tailLines: 2 }), 'two\nthree')
  t.match(await read(file, { timestamps: true }), /^\S+Z one\n\S+Z two\n\S+Z three$/)
})

t.test('a line longer than a chunk', async (t) => {
  const file = join(t.testdir(), '0.log')
  const long = 'x'.repeat(200_000)
  writeFileSync(file, `first\n${long}\nlast\n`)
  t.equal(await read(file, { tailLines: 2 }), `${long}\nlast\n`)
  t.equal((await read(file, { timestamps: true, tailLines: 2 })).split('\n')[0]?.length, 200_000 + 31)
})

t.test('an empty log, and none at all', async (t) => {
  const file = join(t.testdir(), '0.log')
  writeFileSync(file, '')
  t.equal(await read(file, { tailLines: 3, timestamps: true, sinceTime: 4 }), '')
  await t.rejects(read(`${file}.other`), { code: 'ENOENT' })
})

t.test('a line keeps the time that it was served with, whoever looks at the log next', async (t) => {
  const file = join(t.testdir(), '0.log')
  writeFileSync(file, 'one\none\ntw')
  const before = await read(file, { timestamps: true })
  utimesSync(file, 1_900_000_000, 1_900_000_000)
  appendNote(file, { offset: 10, time: 1_900_000_000_000 })
  t.equal(await read(file, { timestamps: true }), before)
  appendFileSync(file, 'o\none\n')
  const after = (await read(file, { timestamps: true })).split('\n')
  t.same(after.slice(0, 2), before.split('\n').slice(0, 2))
  const times = after.slice(0, 4).map((line) => line.slice(0, 30))
  t.same(times, [...new Set(times)].sort(), 'no two lines have the same')
  const since = Date.parse(times[3] ?? '')
  t.match(await read(file, { timestamps: true, sinceTime: since }), `${times[3]} one\n`, 'from there it goes on')
})

t.test('a reading that is stopped in the middle of a line does not show it', async (t) => {
  const file = join(t.testdir(), '0.log')
  writeFileSync(file, 'one\ntw')
  const stop = new AbortController()
  let text = ''
  const options = { timestamps: true, follow: true }
  for await (const bytes of readLog({ file, isOver: () => false, pollMs: 1 }, options, stop.signal)) {
    text += bytes
    stop.abort()
  }
  t.match(text, /^\S+ one\n$/)
})
