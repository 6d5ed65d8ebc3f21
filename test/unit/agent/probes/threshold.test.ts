import t from 'tap'
import { tryAfter } from '../../../../src/agent/probes/schedule.ts'
import { count, type Tally, verdict } from '../../../../src/agent/probes/threshold.ts'

/** The verdicts along a row of outcomes: `+` good, `-` bad, `.` none yet. */
const verdicts = (outcomes: string, successThreshold: number, failureThreshold: number): string => {
  let tally: Tally | undefined
  return [...outcomes]
    .map((outcome) => {
      tally = count(tally, outcome === '+')
      const reached = verdict(tally, { successThreshold, failureThreshold })
      return reached === undefined ? '.' : reached ? '+' : '-'
    })
    .join('')
}

for (const { outcomes, success, failure, become } of [
  { outcomes: '+', success: 1, failure: 3, become: '+' },
  { outcomes: '---', success: 1, failure: 3, become: '..-' },
  { outcomes: '--+--+---', success: 1, failure: 3, become: '..+..+..-' },
  { outcomes: '+-+++-', success: 2, failure: 1, become: '.-.++-' },
])
  t.test(`${outcomes} with ${success} and ${failure}`, async (t) =>
    t.equal(verdicts(outcomes, success, failure), become),
  )

const tries = (kind: 'readiness' | 'liveness', periodMs: number, n: number) =>
  Array.from({ length: n }, (_, each) => tryAfter(kind, periodMs, each)).map(({ afterMs, counts }) =>
    counts ? afterMs : -afterMs,
  )

t.test('the schedule', async (t) => {
  t.same(tries('liveness', 10_000, 3), [0, 10_000, 20_000])
  t.same(
    tries('readiness', 1_000, 6),
    [-0, -100, -300, -700, 1_000, 2_000],
    'in the first period failures do not count',
  )
  t.same(tries('readiness', 10_000, 9), [-0, -100, -300, -700, -1500, -3100, -6300, 10_000, 20_000])
})
