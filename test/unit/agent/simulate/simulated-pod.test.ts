/** The life of a pod that nobody runs, second by second. */
import t from 'tap'
import { exitCodeAnnotation, podScript, runSecondsAnnotation } from '../../../../src/agent/simulate/pod-script.ts'
import { lookAtPod, type PodDelays } from '../../../../src/agent/simulate/simulated-pod.ts'
import { formatTime } from '../../../../src/api/clock.ts'
import type { ObjectMeta, Pod, PodSpec, PodStatus } from '../../../../src/api/types/index.ts'
import { pod } from '../pods/builders.ts'

const start = Date.UTC(2026, 0, 1)
const at = (seconds: number): string => formatTime(start + seconds * 1000)
const delays: PodDelays = { startMs: 2_000, runMs: 5_000, stopMs: 3_000 }
const place = { since: start, addresses: ['10.244.0.2'], hostIPs: ['198.18.0.1'] }
const look = (object: Pod, seconds: number, changed: Partial<PodDelays> = {}) =>
  lookAtPod(object, place, { ...delays, ...changed }, start + seconds * 1000)

const withStatus = (object: Pod, status: PodStatus): Pod => ({ ...object, status })

/** The pod as the API has it after its node has looked at these seconds. */
const lived = (object: Pod, ...seconds: readonly number[]): Pod =>
  seconds.reduce((each, second) => withStatus(each, look(each, second).status), object)

const conditionsOf = ({ conditions = [] }: PodStatus): Readonly<Record<string, string>> =>
  Object.fromEntries(conditions.map(({ type, status }) => [type, status]))

const deleted = (second: number, graceSeconds = 30): Partial<ObjectMeta> => ({
  ...{ deletionTimestamp: at(second + graceSeconds), deletionGracePeriodSeconds: graceSeconds },
})

t.test('it is created, and runs after the delay', async (t) => {
  const first = look(pod(), 1)
  t.match(first, { isGone: false, againAt: start + 2_000 })
  t.match(first.status, {
    ...{ phase: 'Pending', hostIP: '198.18.0.1', startTime: at(1) },
    containerStatuses: [{ name: 'main', ready: false, state: { waiting: { reason: 'ContainerCreating' } } }],
  })
  t.equal(first.status.podIP, undefined)
  const second = look(lived(pod(), 1), 2)
  t.match(second, { isGone: false, againAt: undefined })
  t.match(second.status, {
    ...{ phase: 'Running', podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }], startTime: at(1) },
    containerStatuses: [
      { name: 'main', ready: true, started: true, restartCount: 0, state: { running: { startedAt: at(2) } } },
    ],
  })
  t.match(conditionsOf(second.status), { Initialized: 'True', Ready: 'True', ContainersReady: 'True' })
})

t.test('without a delay it runs at once', async (t) => {
  t.match(look(pod(), 0, { startMs: 0 }).status, { phase: 'Running', startTime: at(0) })
})

t.test('another process goes on with what the API says, and has nothing to write', async (t) => {
  const running = lived(pod(), 1, 2)
  const later = lookAtPod(running, { ...place, since: start + 60_000 }, delays, start + 60_000)
  t.same(later, { status: running.status, isGone: false, againAt: undefined })
})

t.test('init containers have ended well, sidecars run, those that were added to look into it run', async (t) => {
  const spec: Partial<PodSpec> = {
    initContainers: [{ name: 'setup' }, { name: 'side', restartPolicy: 'Always' }],
    ephemeralContainers: [{ name: 'debug' }],
  }
  const { status } = look(pod(spec), 3)
  t.match(status, {
    phase: 'Running',
    initContainerStatuses: [
      { name: 'setup', ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      { name: 'side', ready: true, state: { running: {} } },
    ],
    ephemeralContainerStatuses: [{ name: 'debug', state: { running: {} } }],
  })
  t.equal(conditionsOf(status)['Ready'], 'True')
})

t.test('a readiness gate of somebody else keeps it from being ready', async (t) => {
  const { status } = look(pod({ readinessGates: [{ conditionType: 'example.com/ok' }] }), 3)
  t.match(conditionsOf(status), { Ready: 'False', ContainersReady: 'True' })
})

t.test('on the network of its node it has the address of the node', async (t) => {
  const found = lookAtPod(pod({ hostNetwork: true }), { ...place, addresses: place.hostIPs }, delays, start + 2_000)
  t.equal(found.status.podIP, '198.18.0.1')
})

interface Ending {
  readonly what: string
  readonly spec?: Partial<PodSpec>
  readonly annotations?: Readonly<Record<string, string>>
  readonly phase: string
  readonly endsAt: number
  readonly code: number
  readonly reason?: string
}

const endings: readonly Ending[] = [
  { what: 'Never', spec: { restartPolicy: 'Never' }, phase: 'Succeeded', endsAt: 7, code: 0 },
  { what: 'OnFailure', spec: { restartPolicy: 'OnFailure' }, phase: 'Succeeded', endsAt: 7, code: 0 },
  {
    ...{ what: 'in its own time', spec: { restartPolicy: 'Never' }, annotations: { [runSecondsAnnotation]: '9.5' } },
    ...{ phase: 'Succeeded', endsAt: 11.5, code: 0 },
  },
  {
    ...{ what: 'with its own code', spec: { restartPolicy: 'Never' }, annotations: { [exitCodeAnnotation]: '3' } },
    ...{ phase: 'Failed', endsAt: 7, code: 3 },
  },
  {
    ...{ what: 'at its deadline', spec: { restartPolicy: 'Never', activeDeadlineSeconds: 2 } },
    ...{ phase: 'Failed', endsAt: 3, code: 143, reason: 'DeadlineExceeded' },
  },
  {
    ...{ what: 'at its deadline, restarted always', spec: { activeDeadlineSeconds: 4 } },
    ...{ phase: 'Failed', endsAt: 5, code: 143, reason: 'DeadlineExceeded' },
  },
]

for (const { what, spec, annotations = {}, phase, endsAt, code, reason } of endings)
  t.test(`it ends: ${what}`, async (t) => {
    const begun = lived(pod(spec, {}, { annotations }), 1, 2)
    t.equal(begun.status?.phase, 'Running')
    t.equal(look(begun, 2).againAt, start + endsAt * 1000, 'the time is known')
    const ended = look(begun, endsAt)
    t.match(ended, { isGone: false, againAt: undefined })
    t.match(ended.status, {
      ...{ phase, ...(reason === undefined ? {} : { reason }) },
      containerStatuses: [{ ready: false, state: { terminated: { exitCode: code } } }],
    })
    t.equal(conditionsOf(ended.status)['Ready'], 'False')
    t.same(look(lived(begun, endsAt), 100).status, ended.status, 'an end is final')
  })

t.test('what is deleted ends after its delay, and is gone', async (t) => {
  const running = lived(pod(), 1, 2)
  const ending: Pod = { ...running, metadata: { ...running.metadata, ...deleted(10) } }
  t.match(look(ending, 12), { isGone: false, againAt: start + 13_000, status: { phase: 'Running' } })
  const gone = look(ending, 13)
  t.match(gone, { isGone: true, againAt: undefined })
  t.match(gone.status, { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 143 } } }] })
})

t.test('it is killed when its grace is over', async (t) => {
  const running = lived(pod(), 1, 2)
  const ending: Pod = { ...running, metadata: { ...running.metadata, ...deleted(10, 1) } }
  t.equal(look(ending, 10.5).isGone, false)
  t.match(look(ending, 11), {
    isGone: true,
    status: { containerStatuses: [{ state: { terminated: { exitCode: 137 } } }] },
  })
})

t.test('what is deleted before it runs, or after it has ended, is gone at once', async (t) => {
  t.match(look(pod({}, {}, deleted(1)), 1), { isGone: true, status: { phase: 'Failed' } })
  const ended = lived(pod({ restartPolicy: 'Never' }), 1, 2, 7)
  t.match(look({ ...ended, metadata: { ...ended.metadata, ...deleted(9) } }, 9), {
    ...{ isGone: true, status: { phase: 'Succeeded' } },
  })
})

t.test('annotations that make no sense count as missing', async (t) => {
  const script = (annotations: Readonly<Record<string, string>>, restartPolicy: PodSpec['restartPolicy'] = 'Never') =>
    podScript(pod({ restartPolicy }, {}, { annotations }), 5_000)
  for (const text of ['', '-1', 'soon', '1e9', 'NaN', 'Infinity', '9'.repeat(20), `${'0'.repeat(40)}1`])
    t.same(script({ [runSecondsAnnotation]: text }), { runMs: 5_000, exitCode: 0 }, text)
  for (const text of ['', '-1', '256', '1.5', '0x1']) t.equal(script({ [exitCodeAnnotation]: text }).exitCode, 0, text)
  t.equal(script({ [exitCodeAnnotation]: '3' }, 'OnFailure').exitCode, 0)
  t.same(script({ [runSecondsAnnotation]: '0' }), { runMs: 0, exitCode: 0 })
  t.equal(script({ [runSecondsAnnotation]: '1' }, 'Always').runMs, undefined)
})
