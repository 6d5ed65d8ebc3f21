import t from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { createFakeClock } from '../../../src/api/clock.ts'
import { createEventRecorder, referenceTo } from '../../../src/api/event-recorder.ts'
import type { Event } from '../../../src/api/types/index.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { openClusterApi } from '../../support/cluster-api.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '7' },
}

const setUp = async () => {
  const clock = createFakeClock()
  const api = await openClusterApi({ clock })
  const client = createClient(api)
  const recorder = createEventRecorder({ client, component: 'podway', host: 'node-a', log: silentLogger, clock })
  const all = async (): Promise<readonly Event[]> => {
    await recorder.flush()
    return api.all('events') as readonly Event[]
  }
  return { clock, api, recorder, all }
}

t.test('an event says who, what, where and when', async (t) => {
  const { recorder, all } = await setUp()
  recorder.record(referenceTo(pod, 'spec.containers{main}'), 'Normal', 'Started', 'Started container main')
  const [event] = await all()
  t.match(event, {
    kind: 'Event',
    metadata: { namespace: 'shop', name: /^web\.[0-9a-f]+$/ },
    involvedObject: {
      ...{ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '7' },
      fieldPath: 'spec.containers{main}',
    },
    ...{ type: 'Normal', reason: 'Started', message: 'Started container main', count: 1 },
    ...{ firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z' },
    source: { component: 'podway', host: 'node-a' },
  })
})

t.test('the same again counts up', async (t) => {
  const { clock, recorder, all } = await setUp()
  for (let n = 0; n < 3; n++) {
    recorder.record(referenceTo(pod), 'Warning', 'BackOff', 'Back-off restarting failed container')
    clock.advance(10_000)
    await recorder.flush()
  }
  recorder.record(referenceTo(pod), 'Warning', 'BackOff', 'another text')
  t.same(
    (await all()).map(({ count, firstTimestamp, lastTimestamp }) => [count, firstTimestamp, lastTimestamp]),
    [
      [3, '2026-01-01T00:00:00Z', '2026-01-01T00:00:20Z'],
      [1, '2026-01-01T00:00:30Z', '2026-01-01T00:00:30Z'],
    ],
  )
})

t.test('many that are alike become one', async (t) => {
  const { recorder, all } = await setUp()
  for (let n = 0; n < 14; n++) recorder.record(referenceTo(pod), 'Warning', 'Failed', `attempt ${n} failed`)
  const found = await all()
  t.equal(found.length, 11)
  t.match(found.at(-1), { count: 4, message: '(combined from similar events): attempt 13 failed' })
})

t.test('an object that says too much is cut short, others are not', async (t) => {
  const { clock, recorder, all } = await setUp()
  for (let n = 0; n < 40; n++) recorder.record(referenceTo(pod), 'Normal', `Reason${n}`, 'text')
  t.equal((await all()).length, 25)
  recorder.record({ kind: 'Node', name: 'node-a' }, 'Normal', 'Starting', 'text')
  t.ok((await all()).some(({ metadata }) => metadata.namespace === 'default'))
  clock.advance(300_000)
  recorder.record(referenceTo(pod), 'Normal', 'Later', 'text')
  t.equal((await all()).length, 27, 'after a while it may speak again')
})

t.test('an event that expired is made anew; a server that fails is only logged', async (t) => {
  const { api, recorder, all } = await setUp()
  recorder.record(referenceTo(pod), 'Normal', 'A', 'text')
  const [first] = await all()
  api.drop('events', `shop/${first?.metadata.name}`)
  recorder.record(referenceTo(pod), 'Normal', 'A', 'text')
  t.match(await all(), [{ count: 1 }])
  api.interfere(() => {
    throw new Error('down')
  })
  recorder.record(referenceTo(pod), 'Normal', 'B', 'text')
  await recorder.flush()
  api.interfere(undefined)
  recorder.record(referenceTo(pod), 'Normal', 'C', 'text')
  t.same(
    (await all()).map(({ reason }) => reason),
    ['A', 'C'],
  )
})
