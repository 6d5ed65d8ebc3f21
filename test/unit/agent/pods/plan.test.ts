import t from 'tap'
import { defaultBackOff } from '../../../../src/agent/pods/back-off.ts'
import { type Action, planOrphan, planPod, planVanished } from '../../../../src/agent/pods/plan.ts'
import type { PodView } from '../../../../src/agent/pods/view.ts'
import type { Container } from '../../../../src/api/types/index.ts'
import { pod, sandbox, unconnected, view } from './builders.ts'

/** A plan in short: `start main#1`, `stop main#0 30s`, `end`, … */
const short = (action: Action): string => {
  if (action.do === 'start-container') return `start ${action.name}#${action.attempt}`
  if (action.do !== 'stop-container') return action.do
  const [, name, attempt] = action.id.split('_')
  return `stop ${name}#${attempt} ${action.graceMs / 1000}s`
}

const c = (name: string, more: Partial<Container> = {}): Container => ({ name, ...more })
const two = [c('a'), c('b')]
const sidecar = c('side', { restartPolicy: 'Always' })
const dying = { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 7 }
const sec = 1000

interface Case {
  readonly name: string
  readonly view: PodView
  /** Milliseconds; the pod was started at 0. */
  readonly now?: number
  readonly does: string
  readonly againAt?: number
  readonly waits?: string
}

const cases: readonly Case[] = [
  { name: 'a new pod gets its sandbox first', view: view(), does: 'start-sandbox' },
  { name: 'then its container', view: view({ sandbox: sandbox() }), does: 'start main#0' },
  {
    name: 'one from before the agent gets to know its addresses',
    view: view({ sandbox: unconnected(sandbox([{ name: 'main' }])) }),
    does: 'attach-network',
  },
  { name: 'all that runs is left alone', view: view({ sandbox: sandbox([{ name: 'main' }]) }), does: '' },
  {
    name: 'all containers are started',
    view: view({ pod: pod({ containers: two }), sandbox: sandbox() }),
    does: 'start a#0, start b#0',
  },
  {
    name: 'the first restart comes at once',
    view: view({ sandbox: sandbox([{ name: 'main', code: 1, to: 5 * sec }]) }),
    now: 5 * sec,
    does: 'start main#1',
  },
  {
    name: 'the second waits',
    view: view({ sandbox: sandbox([{ name: 'main', attempt: 1, code: 0, to: 5 * sec, restarts: 1 }]) }),
    now: 6 * sec,
    does: '',
    againAt: 15 * sec,
    waits: 'main: CrashLoopBackOff: back-off 10s restarting failed container=main pod=web_default(u1)',
  },
  {
    name: 'until its time has come',
    view: view({ sandbox: sandbox([{ name: 'main', attempt: 1, code: 0, to: 5 * sec, restarts: 1 }]) }),
    now: 15 * sec,
    does: 'start main#2',
  },
  {
    name: 'the wait doubles up to five minutes',
    view: view({ sandbox: sandbox([{ name: 'main', attempt: 9, code: 1, to: 0, restarts: 9 }]) }),
    now: 1,
    does: '',
    againAt: 300 * sec,
    waits: 'main: CrashLoopBackOff: back-off 300s restarting failed container=main pod=web_default(u1)',
  },
  {
    name: 'ten good minutes are rewarded',
    view: view({ sandbox: sandbox([{ name: 'main', attempt: 9, code: 1, from: 0, to: 600 * sec, restarts: 9 }]) }),
    now: 600 * sec,
    does: 'start main#10',
  },
  {
    name: 'OnFailure restarts what failed',
    view: view({
      pod: pod({ containers: two, restartPolicy: 'OnFailure' }),
      sandbox: sandbox([
        { name: 'a', code: 0 },
        { name: 'b', code: 1 },
      ]),
    }),
    does: 'start b#1',
  },
  {
    name: 'OnFailure is done when all went well',
    view: view({ pod: pod({ restartPolicy: 'OnFailure' }), sandbox: sandbox([{ name: 'main', code: 0 }]) }),
    does: 'end-sandbox',
  },
  {
    name: 'Never waits for the others',
    view: view({
      pod: pod({ containers: two, restartPolicy: 'Never' }),
      sandbox: sandbox([{ name: 'a', code: 1 }, { name: 'b' }]),
    }),
    does: '',
  },
  {
    name: 'Never is done when all have ended',
    view: view({ pod: pod({ restartPolicy: 'Never' }), sandbox: sandbox([{ name: 'main', code: 1 }]) }),
    does: 'end-sandbox',
  },
  {
    name: 'a pod that is over is left over',
    view: view({
      pod: pod({}, { phase: 'Succeeded' }),
      sandbox: sandbox([{ name: 'main', code: 0 }], { running: false }),
    }),
    does: '',
  },
  {
    name: 'one that the node wants to be rid of, with no more grace than it gives',
    view: view({
      sandbox: sandbox([{ name: 'main' }]),
      ending: { reason: 'Evicted', message: 'why', graceMs: 1_000, isDisruption: true },
    }),
    does: 'stop main#0 1s',
  },
  {
    name: 'nor more than it has itself',
    view: view({
      pod: pod({ terminationGracePeriodSeconds: 2 }),
      sandbox: sandbox([{ name: 'main' }]),
      ending: { reason: 'Evicted', message: 'why', graceMs: 60_000, isDisruption: true },
    }),
    does: 'stop main#0 2s',
  },
  {
    name: 'one that the node does not take is never begun',
    view: view({ ending: { reason: 'OutOfcpu', message: 'why', graceMs: 0, isDisruption: false } }),
    does: '',
  },
  {
    name: 'a failed liveness probe',
    view: view({
      sandbox: sandbox([{ name: 'main' }]),
      probe: () => ({ started: true, ready: false, failed: 'liveness' }),
    }),
    does: 'stop main#0 30s',
  },
  {
    name: 'with a grace period of its own',
    view: view({
      pod: pod({ containers: [c('main', { startupProbe: { terminationGracePeriodSeconds: 3 } })] }),
      sandbox: sandbox([{ name: 'main' }]),
      probe: () => ({ started: false, ready: false, failed: 'startup' }),
    }),
    does: 'stop main#0 3s',
  },
  {
    name: 'a failed postStart hook',
    view: view({ sandbox: sandbox([{ name: 'main' }]), postStart: () => ({ failed: 'no' }) }),
    does: 'stop main#0 30s',
  },
  {
    name: 'a sandbox that died is replaced when something should run',
    view: view({ sandbox: sandbox([{ name: 'main', code: 137 }], { running: false }) }),
    does: 'start-sandbox',
  },
  {
    name: 'in its next life all starts again, init containers too',
    view: view({
      pod: pod({ initContainers: [c('init')] }),
      sandbox: sandbox([
        { name: 'init', code: 0, life: 0 },
        { name: 'main', code: 137, life: 0 },
      ]),
    }),
    does: 'start init#1',
  },
  {
    name: 'a sandbox that died ends a pod that is never restarted',
    view: view({
      pod: pod({ restartPolicy: 'Never' }),
      sandbox: sandbox([{ name: 'main', code: 137 }], { running: false }),
    }),
    does: '',
  },
  {
    name: 'a sandbox that could not be made waits for its next try',
    view: view({ failures: new Map([['', { reason: 'FailedCreatePodSandBox', message: 'no', retryAt: 900 }]]) }),
    does: '',
    againAt: 900,
  },
  {
    name: 'so does a container that lacks its ConfigMap',
    view: view({
      sandbox: sandbox(),
      failures: new Map([
        ['main', { reason: 'CreateContainerConfigError', message: 'configmap "x" not found', retryAt: 900 }],
      ]),
    }),
    does: '',
    againAt: 900,
    waits: 'main: CreateContainerConfigError: configmap "x" not found',
  },
  {
    name: 'until it is time',
    view: view({ sandbox: sandbox(), failures: new Map([['main', { reason: 'X', message: '', retryAt: 0 }]]) }),
    does: 'start main#0',
  },
  {
    name: 'after a reboot the count goes on',
    view: view({
      pod: pod(
        {},
        {
          containerStatuses: [
            { name: 'main', ready: true, restartCount: 4, image: '', imageID: '', containerID: 'process://old' },
          ],
        },
      ),
      sandbox: sandbox(),
    }),
    does: 'start main#5',
  },
  {
    name: 'what cannot be honoured is not started',
    view: view({ unsupported: ['spec.volumes'] }),
    does: '',
    waits: "main: Unsupported: this node's runtime cannot honour spec.volumes",
  },

  // Init containers
  { name: 'init: the first', view: view({ pod: pod({ initContainers: two }), sandbox: sandbox() }), does: 'start a#0' },
  {
    name: 'init: the second when the first is done',
    view: view({ pod: pod({ initContainers: two }), sandbox: sandbox([{ name: 'a', code: 0 }]) }),
    does: 'start b#0',
  },
  {
    name: 'init: one that runs is waited for',
    view: view({ pod: pod({ initContainers: two }), sandbox: sandbox([{ name: 'a' }]) }),
    does: '',
  },
  {
    name: 'init: the containers when all are done',
    view: view({
      pod: pod({ initContainers: two }),
      sandbox: sandbox([
        { name: 'a', code: 0 },
        { name: 'b', code: 0 },
      ]),
    }),
    does: 'start main#0',
  },
  {
    name: 'init: one that failed is started again',
    view: view({ pod: pod({ initContainers: two }), sandbox: sandbox([{ name: 'a', code: 1 }]) }),
    does: 'start a#1',
  },
  {
    name: 'init: or ends the pod',
    view: view({
      pod: pod({ initContainers: two, restartPolicy: 'Never' }),
      sandbox: sandbox([{ name: 'a', code: 1 }]),
    }),
    does: 'end-sandbox',
  },
  {
    name: 'init: they do not come back while the containers run',
    view: view({
      pod: pod({ initContainers: two }),
      sandbox: sandbox([
        { name: 'a', code: 0 },
        { name: 'b', code: 0 },
        { name: 'main', code: 1 },
      ]),
    }),
    does: 'start main#1',
  },

  // Sidecars
  {
    name: 'sidecar: first',
    view: view({ pod: pod({ initContainers: [sidecar, c('a')] }), sandbox: sandbox() }),
    does: 'start side#0',
  },
  {
    name: 'sidecar: the next waits until it is started',
    view: view({
      pod: pod({ initContainers: [sidecar, c('a')] }),
      sandbox: sandbox([{ name: 'side' }]),
      probe: () => ({ started: false, ready: false }),
    }),
    does: '',
  },
  {
    name: 'sidecar: and then goes on beside it',
    view: view({ pod: pod({ initContainers: [sidecar, c('a')] }), sandbox: sandbox([{ name: 'side' }]) }),
    does: 'start a#0',
  },
  {
    name: 'sidecar: one that ended is restarted, the containers are not disturbed',
    view: view({
      pod: pod({ initContainers: [sidecar], restartPolicy: 'Never' }),
      sandbox: sandbox([{ name: 'side', code: 0 }, { name: 'main' }]),
    }),
    does: 'start side#1',
  },
  {
    name: 'sidecar: it does not keep a pod alive',
    view: view({
      pod: pod({ initContainers: [sidecar], restartPolicy: 'Never' }),
      sandbox: sandbox([{ name: 'main', code: 0 }, { name: 'side' }]),
    }),
    does: 'stop side#0 30s',
  },

  // Ends
  {
    name: 'deletion stops the containers',
    view: view({ pod: pod({}, {}, dying), sandbox: sandbox([{ name: 'main' }]) }),
    does: 'stop main#0 7s',
  },
  {
    name: 'and nothing is started any more',
    view: view({ pod: pod({ containers: two }, {}, dying), sandbox: sandbox([{ name: 'a' }, { name: 'b', code: 1 }]) }),
    does: 'stop a#0 7s',
  },
  {
    name: 'sidecars last',
    view: view({
      pod: pod({ initContainers: [sidecar, c('late', { restartPolicy: 'Always' })] }, {}, dying),
      sandbox: sandbox([{ name: 'late' }, { name: 'main' }, { name: 'side' }]),
    }),
    does: 'stop main#0 7s',
  },
  {
    name: 'in reverse order',
    view: view({
      pod: pod({ initContainers: [sidecar, c('late', { restartPolicy: 'Always' })] }, {}, dying),
      sandbox: sandbox([{ name: 'late' }, { name: 'main', code: 0 }, { name: 'side' }]),
    }),
    does: 'stop late#0 7s',
  },
  {
    name: 'then the pod goes',
    view: view({ pod: pod({}, {}, dying), sandbox: sandbox([{ name: 'main', code: 143 }]) }),
    does: 'end-sandbox, forget, delete-pod',
  },
  { name: 'also one that was never started', view: view({ pod: pod({}, {}, dying) }), does: 'forget, delete-pod' },
  {
    name: 'a deadline is looked forward to',
    view: view({
      pod: pod({ activeDeadlineSeconds: 60 }, { startTime: '1970-01-01T00:00:00Z' }),
      sandbox: sandbox([{ name: 'main' }]),
    }),
    does: '',
    againAt: 60 * sec,
  },
  {
    name: 'and kept',
    view: view({
      pod: pod({ activeDeadlineSeconds: 60 }, { startTime: '1970-01-01T00:00:00Z' }),
      sandbox: sandbox([{ name: 'main' }]),
    }),
    now: 60 * sec,
    does: 'stop main#0 30s',
  },
]

for (const { name, view, now = 0, does, againAt, waits = '' } of cases)
  t.test(name, async (t) => {
    const plan = planPod(view, now, defaultBackOff)
    t.equal(plan.actions.map(short).join(', '), does)
    t.equal(plan.againAt, againAt)
    t.equal([...plan.waiting].map(([who, { reason, message }]) => `${who}: ${reason}: ${message}`).join(), waits)
  })

t.test('restarts in a row are counted', async (t) => {
  const crashed = view({ sandbox: sandbox([{ name: 'main', attempt: 3, code: 1, restarts: 2 }]) })
  t.match(planPod(crashed, 1e9, defaultBackOff).actions, [{ attempt: 4, restartsInARow: 3 }])
  const forgiven = view({ sandbox: sandbox([{ name: 'main', attempt: 3, code: 1, to: 600 * sec, restarts: 2 }]) })
  t.match(planPod(forgiven, 1e9, defaultBackOff).actions, [{ attempt: 4, restartsInARow: 1 }])
})

t.test('a pod that vanished, and a sandbox nobody knows', async (t) => {
  const running = sandbox([{ name: 'main' }])
  const ended = sandbox([{ name: 'main', code: 0 }])
  t.same(planVanished(view({ sandbox: running })).actions.map(short), ['stop main#0 30s'])
  t.same(planVanished(view({ sandbox: ended })).actions.map(short), ['end-sandbox', 'forget'])
  t.same(planOrphan(running).actions.map(short), ['stop main#0 30s'])
  t.same(planOrphan(ended).actions.map(short), ['end-sandbox', 'forget'])
})

t.test('why a container is stopped', async (t) => {
  const why = (view: PodView) => planPod(view, 0, defaultBackOff).actions.map((action) => 'why' in action && action.why)
  const running = sandbox([{ name: 'main' }])
  t.same(why(view({ pod: pod({}, {}, dying), sandbox: running })), ['Stopping container main'])
  t.same(why(view({ sandbox: running, probe: () => ({ started: true, ready: true, failed: 'liveness' }) })), [
    'Container main failed liveness probe, will be restarted',
  ])
})
