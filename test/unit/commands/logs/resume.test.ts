import t from 'tap'
import { type LogLine, maxLineBytes, readLines } from '../../../../src/commands/logs/lines.ts'
import { createResume } from '../../../../src/commands/logs/resume.ts'

const line = (nanos: number, text: string): LogLine => ({
  time: `2026-01-01T00:00:00.${String(nanos).padStart(9, '0')}Z`,
  text: Buffer.from(text),
})
const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text.toString())

t.test('nothing was told: all is fresh, from the beginning', async (t) => {
  const resume = createResume()
  t.equal(resume.since(), undefined)
  resume.restart()
  t.same(texts(resume.fresh([line(1, 'a'), line(1, 'a')])), ['a', 'a'])
})

t.test('what was told is left out, and nothing else, whatever it says', async (t) => {
  const resume = createResume()
  resume.fresh([line(1, 'old'), line(2, 'a')])
  resume.fresh([line(2, 'a')])
  t.equal(resume.since(), line(2, '').time)
  resume.restart()
  t.same(texts(resume.fresh([line(0, 'before'), line(1, 'old'), line(2, 'a')])), [])
  t.same(texts(resume.fresh([line(2, 'a'), line(2, 'a'), line(3, 'a')])), ['a', 'a'], 'lines of a time are counted')
  t.same(texts(resume.fresh([line(3, 'a'), line(1, 'a')])), ['a', 'a'], 'and then all is fresh')
})

t.test('a second break', async (t) => {
  const resume = createResume()
  resume.fresh([line(1, 'a')])
  resume.restart()
  resume.fresh([line(1, 'a'), line(1, 'a')])
  resume.restart()
  t.same(texts(resume.fresh([line(1, 'a'), line(1, 'a'), line(1, 'a')])), ['a'])
})

t.test('a break before anything new came', async (t) => {
  const resume = createResume()
  resume.fresh([line(1, 'a'), line(1, 'a')])
  resume.restart()
  resume.fresh([line(1, 'a')])
  resume.restart()
  t.same(texts(resume.fresh([line(1, 'a'), line(1, 'a'), line(1, 'b')])), ['b'])
})

t.test('what was told is gone by now', async (t) => {
  const resume = createResume()
  resume.fresh([line(1, 'a'), line(1, 'a')])
  resume.restart()
  t.same(texts(resume.fresh([line(2, 'b'), line(2, 'b')])), ['b', 'b'])
})

t.test('lines without a time are told', async (t) => {
  const resume = createResume()
  resume.fresh([line(1, 'a')])
  resume.restart()
  t.same(texts(resume.fresh([{ time: '', text: Buffer.from('a') }])), ['a'])
})

t.test('a long line goes on where it was broken off, however its bytes come', async (t) => {
  const whole = `${line(1, '').time} ${'x'.repeat(2 * maxLineBytes)}y\n${line(2, '').time} z\n`
  async function* inChunks(size: number, end = whole.length) {
    for (let at = 0; at < end; at += size) yield Buffer.from(whole.slice(at, Math.min(end, at + size)))
  }
  const resume = createResume()
  let text = ''
  const take = async (chunks: AsyncIterable<Buffer>, most = Number.POSITIVE_INFINITY) => {
    resume.restart()
    let left = most
    for await (const lines of readLines(chunks))
      for (const part of lines) if (left-- > 0) text += texts(resume.fresh([part])).join('')
  }
  await take(inChunks(100_000), 1)
  await take(inChunks(whole.length))
  t.equal(text.length, 2 * maxLineBytes + 2)
  t.ok(text.endsWith('xyz'))
})
