/** Questions that cannot be answered, remembered. */
import t from 'tap'
import { createFailures } from '../../../../src/dns/forward/failures.ts'
import { createStillClock } from '../../../support/dns-upstream.ts'

const open = (maxEntries = 10) => {
  const clock = createStillClock()
  const failures = createFailures<string>(clock, maxEntries)
  /** For how many seconds a failure that comes now is remembered. */
  const lasts = (key: string): number => {
    failures.add(key, 'failed')
    for (let seconds = 0; seconds < 1_000; seconds++) {
      if (failures.get(key) === undefined) return seconds
      clock.pass(1)
    }
    return 1_000
  }
  return { clock, failures, lasts }
}

t.test('five seconds, twice as long each time, a minute at most', async (t) => {
  const { lasts, clock } = open()
  t.same(
    Array.from({ length: 6 }, () => lasts('a')),
    [5, 10, 20, 40, 60, 60],
  )
  clock.pass(59)
  t.equal(lasts('a'), 60, 'asked again within a minute')
  clock.pass(60)
  t.equal(lasts('a'), 5, 'after a minute of nothing it begins anew')
  t.equal(lasts('b'), 5, 'others have their own')
})

t.test('what was said last is said', async (t) => {
  const { failures, clock } = open()
  t.equal(failures.get('a'), undefined)
  failures.add('a', 'first')
  clock.pass(5)
  failures.add('a', 'second')
  t.equal(failures.get('a'), 'second')
})

t.test('an answer ends it', async (t) => {
  const { failures, lasts } = open()
  t.equal(lasts('a'), 5)
  failures.add('a', 'again')
  failures.delete('a')
  t.equal(failures.get('a'), undefined)
  t.equal(lasts('a'), 5)
})

t.test('memory has an end: what failed longest ago is forgotten first', async (t) => {
  const { failures } = open(2)
  failures.add('a', 'a')
  failures.add('b', 'b')
  failures.add('a', 'a again')
  failures.add('c', 'c')
  t.same(['a', 'b', 'c'].map(failures.get), ['a again', undefined, 'c'])
})
