import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { createKeptAnswers } from '../../../../src/control/auth/kept-answers.ts'

t.test('an answer holds for its time, also when it says nobody', (t) => {
  const clock = createFakeClock()
  const kept = createKeptAnswers<string | undefined>(clock)
  t.equal(kept.find('a'), undefined)
  kept.keep('a', undefined, 2)
  kept.keep('b', 'yes', 0)
  t.match(kept.find('a'), { answer: undefined })
  t.ok(kept.find('a'))
  t.equal(kept.find('b'), undefined, 'not for a moment')
  clock.advance(2000)
  t.equal(kept.find('a'), undefined)
  t.end()
})

t.test('the oldest goes when there are too many', (t) => {
  const kept = createKeptAnswers<number>(createFakeClock())
  for (let at = 0; at <= 8192; at++) kept.keep(String(at), at, 60)
  t.equal(kept.find('0'), undefined)
  t.equal(kept.find('1')?.answer, 1)
  t.equal(kept.find('8192')?.answer, 8192)
  t.end()
})
