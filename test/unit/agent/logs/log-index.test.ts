import t from 'tap'
import { maxNotes, offsetSince, parseIndex, timeOf, trimNotes } from '../../../../src/agent/logs/log-index.ts'

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

t.test('notes about deleted bytes go, and too many are thinned out', async (t) => {
  t.same(trimNotes(notes, 10), notes.slice(1))
  const many = Array.from({ length: maxNotes + 1 }, (_, at) => ({ offset: at + 1, time: at }))
  const few = trimNotes(many, 0)
  t.ok(few.length <= maxNotes / 2 + 1)
  t.same(few.at(-1), many.at(-1), 'the last one stays')
})
