/** CronJobs over the real API with the time in the test's hand. */
import t from 'tap'
import { createFakeClock } from '../../../../../src/api/clock.ts'
import { cronJobs, events, jobs } from '../../../../../src/api/resources.ts'
import type { CronJob, Job } from '../../../../../src/api/types/kubernetes/batch-v1.ts'
import { startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const metadata = { name: 'c', namespace: 'default' }

const start = async (t: Parameters<typeof startControlPlane>[0], spec: object) => {
  const clock = createFakeClock(Date.now() - 120_000)
  // Their Jobs are ended by the test.
  const plane = await startControlPlane(t, { clock, disabled: ['job-controller'] })
  const { client } = plane
  const made = await plane.request('POST', '/apis/batch/v1/namespaces/default/cronjobs', {
    body: {
      metadata,
      spec: {
        ...{ schedule: '* * * * *', timeZone: 'Europe/Berlin' },
        jobTemplate: {
          metadata: { labels: { app: 'c' }, annotations: { note: 'x' } },
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'echo' }] } } },
        },
        ...spec,
      },
    },
  })
  t.same([made.code, made.warnings], [201, []])
  // Late in the minute in which the API has made it.
  const born = Date.parse((await client.get(cronJobs, 'c', 'default')).metadata.creationTimestamp ?? '')
  const now = Math.floor(born / 60_000) * 60_000 + 58_000
  clock.advance(now - clock.now())
  const jobList = async (): Promise<readonly Job[]> => (await client.list(jobs, { namespace: 'default' })).items
  return {
    now,
    client,
    jobList,
    minutes: (count: number) => clock.advance(count * 60_000),
    names: async () => (await jobList()).map(({ metadata }) => metadata.name).sort(),
    cronJob: (): Promise<CronJob> => client.get(cronJobs, 'c', 'default'),
    becomes: (condition: () => Promise<boolean>, what: string) =>
      until(() => {
        clock.advance(1)
        return condition()
      }, what),
    end: async (job: Job | undefined, type: 'Complete' | 'Failed') => {
      if (!job) throw new Error('no Job')
      const time = { lastProbeTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' }
      const startTime = '2026-01-01T00:00:00Z'
      const completionTime = '2026-01-01T00:00:00Z'
      const before = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'
      const conditions = [before, type].map((each) => ({ type: each, status: 'True', ...time }))
      const status = { startTime, conditions, ...(type === 'Complete' ? { completionTime } : {}) }
      await client.patch(jobs, job, { status }, 'status')
    },
    texts: async () =>
      (await client.list(events, { namespace: 'default' })).items.map(
        ({ type, reason, message }) => `${type} ${reason}: ${message}`,
      ),
  }
}

t.test('a Job each minute, named for it', async (t) => {
  const plane = await start(t, {})
  t.same(await plane.names(), [])
  plane.minutes(1)
  await plane.becomes(async () => (await plane.names()).length === 1, 'a Job')
  const [job] = await plane.jobList()
  const minute = Math.floor(plane.now / 60_000) + 1
  t.match(job?.metadata, {
    ...{ name: `c-${minute}`, labels: { app: 'c' } },
    annotations: { note: 'x', 'batch.kubernetes.io/cronjob-scheduled-timestamp': /:00Z$/ },
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'c', controller: true }],
  })
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 1, 'the status')
  t.equal(Date.parse((await plane.cronJob()).status.lastScheduleTime ?? ''), minute * 60_000)
  plane.minutes(1)
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 2, 'beside the first')
  await plane.end(job, 'Complete')
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 1, 'the end of the first')
  t.equal((await plane.cronJob()).status.lastSuccessfulTime, '2026-01-01T00:00:00Z')
  const texts = await plane.texts()
  for (const text of [
    `Normal SuccessfulCreate: Created job c-${minute}`,
    `Normal SawCompletedJob: Saw completed job: c-${minute}, condition: Complete`,
  ])
    t.ok(texts.includes(text), text)
})

t.test('Forbid: what is due waits for what runs', async (t) => {
  const plane = await start(t, { concurrencyPolicy: 'Forbid' })
  plane.minutes(1)
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 1, 'a Job')
  const before = await plane.names()
  plane.minutes(1)
  await plane.becomes(
    async () => (await plane.texts()).some((text) => text.startsWith('Normal JobAlreadyActive: Not starting job')),
    'the Event',
  )
  t.same(await plane.names(), before)
  await plane.end((await plane.jobList())[0], 'Failed')
  await plane.becomes(async () => (await plane.names()).length === 2, 'the next')
})

t.test('Replace: what runs goes', async (t) => {
  const plane = await start(t, { concurrencyPolicy: 'Replace' })
  plane.minutes(1)
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 1, 'a Job')
  const [before] = await plane.names()
  plane.minutes(1)
  await plane.becomes(async () => {
    const names = await plane.names()
    return names.length === 1 && names[0] !== before
  }, 'another in its place')
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 1, 'the status')
  t.ok((await plane.texts()).includes(`Normal SuccessfulDelete: Deleted job ${before}`))
})

t.test('the history is kept short', async (t) => {
  const plane = await start(t, { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 })
  for (let at = 1; at <= 3; at++) {
    plane.minutes(1)
    await plane.becomes(async () => (await plane.cronJob()).status.active?.length === at, 'a Job')
  }
  const [first, second, third] = (await plane.jobList()).toSorted((a, b) =>
    a.metadata.name < b.metadata.name ? -1 : 1,
  )
  await plane.end(first, 'Complete')
  await plane.end(second, 'Complete')
  await plane.end(third, 'Failed')
  await plane.becomes(async () => (await plane.names()).join() === second?.metadata.name, 'the last good one')
})

t.test('held, and what was missed meanwhile', async (t) => {
  const plane = await start(t, { suspend: true })
  plane.minutes(10)
  await plane.becomes(async () => true, 'a turn')
  t.same(await plane.names(), [])
  await plane.client.patch(cronJobs, { metadata }, { spec: { suspend: false } })
  await plane.becomes(async () => (await plane.names()).length === 1, 'the last one missed')
  t.same(await plane.names(), [`c-${Math.floor(plane.now / 60_000) + 10}`])
})

t.test('a Job that is gone, and one of a name that is taken', async (t) => {
  const plane = await start(t, {})
  const minute = Math.floor(plane.now / 60_000) + 1
  await plane.client.create(jobs, {
    metadata: { name: `c-${minute}`, namespace: 'default' },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'echo' }] } } },
    status: {},
  })
  plane.minutes(1)
  await plane.becomes(
    async () => (await plane.texts()).some((text) => /^Warning FailedCreate: Error creating job: .*exists/.test(text)),
    'the Event',
  )
  plane.minutes(1)
  await plane.becomes(async () => (await plane.cronJob()).status.active?.length === 1, 'the next')
  await plane.client.delete(jobs, { metadata: { name: `c-${minute + 1}`, namespace: 'default' } })
  await plane.becomes(
    async () => (await plane.texts()).includes(`Normal MissingJob: Active job went missing: c-${minute + 1}`),
    'the Event',
  )
  await plane.becomes(async () => (await plane.cronJob()).status.active === undefined, 'the status')
})
