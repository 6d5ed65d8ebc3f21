import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { events } from '../../../../src/api/resources.ts'
import type { Event } from '../../../../src/api/types/index.ts'
import { surplusEvents } from '../../../../src/control/controllers/event-ttl.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const now = Date.UTC(2026, 0, 2)
const hour = 3_600_000
const time = (ago: number): string => new Date(now - ago).toISOString()

const event = (name: string, bornAgo: number, more: Partial<Event> = {}): Event => ({
  ...{ apiVersion: 'v1', kind: 'Event', involvedObject: {}, reason: 'R', message: '', type: 'Normal' },
  metadata: { name, namespace: 'default', creationTimestamp: time(bornAgo) },
  ...more,
})
const names = (all: readonly Event[]) => all.map(({ metadata }) => metadata.name)

t.test('what is no news any more goes', async (t) => {
  const all = [
    event('new', 1_000),
    event('old', hour + 1),
    event('seen again', 5 * hour, { lastTimestamp: time(1_000) }),
    event('a series', 5 * hour, { series: { count: 2, lastObservedTime: time(hour - 1) } }),
    event('a series that ended', 5 * hour, { series: { count: 2, lastObservedTime: time(2 * hour) } }),
    event('says it is of the future', 2 * hour, { lastTimestamp: time(-1_000 * hour) }),
    event('of the future, and new', 1_000, { lastTimestamp: time(-1_000 * hour) }),
    event('no time at all', 2 * hour, { lastTimestamp: 'soon' }),
  ]
  t.same([...names(surplusEvents(all, now))].sort(), [
    'a series that ended',
    'no time at all',
    'old',
    'says it is of the future',
  ])
})

t.test('of too many the oldest go at once', async (t) => {
  const all = Array.from({ length: 10_300 }, (_, n) => event(`e${n}`, n))
  const gone = new Set(names(surplusEvents(all, now)))
  t.equal(gone.size, 300)
  t.ok(gone.has('e10299') && gone.has('e10000') && !gone.has('e9999'))
})

t.test('more than one batch goes with one look', async (t) => {
  const clock = createFakeClock(Date.now() + 2 * hour)
  const { client } = await startControlPlane(t, { clock })
  const made = Array.from({ length: 250 }, (_, n) => ({
    ...({
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'a' },
      reason: 'R',
      message: 'm',
      type: 'Normal',
    } as const),
    metadata: { name: `e${n}`, namespace: 'default' },
  }))
  await Promise.all(made.map((each) => client.create(events, each)))
  await until(async () => {
    clock.advance(30_000)
    return (await client.list(events)).items.length === 0
  }, 'all of them to go')
  t.pass()
})
