/** Jobs over the real API with the time in the test's hand; the test ends their pods. */
import t from 'tap'
import { createFakeClock, formatTime } from '../../../../../src/api/clock.ts'
import { events, jobs, pods } from '../../../../../src/api/resources.ts'
import type { Pod } from '../../../../../src/api/types/index.ts'
import type { Job } from '../../../../../src/api/types/kubernetes/batch-v1.ts'
import { type ControlPlane, startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

const metadata = { name: 'j', namespace: 'default' }

const specOf = (more: object = {}, restartPolicy = 'Never') => ({
  template: { spec: { restartPolicy, containers: [{ name: 'main', image: 'echo' }] } },
  ...more,
})

interface JobPlane extends ControlPlane {
  job(): Promise<Job>
  /** Pods that run, by index or age. */
  running(): Promise<readonly Pod[]>
  end(pod: Pod | undefined, phase: 'Succeeded' | 'Failed', exitCode?: number): Promise<void>
  /** Waits; meanwhile a tenth of a second of the controllers' time goes by in each turn. */
  becomes(condition: () => Promise<boolean>, what: string): Promise<void>
  pass(seconds: number): void
  texts(): Promise<readonly string[]>
}

const start = async (
  t: Parameters<typeof startControlPlane>[0],
  spec: object,
  restartPolicy?: string,
): Promise<JobPlane> => {
  const clock = createFakeClock(Date.now())
  const plane = await startControlPlane(t, { clock })
  await plane.addNode('n1')
  const { client } = plane
  const made = await plane.request('POST', '/apis/batch/v1/namespaces/default/jobs', {
    body: { metadata, spec: specOf(spec, restartPolicy) },
  })
  t.same([made.code, made.warnings], [201, []])
  return {
    ...plane,
    job: () => client.get(jobs, 'j', 'default'),
    running: async () =>
      (await plane.podList('job-name=j')).filter(
        ({ status, metadata }) => status?.phase === 'Running' && metadata.deletionTimestamp === undefined,
      ),
    end: async (pod, phase, exitCode = phase === 'Failed' ? 1 : 0) => {
      if (!pod) throw new Error('no pod')
      const finishedAt = formatTime(clock.now())
      const containerStatuses = [
        {
          ...{ name: 'main', ready: false, image: 'echo', imageID: '', restartCount: 0 },
          state: { terminated: { exitCode, finishedAt } },
        },
      ]
      await client.patch(pods, pod, { status: { phase, containerStatuses } }, 'status')
    },
    becomes: async (condition, what) => {
      await until(() => {
        clock.advance(100)
        return condition()
      }, what)
    },
    pass: (seconds) => clock.advance(seconds * 1000),
    texts: async () =>
      (await client.list(events, { namespace: 'default' })).items
        .filter(({ involvedObject }) => involvedObject.kind === 'Job')
        .map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
  }
}

const isEnded = (job: Job, type: string): boolean =>
  job.status.conditions?.some((each) => each.type === type && each.status === 'True') ?? false

const finalizersOf = async (plane: JobPlane) =>
  (await plane.podList()).flatMap(({ metadata }) => metadata.finalizers ?? [])

t.test('runs to completion, with each pod counted once and let go of', async (t) => {
  const plane = await start(t, { completions: 3, parallelism: 2 })
  await plane.becomes(async () => (await plane.running()).length === 2, 'two pods')
  t.same(await finalizersOf(plane), ['batch.kubernetes.io/job-tracking', 'batch.kubernetes.io/job-tracking'])
  await plane.becomes(async () => (await plane.job()).status.ready === 2, 'the status')
  t.match((await plane.job()).status, { active: 2, ready: 2, startTime: /^20/ })
  const [first, second] = await plane.running()
  await plane.end(first, 'Succeeded')
  await plane.end(second, 'Succeeded')
  await plane.becomes(async () => (await plane.job()).status.succeeded === 2, 'both')
  await plane.becomes(async () => (await plane.running()).length === 1, 'the third')
  const [third] = await plane.running()
  await plane.end(third, 'Succeeded')
  await plane.becomes(async () => isEnded(await plane.job(), 'Complete'), 'the end')
  const { status } = await plane.job()
  t.match(status, { succeeded: 3, completionTime: /^20/, uncountedTerminatedPods: {} })
  t.same([status.active, status.failed], [undefined, undefined])
  t.same(await finalizersOf(plane), [])
  t.equal((await plane.podList()).length, 3, 'pods stay for their logs')
  await plane.becomes(async () => (await plane.texts()).includes('Normal Completed: Job completed'), 'the Event')
})

t.test('a failure is answered later each time, until there were too many', async (t) => {
  const plane = await start(t, { backoffLimit: 1 })
  await plane.becomes(async () => (await plane.running()).length === 1, 'a pod')
  await plane.end((await plane.running())[0], 'Failed')
  await plane.becomes(async () => (await plane.job()).status.failed === 1, 'the failure')
  plane.pass(5)
  t.equal((await plane.running()).length, 0)
  plane.pass(5)
  await plane.becomes(async () => (await plane.running()).length === 1, 'another pod')
  await plane.end((await plane.running())[0], 'Failed')
  await plane.becomes(async () => isEnded(await plane.job(), 'Failed'), 'the end')
  const { status } = await plane.job()
  t.equal(status.failed, 2)
  t.match(
    status.conditions?.find(({ type }) => type === 'Failed'),
    { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' },
  )
  t.same(await finalizersOf(plane), [])
  await plane.becomes(
    async () =>
      (await plane.texts()).includes('Warning BackoffLimitExceeded: Job has reached the specified backoff limit'),
    'the Event',
  )
})

t.test('a pod that somebody deletes has failed, and is counted before it goes', async (t) => {
  const plane = await start(t, {})
  await plane.becomes(async () => (await plane.running()).length === 1, 'a pod')
  const [pod] = await plane.running()
  if (!pod) throw new Error('no pod')
  await plane.client.delete(pods, pod)
  await plane.becomes(async () => {
    const [again] = await plane.running()
    return again !== undefined && again.metadata.uid !== pod.metadata.uid
  }, 'another')
  await plane.becomes(async () => (await plane.job()).status.failed === 1, 'the count')
})

t.test('what was noted before a crash is counted after it, once', async (t) => {
  const plane = await start(t, { completions: 2, parallelism: 1 })
  await plane.becomes(async () => (await plane.running()).length === 1, 'a pod')
  const [pod] = await plane.running()
  // Noted, and let go of: there was no time to count.
  const uncountedTerminatedPods = { succeeded: ['gone'], failed: [pod?.metadata.uid ?? ''] }
  await plane.client.patch(jobs, { metadata }, { status: { uncountedTerminatedPods } }, 'status')
  await plane.becomes(async () => (await plane.job()).status.succeeded === 1, 'the one that is gone')
  // Noted, and not let go of.
  await plane.end(pod, 'Failed')
  await plane.becomes(async () => (await plane.job()).status.failed === 1, 'the one that is there')
  t.same(await finalizersOf(plane), [])
  plane.pass(20)
  await plane.becomes(async () => (await plane.running()).length === 1, 'the last')
  await plane.end((await plane.running())[0], 'Succeeded')
  await plane.becomes(async () => isEnded(await plane.job(), 'Complete'), 'the end')
  t.match((await plane.job()).status, { succeeded: 2, failed: 1, uncountedTerminatedPods: {} })
})

t.test('indexes, each once', async (t) => {
  const plane = await start(t, { completionMode: 'Indexed', completions: 3, parallelism: 3 })
  await plane.becomes(async () => (await plane.running()).length === 3, 'three pods')
  const found = (await plane.running()).toSorted((a, b) => ((a.spec.hostname ?? '') < (b.spec.hostname ?? '') ? -1 : 1))
  t.same(
    found.map(({ spec, metadata }) => [spec.hostname, metadata.labels?.['batch.kubernetes.io/job-completion-index']]),
    [
      ['j-0', '0'],
      ['j-1', '1'],
      ['j-2', '2'],
    ],
  )
  t.match(found[1]?.metadata.name, /^j-1-\w{5}$/)
  t.match(found[1]?.spec.containers[0]?.env, [
    {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } },
    },
  ])
  await plane.end(found[2], 'Succeeded')
  await plane.end(found[0], 'Succeeded')
  await plane.becomes(async () => (await plane.job()).status.completedIndexes === '0,2', 'two')
  await plane.end(found[1], 'Failed')
  await plane.becomes(async () => (await plane.running()).length === 1, 'another for the same index')
  const [again] = await plane.running()
  t.equal(again?.spec.hostname, 'j-1')
  await plane.end(again, 'Succeeded')
  await plane.becomes(async () => isEnded(await plane.job(), 'Complete'), 'the end')
  t.match((await plane.job()).status, { completedIndexes: '0-2', succeeded: 3, failed: 1 })
})

t.test('a limit for each index', async (t) => {
  const plane = await start(t, { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 1 })
  const ofIndex = async (index: number) => (await plane.running()).find(({ spec }) => spec.hostname === `j-${index}`)
  for (const failures of [0, 1]) {
    await plane.becomes(async () => (await ofIndex(0)) !== undefined, 'a pod')
    const pod = await ofIndex(0)
    t.equal(pod?.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'], String(failures))
    await plane.end(pod, 'Failed')
    await plane.becomes(async () => (await ofIndex(0)) === undefined, 'its end')
  }
  await plane.becomes(async () => (await plane.job()).status.failedIndexes === '0', 'the failed index')
  t.notOk(isEnded(await plane.job(), 'Failed'))
  await plane.end(await ofIndex(1), 'Succeeded')
  await plane.becomes(async () => isEnded(await plane.job(), 'Failed'), 'the end')
  t.match((await plane.job()).status, { completedIndexes: '1', failedIndexes: '0', failed: 2 })
  t.same(await finalizersOf(plane), [])
})

t.test('held, let go, and out of time', async (t) => {
  const plane = await start(t, { suspend: true, activeDeadlineSeconds: 100 })
  await plane.becomes(async () => isEnded(await plane.job(), 'Suspended'), 'the condition')
  t.equal((await plane.job()).status.startTime, undefined)
  t.same(await plane.podList(), [])
  await plane.client.patch(jobs, { metadata }, { spec: { suspend: false } })
  await plane.becomes(async () => (await plane.running()).length === 1, 'a pod')
  await plane.client.patch(jobs, { metadata }, { spec: { suspend: true } })
  await plane.becomes(async () => (await plane.podList()).length === 0, 'its end')
  await plane.becomes(async () => isEnded(await plane.job(), 'Suspended'), 'the condition')
  t.equal((await plane.job()).status.failed, undefined, 'sent away, not failed')
  await plane.client.patch(jobs, { metadata }, { spec: { suspend: false } })
  await plane.becomes(async () => (await plane.running()).length === 1, 'a pod at once')
  t.notOk(isEnded(await plane.job(), 'Failed'))
  plane.pass(100)
  await plane.becomes(async () => isEnded(await plane.job(), 'Failed'), 'the end')
  t.equal((await plane.job()).status.conditions?.find(({ type }) => type === 'Failed')?.reason, 'DeadlineExceeded')
  t.same(await plane.podList(), [])
  const texts = await plane.texts()
  for (const text of ['Normal Suspended: Job suspended', 'Normal Resumed: Job resumed'])
    t.ok(texts.includes(text), text)
})

t.test('is deleted when its time after the end is over, with its pods', async (t) => {
  const plane = await start(t, { ttlSecondsAfterFinished: 60 })
  await plane.becomes(async () => (await plane.running()).length === 1, 'a pod')
  await plane.end((await plane.running())[0], 'Succeeded')
  await plane.becomes(async () => isEnded(await plane.job(), 'Complete'), 'the end')
  plane.pass(40)
  t.ok(await plane.job())
  plane.pass(30)
  await plane.becomes(async () => (await plane.client.list(jobs)).items.length === 0, 'the Job to be gone')
  await plane.becomes(async () => (await plane.podList()).length === 0, 'its pods to be gone')
})

for (const propagationPolicy of ['Background', 'Foreground', 'Orphan'] as const)
  t.test(`no finalizer stays behind: ${propagationPolicy}`, async (t) => {
    const plane = await start(t, { completions: 2, parallelism: 2 })
    await plane.becomes(async () => (await plane.running()).length === 2, 'pods')
    await plane.client.delete(jobs, { metadata }, { propagationPolicy })
    await plane.becomes(async () => (await plane.client.list(jobs)).items.length === 0, 'the Job to be gone')
    if (propagationPolicy === 'Orphan') {
      await plane.becomes(async () => (await finalizersOf(plane)).length === 0, 'pods without finalizers')
      t.equal((await plane.running()).length, 2)
    } else await plane.becomes(async () => (await plane.podList()).length === 0, 'the pods to be gone')
  })

t.test('one that another manages is left alone', async (t) => {
  const plane = await start(t, { managedBy: 'example.org/mine' })
  await plane.request('POST', '/apis/batch/v1/namespaces/default/jobs', {
    body: { metadata: { name: 'other' }, spec: specOf() },
  })
  await plane.becomes(async () => (await plane.podList('job-name=other')).length === 1, 'a pod of another')
  t.same(await plane.running(), [])
  t.same((await plane.job()).status, {})
})
