/** What a Job counts, decides and does next, as tables: `1:failed` is a pod of index 1, a word alone one without. */
import t from 'tap'
import type { Pod } from '../../../../../src/api/types/index.ts'
import type { Job, JobSpec, JobStatus } from '../../../../../src/api/types/kubernetes/batch-v1.ts'
import { assess, type JobView } from '../../../../../src/control/controllers/job/assess.ts'
import { formatIndexes } from '../../../../../src/control/controllers/job/indexes.ts'
import { planJob } from '../../../../../src/control/controllers/job/plan.ts'

const now = Date.UTC(2026, 0, 1)
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

const jobOf = (spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j', namespace: 'default', uid: 'job' } },
  spec: { parallelism: 2, completions: 4, backoffLimit: 3, template: { spec: { containers: [] } }, ...spec },
  status: { startTime: ago(100), ...status },
})

/** Words: succeeded, failed, going, gone, counted (its finalizer is off); `x12` exit code, `r2` restarts, `f1` failures before, `s5` ended so long ago. */
const podOf = (text: string, at: number): Pod => {
  const [first = '', second] = text.split(':')
  const index = second === undefined ? undefined : first
  const words = (second ?? first).split('-')
  const has = (word: string): boolean => words.includes(word)
  const number = (letter: string): number | undefined => {
    const found = words.find((word) => new RegExp(`^${letter}\\d+$`).test(word))
    return found === undefined ? undefined : Number(found.slice(1))
  }
  const isOver = has('failed') || has('succeeded')
  const failures = number('f')
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [], nodeName: 'n' } },
    metadata: {
      ...{ name: text, namespace: 'default', uid: `uid-${at}`, creationTimestamp: ago(50 - at) },
      annotations: {
        ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': index }),
        ...(failures === undefined ? {} : { 'batch.kubernetes.io/job-index-failure-count': String(failures) }),
      },
      ...(has('counted') ? {} : { finalizers: ['batch.kubernetes.io/job-tracking'] }),
      ...(has('going') ? { deletionTimestamp: ago(1), deletionGracePeriodSeconds: 30 } : {}),
      ...(has('gone') ? { deletionTimestamp: ago(1), deletionGracePeriodSeconds: 0 } : {}),
    },
    status: {
      phase: has('failed') ? 'Failed' : has('succeeded') ? 'Succeeded' : 'Running',
      conditions: has('disrupted') ? [{ type: 'DisruptionTarget', status: 'True' }] : [],
      containerStatuses: [
        {
          ...{ name: 'main', ready: true, image: '', imageID: '', restartCount: number('r') ?? 0 },
          state: isOver
            ? { terminated: { exitCode: number('x') ?? (has('failed') ? 1 : 0), finishedAt: ago(number('s') ?? 40) } }
            : {},
        },
      ],
    },
  }
}

const viewOf = (pods: string, spec?: Partial<JobSpec>, status?: JobStatus): JobView => ({
  ...{ job: jobOf(spec, status), now },
  pods: pods
    .split(' ')
    .filter((text) => text !== '')
    .map(podOf),
  isTracked: ({ metadata }) => metadata.finalizers !== undefined,
})

const nextOf = (view: JobView): string => {
  const { make, leaving, againInMs } = planJob(view, assess(view))
  const made = make.map(({ index, failures }) => `+${index ?? ''}${failures ? `(${failures})` : ''}`)
  const gone = leaving.map(({ metadata }) => `-${metadata.name}`)
  return [...made, ...gone, ...(againInMs === undefined ? [] : [`${againInMs / 1000}s`])].join(' ')
}

const indexed = { completionMode: 'Indexed' }
const perIndex = { ...indexed, backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 }

t.test('what is made and deleted', async (t) => {
  const cases: readonly {
    readonly name: string
    readonly pods: string
    readonly does: string
    readonly spec?: Partial<JobSpec>
    readonly status?: JobStatus
  }[] = [
    { name: 'as many as may run', pods: '', does: '+ +' },
    { name: 'one more', pods: 'run', does: '+' },
    { name: 'enough', pods: 'run run', does: '' },
    { name: 'no more than are missing', pods: 'run', status: { succeeded: 3 }, does: '' },
    { name: 'a queue of work: until one succeeds', pods: 'run', spec: { completions: undefined }, does: '+' },
    { name: 'a queue of work that is over', pods: 'run succeeded', spec: { completions: undefined }, does: '' },
    { name: 'too many', pods: 'run run run-x', does: '-run-x' },
    { name: 'held', pods: 'run run', spec: { suspend: true }, does: '-run -run' },
    { name: 'a failure is answered later', pods: 'run failed-s4', does: '6s' },
    { name: 'the second failure in a row much later', pods: 'failed-s9 failed-s5', does: '15s' },
    { name: 'not after a success', pods: 'failed-s9 succeeded-s5', does: '+ +' },
    { name: 'the longest wait', pods: 'failed-s1 '.repeat(3), spec: { backoffLimit: 9 }, does: '39s' },
    { name: 'one told to go is replaced at once', pods: 'run run-going', does: '+' },
    { name: 'or when it has ended', pods: 'run run-going', spec: { podReplacementPolicy: 'Failed' }, does: '' },
    { name: 'ended', pods: 'run run-gone', spec: { podReplacementPolicy: 'Failed' }, does: '+' },
    { name: 'indexes', pods: '', spec: indexed, does: '+0 +1' },
    { name: 'the next index', pods: '1:run', spec: indexed, does: '+0' },
    { name: 'done ones are left out', pods: '1:run', spec: indexed, status: { completedIndexes: '0' }, does: '+2' },
    { name: 'one index twice', pods: '1:run 1:run-x', spec: indexed, does: '-1:run-x' },
    { name: 'an index out of range', pods: '0:run 9:run', spec: indexed, does: '-9:run' },
    { name: 'an index waits by itself', pods: '0:failed-s4', spec: perIndex, does: '+1 +2 6s' },
    { name: 'and carries its count on', pods: '0:failed-s40 1:run', spec: perIndex, does: '+0(1)' },
    { name: 'until it has failed for good', pods: '0:failed-f1 1:run', spec: perIndex, does: '+2' },
  ]
  for (const { name, pods, does, spec, status } of cases) t.equal(nextOf(viewOf(pods, spec, status)), does, name)
})

t.test('how it ends', async (t) => {
  const rules = (...given: NonNullable<JobSpec['podFailurePolicy']>['rules']) => ({
    podFailurePolicy: { rules: given },
  })
  const onCode = (action: string, operator: string, values: readonly number[]) => ({
    action,
    onExitCodes: { operator, values },
  })
  const cases: readonly {
    readonly name: string
    readonly pods: string
    readonly ends: string | undefined
    readonly spec?: Partial<JobSpec>
    readonly status?: JobStatus
  }[] = [
    { name: 'not yet', pods: 'succeeded run', ends: undefined },
    { name: 'enough', pods: 'succeeded succeeded', status: { succeeded: 2 }, ends: 'CompletionsReached' },
    {
      name: 'noted ones count',
      pods: 'succeeded',
      status: { succeeded: 2, uncountedTerminatedPods: { succeeded: ['x'] } },
      ends: 'CompletionsReached',
    },
    {
      name: 'nobody counts twice',
      pods: 'succeeded succeeded-counted',
      status: { succeeded: 2, uncountedTerminatedPods: { succeeded: ['uid-0'] } },
      ends: undefined,
    },
    { name: 'a queue of work', pods: 'succeeded failed', spec: { completions: undefined }, ends: 'CompletionsReached' },
    { name: 'and its last ones', pods: 'succeeded run', spec: { completions: undefined }, ends: undefined },
    { name: 'failures up to the limit', pods: 'failed failed failed', ends: undefined },
    { name: 'one more', pods: 'failed failed failed failed', ends: 'BackoffLimitExceeded' },
    { name: 'deleted ones have failed', pods: 'failed', status: { failed: 3 }, ends: 'BackoffLimitExceeded' },
    {
      name: 'restarts',
      pods: 'run-r2 run-r1',
      spec: { template: { spec: { containers: [], restartPolicy: 'OnFailure' } } },
      ends: 'BackoffLimitExceeded',
    },
    { name: 'no time left', pods: 'run', spec: { activeDeadlineSeconds: 100 }, ends: 'DeadlineExceeded' },
    { name: 'time left', pods: 'run', spec: { activeDeadlineSeconds: 101 }, ends: undefined },
    { name: 'held ones have time', pods: '', spec: { activeDeadlineSeconds: 9, suspend: true }, ends: undefined },
    {
      name: 'all indexes',
      pods: '0:succeeded 0:succeeded 3:succeeded',
      spec: indexed,
      status: { completedIndexes: '1,2' },
      ends: 'CompletionsReached',
    },
    {
      name: 'one index often',
      pods: '0:succeeded 0:succeeded 0:succeeded 0:succeeded',
      spec: indexed,
      ends: undefined,
    },
    {
      name: 'all done or failed',
      pods: '0:failed-f1',
      spec: perIndex,
      status: { completedIndexes: '1-3' },
      ends: 'FailedIndexes',
    },
    {
      name: 'too many failed',
      pods: '0:failed-f1 1:failed-f1',
      spec: { ...perIndex, maxFailedIndexes: 1 },
      ends: 'MaxFailedIndexesExceeded',
    },
    {
      name: 'a rule fails it',
      pods: 'failed-x42',
      spec: rules(onCode('FailJob', 'In', [42])),
      ends: 'PodFailurePolicy',
    },
    { name: 'a rule about others', pods: 'failed-x42', spec: rules(onCode('FailJob', 'NotIn', [42])), ends: undefined },
    {
      name: 'the first rule decides',
      pods: 'failed-x42',
      spec: rules(onCode('Count', 'In', [42]), onCode('FailJob', 'In', [42])),
      ends: undefined,
    },
    {
      name: 'ignored ones do not count',
      pods: 'failed-disrupted failed failed failed',
      spec: rules({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }),
      ends: undefined,
    },
    {
      name: 'a rule fails an index',
      pods: '0:failed-x9',
      spec: { ...perIndex, ...rules(onCode('FailIndex', 'In', [9])) },
      status: { completedIndexes: '1-3' },
      ends: 'FailedIndexes',
    },
    {
      name: 'success by index',
      pods: '1:succeeded',
      spec: { ...indexed, successPolicy: { rules: [{ succeededIndexes: '1' }] } },
      ends: 'SuccessPolicy',
    },
    {
      name: 'success by number',
      pods: '1:succeeded 2:succeeded',
      spec: {
        ...indexed,
        successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 2 }, { succeededCount: 2 }] },
      },
      ends: 'SuccessPolicy',
    },
    {
      name: 'no success yet',
      pods: '1:succeeded',
      spec: { ...indexed, successPolicy: { rules: [{ succeededIndexes: '0-1' }] } },
      ends: undefined,
    },
    {
      name: 'what was decided stays',
      pods: '',
      status: { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded' }] },
      ends: 'DeadlineExceeded',
    },
  ]
  for (const { name, pods, ends, spec, status } of cases)
    t.equal(assess(viewOf(pods, spec, status)).ending?.reason, ends, name)
  t.match(assess(viewOf('failed-x42', rules(onCode('FailJob', 'In', [42])))).ending, {
    type: 'Failed',
    message: 'Container main for pod default/failed-x42 failed with exit code 42 matching FailJob rule at index 0',
  })
  const found = assess(viewOf('0:failed-f1 2:succeeded 9:succeeded', perIndex, { completedIndexes: '3' }))
  t.same([formatIndexes(found.succeededIndexes), formatIndexes(found.failedIndexes)], ['2,3', '0'])
})
