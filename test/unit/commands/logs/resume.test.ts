import t from 'tap'
import type { LogLine } from '../../../../src/commands/logs/lines.ts'
import { createResume } from '../../../../src/commands/logs/resume.ts'

const line = (seconds: number, text: string): LogLine => ({
  time: `2026-01-01T00:00:${seconds.toFixed(3).padStart(6, '0')}000000Z`,
  text: Buffer.from(text),
})
const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text.toString())

t.test('nothing was told: all is fresh, from the beginning', async (t) => {
  const resume = createResume()
  t.equal(resume.since(), undefined)
  resume.restart()
  t.same(texts(resume.fresh([line(1, 'a'), line(1, 'a')])), ['a', 'a'])
})

t.test('what was told is left out, and nothing else', async (t) => {
  const resume = createResume()
  resume.told([line(10, 'old'), line(20, 'a'), line(20, 'b')])
  resume.told([line(20, 'a')])
  t.equal(resume.since(), '2026-01-01T00:00:18.000Z')
  resume.restart()
  t.same(
    texts(resume.fresh([line(17, 'before'), line(20.4, 'a'), line(20.4, 'b'), line(20.4, 'a'), line(20.4, 'a')])),
    ['a'],
    'lines that are the same are counted',
  )
  t.same(texts(resume.fresh([line(20.5, 'c')])), ['c'])
  t.same(texts(resume.fresh([line(30, 'b'), line(30, 'a')])), ['b', 'a'], 'later ones are new, whatever they say')
})

t.test('a second break', async (t) => {
  const resume = createResume()
  resume.told([line(1, 'a')])
  resume.restart()
  resume.told(resume.fresh([line(1, 'a'), line(1.2, 'b')]))
  resume.restart()
  t.same(texts(resume.fresh([line(1, 'a'), line(1.2, 'b'), line(1.2, 'c')])), ['c'])
})

t.test('lines without a time are told', async (t) => {
  const resume = createResume()
  resume.told([line(1, 'a')])
  resume.restart()
  t.same(texts(resume.fresh([{ time: '', text: Buffer.from('a') }])), ['a'])
})
