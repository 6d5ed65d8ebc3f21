import t from 'tap'
import type { CronJob } from '../../../../../src/api/types/kubernetes/batch-v1.ts'
import { dueRun } from '../../../../../src/control/controllers/cronjob/plan.ts'
import { countRuns, lastRun, nextRun, zoneOf } from '../../../../../src/control/controllers/cronjob/runs.ts'
import { parseSchedule, type Schedule } from '../../../../../src/control/resources/batch/schedule.ts'

const scheduleOf = (text: string): Schedule => {
  const schedule = parseSchedule(text)
  if (typeof schedule === 'string') throw new Error(schedule)
  return schedule
}

const short = (ms: number | undefined): string => (ms === undefined ? 'never' : new Date(ms).toISOString().slice(0, 16))

t.test('the next runs', async (t) => {
  const cases: readonly (readonly [schedule: string, zone: string, after: string, ...runs: string[]])[] = [
    ['*/15 * * * *', 'UTC', '2026-01-01T00:00:00Z', '2026-01-01T00:15', '2026-01-01T00:30'],
    ['*/15 * * * *', 'UTC', '2026-01-01T23:59:59.999Z', '2026-01-02T00:00'],
    ['5/20 1-2,22 * * *', 'UTC', '2026-01-01T02:30:00Z', '2026-01-01T02:45', '2026-01-01T22:05'],
    ['0 9 * * mon-fri', 'UTC', '2026-01-02T09:00:00Z', '2026-01-05T09:00'],
    ['0 0 13 * 5', 'UTC', '2026-01-10T00:00:00Z', '2026-01-13T00:00', '2026-01-16T00:00'],
    ['0 0 13 * ?', 'UTC', '2026-01-13T00:00:00Z', '2026-02-13T00:00'],
    ['0 0 */30 * 1', 'UTC', '2026-01-02T00:00:00Z', '2026-01-05T00:00'],
    ['0 0 31 * *', 'UTC', '2026-01-31T00:00:00Z', '2026-03-31T00:00'],
    ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 30 2 *', 'UTC', '2026-01-01T00:00:00Z', 'never'],
    ['0 , * * *', 'UTC', '2026-01-01T00:00:00Z', 'never'],
    ['@monthly', 'UTC', '2026-01-01T00:00:00Z', '2026-02-01T00:00'],
    ['@every 1h30m', 'UTC', '2026-01-01T00:00:00.500Z', '2026-01-01T01:30', '2026-01-01T03:00'],
    ['30 8 * * *', 'Asia/Kolkata', '2026-01-01T00:00:00Z', '2026-01-01T03:00', '2026-01-02T03:00'],
    ['0 0 * * *', 'Asia/Kathmandu', '2026-01-01T00:00:00Z', '2026-01-01T18:15'],
    ['0 0 1 1 *', 'Pacific/Kiritimati', '2026-06-01T00:00:00Z', '2026-12-31T10:00'],
    // Clocks skip from 2 to 3.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', '2026-03-28T01:30', '2026-03-30T00:30'],
    ['30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', '2026-03-29T00:30', '2026-03-29T01:30'],
    // Clocks show the hour from 1 to 2 twice.
    [
      '30 1 * * *',
      'America/New_York',
      '2026-11-01T04:00:00Z',
      '2026-11-01T05:30',
      '2026-11-01T06:30',
      '2026-11-02T06:30',
    ],
    // The day begins at 1.
    ['15 * 6 9 *', 'America/Santiago', '2026-09-05T12:00:00Z', '2026-09-06T04:15'],
    // There was no such day.
    ['0 0 30 12 *', 'Pacific/Apia', '2011-12-29T00:00:00Z', '2012-12-29T10:00'],
  ]
  for (const [text, zone, after, ...runs] of cases) {
    let at: number | undefined = Date.parse(after)
    for (const run of runs) {
      at = at === undefined ? undefined : nextRun(scheduleOf(text), zoneOf(zone), at)
      t.equal(short(at), run, `${text} in ${zone}`)
    }
  }
})

t.test('the last run, and how many', async (t) => {
  const utc = zoneOf('UTC')
  const last = (text: string, from: string, now: string): string =>
    short(lastRun(scheduleOf(text), utc, Date.parse(from), Date.parse(now)))
  t.equal(last('*/5 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:04:59Z'), 'never')
  t.equal(last('*/5 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:05:00Z'), '2026-01-01T00:05')
  t.equal(last('*/5 * * * *', '2020-01-01T00:00:00Z', '2026-01-01T00:13:00Z'), '2026-01-01T00:10')
  t.equal(last('* 0 * * *', '2020-01-01T00:00:00Z', '2026-01-01T12:00:00Z'), '2026-01-01T00:59', 'not evenly')
  t.equal(last('@yearly', '2020-06-01T00:00:00Z', '2026-03-01T00:00:00Z'), '2026-01-01T00:00')
  t.equal(last('@every 7m', '2026-01-01T00:00:00Z', '2026-01-01T00:20:00Z'), '2026-01-01T00:14')
  const count = (limit: number): number =>
    countRuns(
      scheduleOf('* * * * *'),
      utc,
      Date.parse('2026-01-01T00:00:00Z'),
      Date.parse('2026-01-01T01:00:00Z'),
      limit,
    )
  t.equal(count(100), 60)
  t.equal(count(7), 7)
})

t.test('what is due', async (t) => {
  const due = (spec: Partial<CronJob['spec']>, status: CronJob['status'], now: string) => {
    const cronJob: CronJob = {
      ...{ apiVersion: 'batch/v1', kind: 'CronJob' },
      metadata: { name: 'c', creationTimestamp: '2026-01-01T00:00:30Z' },
      spec: {
        schedule: '',
        jobTemplate: { metadata: { name: '' }, spec: { template: { spec: { containers: [] } } } },
        ...spec,
      },
      status,
    }
    const found = dueRun(cronJob, scheduleOf('*/10 * * * *'), zoneOf('UTC'), Date.parse(now))
    return [short(found.at), found.missedMany, found.nextInMs]
  }
  t.same(due({}, {}, '2026-01-01T00:09:59Z'), ['never', false, 1_000])
  t.same(due({}, {}, '2026-01-01T00:10:00Z'), ['2026-01-01T00:10', false, 600_000])
  t.same(due({}, { lastScheduleTime: '2026-01-01T00:10:00Z' }, '2026-01-01T00:19:00Z'), ['never', false, 60_000])
  t.same(due({}, {}, '2026-01-01T01:05:00Z'), ['2026-01-01T01:00', false, 300_000], 'the last of those missed')
  t.same(due({}, {}, '2026-01-02T01:05:00Z'), ['2026-01-02T01:00', true, 300_000], 'of many')
  t.same(due({ startingDeadlineSeconds: 299 }, {}, '2026-01-02T01:05:00Z'), ['never', false, 300_000])
  t.same(due({ startingDeadlineSeconds: 301 }, {}, '2026-01-02T01:05:00Z'), ['2026-01-02T01:00', false, 300_000])
})
