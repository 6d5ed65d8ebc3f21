import { appendFileSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  appendNote,
  indexFile,
  lineTime,
  maxNotes,
  noteGrowth,
  offsetSince,
  parseIndex,
  readIndex,
  timeOf,
  trimIndex,
  trimNotes,
} from '../../../../src/agent/logs/log-index.ts'

const notes = [
  { offset: 10, time: 1000 },
  { offset: 30, time: 2000 },
  { offset: 50, time: 3000 },
]

t.test('the text form', async (t) => {
  t.same(parseIndex('10 1000\nbase 20\n30 2000\n5'), {
    notes: [
      { offset: 10, time: 1000 },
      { offset: 30, time: 2000 },
    ],
    base: 20,
  })
  t.same(parseIndex(''), { notes: [], base: 0 })
})

for (const { time, offset } of [
  { time: 500, offset: 0 },
  { time: 1000, offset: 0 },
  { time: 1001, offset: 10 },
  { time: 2000, offset: 10 },
  { time: 9000, offset: 50 },
])
  t.test(`since ${time} begins at ${offset}`, async (t) => t.equal(offsetSince(notes, time), offset))

t.test('a line bears the time of the first note that covers it', async (t) => {
  t.same(
    [1, 10, 11, 30, 50, 51].map((end) => timeOf(notes, end)),
    [1000, 1000, 2000, 2000, 3000, undefined],
  )
})

t.test('each line has a time of its own, and times go up', async (t) => {
  t.same(
    [1, 10, 11, 51].map((end) => lineTime(notes, end)),
    ['1970-01-01T00:00:01.000000001Z', '1970-01-01T00:00:01.000000010Z', '1970-01-01T00:00:02.000000001Z', undefined],
  )
  const long = [...notes, { offset: 50 + 30_000_000, time: 3001 }]
  t.same(
    [51, 15_000_050, 30_000_050].map((end) => lineTime(long, end)),
    ['1970-01-01T00:00:03.001000000Z', '1970-01-01T00:00:03.001499999Z', '1970-01-01T00:00:03.001999999Z'],
    'a growth of more bytes than a millisecond has nanoseconds',
  )
})

t.test('notes about deleted bytes go, and old ones are thinned out', async (t) => {
  t.same(trimNotes(notes, 10), notes, 'the last of them says where the next growth begins')
  t.same(trimNotes(notes, 30), notes.slice(1))
  for (const length of [maxNotes + 1, maxNotes * 7]) {
    const many = Array.from({ length }, (_, at) => ({ offset: at + 1, time: at }))
    const few = trimNotes(many, 0)
    t.ok(few.length <= (maxNotes * 3) / 4, `${few.length} of ${length}`)
    t.same(few.slice(-maxNotes / 2), many.slice(-maxNotes / 2), 'the recent ones stay')
  }
})

t.test('a note is later and longer than the one before, and what a crash has cut off goes', async (t) => {
  const log = join(t.testdir(), '0.log')
  appendNote(log, { offset: 10, time: 1000 })
  appendNote(log, { offset: 10, time: 2000 })
  appendNote(log, { offset: 20, time: 900 })
  appendFileSync(indexFile(log), '30 99')
  appendNote(log, { offset: 15, time: 3000 })
  t.equal(readFileSync(indexFile(log), 'utf8'), '10 1000\n20 1001\n')
})

for (const day of ['1960-01-01', '2400-01-01'])
  t.test(`a container that says its log was written on ${day} spoils no index`, async (t) => {
    const log = join(t.testdir({ '0.log': 'one\n' }), '0.log')
    utimesSync(log, new Date(day), new Date(day))
    const [note] = await noteGrowth(log)
    t.equal(note?.offset, 4)
    t.ok(note && note.time >= 0 && note.time <= Date.now(), `${note?.time}`)
    t.same((await readIndex(log)).notes, [note])
  })

t.test('a log that is removed while its index is trimmed leaves nothing', async (t) => {
  const folder = t.testdir()
  const log = join(folder, '0.log')
  for (const note of notes) appendNote(log, note)
  const trimmed = trimIndex(log, 30)
  const refused = t.rejects(trimmed, { code: 'ENOENT' })
  // What is written is written in several turns.
  while (readdirSync(folder).length < 2) await new Promise((resolve) => setImmediate(resolve))
  rmSync(indexFile(log))
  await refused
  t.same(readdirSync(folder), [])
})

t.test('what is noted while an index is trimmed stays', async (t) => {
  const log = join(t.testdir(), '0.log')
  for (const note of notes) appendNote(log, note)
  const trimmed = trimIndex(log, 30)
  for (let at = 0; at < 50; at++) {
    appendNote(log, { offset: 60 + at, time: 4000 + at })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await trimmed
  const found = await readIndex(log)
  t.same([found.notes.length, found.notes[0], found.notes.at(-1)], [52, notes[1], { offset: 109, time: 4049 }])
})
