import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { endOf, maxRecordBytes, piecesOf, readRecords } from '../../../../../src/agent/logs/forward/read-records.ts'
import type { LogOrigin } from '../../../../../src/agent/logs/forward/record.ts'
import { appendNote } from '../../../../../src/agent/logs/log-index.ts'

const origin: LogOrigin = {
  ...{ namespace: 'default', pod: 'web-0', uid: 'u1', container: 'echo', node: 'node1', labels: {} },
}
const limits = { maxRecords: 100, maxBytes: 100_000 }

const logIn = (t: Test, content: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'pw-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, '0.log')
  writeFileSync(file, content)
  return { file, key: 'default_web-0_u1/echo/0.log', isOver: false }
}

t.test('whole lines, from where one was, with the times that were noted', async (t) => {
  const log = logIn(t, 'one\ntwo\nhalf')
  appendNote(log.file, { offset: 4, time: 1_000 })
  const read = await readRecords(log, 0, origin, limits)
  t.same(
    read.records.map(({ log }) => log),
    ['one', 'two'],
  )
  t.same(read.ends, [4, 8])
  t.equal(read.records[0]?.time, 1_000)
  t.ok((read.records[1]?.time ?? 0) > 1_000, 'what is not noted yet bears the time of the last write')
  t.same((await readRecords(log, 8, origin, limits)).records, [], 'half of a line waits for the rest')
  appendFileSync(log.file, ' done\n')
  t.match((await readRecords(log, 8, origin, limits)).records, [{ log: 'half done', isPartial: false }])
})

t.test('of a log that is over, half of a line is a line', async (t) => {
  const log = { ...logIn(t, 'one\nlast'), isOver: true }
  t.match((await readRecords(log, 4, origin, limits)).records, [{ log: 'last' }])
  t.same((await readRecords(log, 8, origin, limits)).records, [])
})

t.test('over rotated parts, and what is gone is told', async (t) => {
  const log = logIn(t, `${'\0'.repeat(20)}four\n`)
  writeFileSync(`${log.file}.10-15`, 'two-\n')
  writeFileSync(`${log.file}.15-20`, 'three')
  const read = await readRecords(log, 3, origin, limits)
  t.equal(read.from, 10, 'seven bytes were not read in time')
  t.same(
    read.records.map(({ log }) => log),
    ['two-', 'threefour'],
  )
  t.equal(await endOf(log), 25)
})

t.test('no more than may be', async (t) => {
  const log = logIn(t, 'a\nb\nc\n')
  t.equal((await readRecords(log, 0, origin, { maxRecords: 2, maxBytes: 100 })).records.length, 2)
  t.equal((await readRecords(log, 0, origin, { maxRecords: 9, maxBytes: 4 })).records.length, 2)
})

t.test('a log that is gone', async (t) => {
  const log = { ...logIn(t, ''), file: '/nowhere/0.log' }
  await t.rejects(readRecords(log, 0, origin, limits), { code: 'ENOENT' })
  t.equal(await endOf(log), undefined)
})

t.test('long lines come in parts, not in the middle of a character', async (t) => {
  const bytes = Buffer.from(`${'x'.repeat(maxRecordBytes - 1)}€ü\nshort\n`)
  const pieces = piecesOf(bytes, false, 10)
  t.same(
    pieces.map(({ isPartial }) => isPartial),
    [true, false, false],
  )
  t.equal(pieces.map(({ text }) => text.toString()).join('|'), `${'x'.repeat(maxRecordBytes - 1)}|€ü|short`)
  t.equal(pieces.at(-1)?.end, bytes.length)
  const endless = Buffer.alloc(maxRecordBytes * 2 + 5, 'y')
  t.equal(piecesOf(endless, false, 10).length, 2, 'the rest waits')
  t.equal(piecesOf(endless, true, 10).length, 3)
  t.equal(piecesOf(Buffer.alloc(maxRecordBytes + 8, 0x80), true, 10).at(-1)?.end, maxRecordBytes + 8, 'no text at all')
})
