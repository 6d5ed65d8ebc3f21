import t from 'tap'
import type { Plan, Waiting } from '../../../../src/agent/pods/plan.ts'
import { podStatus } from '../../../../src/agent/pods/pod-status.ts'
import type { PodView } from '../../../../src/agent/pods/view.ts'
import type { Container, ContainerStatus, PodStatus } from '../../../../src/api/types/index.ts'
import { pod, sandbox, view } from './builders.ts'

const c = (name: string, more: Partial<Container> = {}): Container => ({ name, ...more })
const dying = { deletionTimestamp: '2026-01-01T00:00:30Z' }

const plan = (waiting: Readonly<Record<string, Waiting>> = {}, more: Partial<Plan> = {}): Plan => ({
  ...{ actions: [], waiting: new Map(Object.entries(waiting)) },
  ...more,
})

const stateName = ({ state = {} }: ContainerStatus): string => {
  if (state.running) return 'running'
  if (state.terminated) return `${state.terminated.reason} ${state.terminated.exitCode}`
  return state.waiting?.reason ?? 'nothing'
}

/** `a=running! b=Completed 0`: an exclamation mark for a container that is ready. */
const containers = (list: readonly ContainerStatus[] = []): string =>
  list.map((each) => `${each.name}=${stateName(each)}${each.ready ? '!' : ''}`).join(' ')

/** `Initialized ContainersReady:ContainersNotReady`: the true ones, and why the others are not. */
const conditions = ({ conditions = [] }: PodStatus): string =>
  conditions
    .filter(({ type }) => type !== 'PodScheduled')
    .map(({ type, status, reason }) => (status === 'True' ? type : `${type}:${reason ?? ''}`))
    .join(' ')

const started = 'PodReadyToStartContainers Initialized'
const allTrue = `${started} Ready ContainersReady`
const notReady = 'Ready:ContainersNotReady ContainersReady:ContainersNotReady'

interface Case {
  readonly name: string
  readonly view: PodView
  readonly plan?: Plan
  readonly phase: string
  readonly containers: string
  readonly inits?: string
  readonly conditions: string
}

const never = { restartPolicy: 'Never' } as const
const onFailure = { restartPolicy: 'OnFailure' } as const
const inits = { initContainers: [c('a'), c('b')] }

const cases: readonly Case[] = [
  {
    name: 'nothing yet',
    view: view(),
    phase: 'Pending',
    containers: 'main=ContainerCreating',
    conditions: `PodReadyToStartContainers: Initialized ${notReady}`,
  },
  {
    name: 'running',
    view: view({ sandbox: sandbox([{ name: 'main' }]) }),
    phase: 'Running',
    containers: 'main=running!',
    conditions: allTrue,
  },
  {
    name: 'running, not ready',
    view: view({ sandbox: sandbox([{ name: 'main' }]), probe: () => ({ started: true, ready: false }) }),
    phase: 'Running',
    containers: 'main=running',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'in its postStart hook',
    view: view({ sandbox: sandbox([{ name: 'main' }]), postStart: () => 'running' }),
    phase: 'Running',
    containers: 'main=running',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'one of two is up',
    view: view({ pod: pod({ containers: [c('a'), c('b')] }), sandbox: sandbox([{ name: 'a' }]) }),
    plan: plan({ b: { reason: 'CreateContainerConfigError', message: 'configmap "x" not found' } }),
    phase: 'Pending',
    containers: 'a=running! b=CreateContainerConfigError',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'crashed, about to come back',
    view: view({ sandbox: sandbox([{ name: 'main', code: 3 }]) }),
    phase: 'Running',
    containers: 'main=Error 3',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'crashed, held back',
    view: view({ sandbox: sandbox([{ name: 'main', attempt: 2, code: 3 }]) }),
    plan: plan({ main: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }),
    phase: 'Running',
    containers: 'main=CrashLoopBackOff',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'out of memory',
    view: view({ pod: pod(never), sandbox: sandbox([{ name: 'main', code: 137, oomKilled: true }]) }),
    phase: 'Failed',
    containers: 'main=OOMKilled 137',
    conditions: `${started} Ready:PodFailed ContainersReady:PodFailed`,
  },
  {
    name: 'never runnable',
    view: view({ pod: pod(never), sandbox: sandbox([{ name: 'main', code: 128, startError: 'not found' }]) }),
    phase: 'Failed',
    containers: 'main=StartError 128',
    conditions: `${started} Ready:PodFailed ContainersReady:PodFailed`,
  },
  {
    name: 'succeeded',
    view: view({ pod: pod(never), sandbox: sandbox([{ name: 'main', code: 0 }], { running: false }) }),
    phase: 'Succeeded',
    containers: 'main=Completed 0',
    conditions: 'PodReadyToStartContainers: Initialized Ready:PodCompleted ContainersReady:PodCompleted',
  },
  {
    name: 'OnFailure: one failed and comes back',
    view: view({
      pod: pod({ ...onFailure, containers: [c('a'), c('b')] }),
      sandbox: sandbox([
        { name: 'a', code: 0 },
        { name: 'b', code: 1 },
      ]),
    }),
    phase: 'Running',
    containers: 'a=Completed 0 b=Error 1',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'OnFailure: all went well',
    view: view({ pod: pod(onFailure), sandbox: sandbox([{ name: 'main', code: 0 }]) }),
    phase: 'Succeeded',
    containers: 'main=Completed 0',
    conditions: `${started} Ready:PodCompleted ContainersReady:PodCompleted`,
  },
  {
    name: 'an init container runs',
    view: view({ pod: pod(inits), sandbox: sandbox([{ name: 'a' }]) }),
    phase: 'Pending',
    inits: 'a=running b=ContainerCreating',
    containers: 'main=PodInitializing',
    conditions: `PodReadyToStartContainers Initialized:ContainersNotInitialized ${notReady}`,
  },
  {
    name: 'the init containers are done',
    view: view({
      pod: pod(inits),
      sandbox: sandbox([{ name: 'a', code: 0 }, { name: 'b', code: 0 }, { name: 'main' }]),
    }),
    phase: 'Running',
    inits: 'a=Completed 0! b=Completed 0!',
    containers: 'main=running!',
    conditions: allTrue,
  },
  {
    name: 'everything is done, and the sandbox is gone',
    view: view({
      pod: pod({ ...inits, ...never }),
      sandbox: sandbox(
        [
          { name: 'a', code: 0 },
          { name: 'b', code: 0 },
          { name: 'main', code: 0 },
        ],
        { running: false },
      ),
    }),
    phase: 'Succeeded',
    inits: 'a=Completed 0! b=Completed 0!',
    containers: 'main=Completed 0',
    conditions: 'PodReadyToStartContainers: Initialized Ready:PodCompleted ContainersReady:PodCompleted',
  },
  {
    name: 'an init container failed for good',
    view: view({ pod: pod({ ...inits, ...never }), sandbox: sandbox([{ name: 'a', code: 1 }]) }),
    phase: 'Failed',
    inits: 'a=Error 1 b=ContainerCreating',
    containers: 'main=PodInitializing',
    conditions: `PodReadyToStartContainers Initialized:ContainersNotInitialized Ready:PodFailed ContainersReady:PodFailed`,
  },
  {
    name: 'a sidecar counts like a container',
    view: view({
      pod: pod({ initContainers: [c('side', { restartPolicy: 'Always' })] }),
      sandbox: sandbox([{ name: 'side' }, { name: 'main' }]),
      probe: (id) => ({ started: true, ready: id.includes('main') }),
    }),
    phase: 'Running',
    inits: 'side=running',
    containers: 'main=running!',
    conditions: `${started} ${notReady}`,
  },
  {
    name: 'a gate that nobody has opened',
    view: view({
      pod: pod(
        { readinessGates: [{ conditionType: 'example.com/lb' }] },
        { conditions: [{ type: 'example.com/lb', status: 'False' }] },
      ),
      sandbox: sandbox([{ name: 'main' }]),
    }),
    phase: 'Running',
    containers: 'main=running!',
    conditions: `${started} Ready:ReadinessGatesNotReady ContainersReady example.com/lb:`,
  },
  {
    name: 'an open gate',
    view: view({
      pod: pod(
        { readinessGates: [{ conditionType: 'example.com/lb' }] },
        { conditions: [{ type: 'example.com/lb', status: 'True' }] },
      ),
      sandbox: sandbox([{ name: 'main' }]),
    }),
    phase: 'Running',
    containers: 'main=running!',
    conditions: `${allTrue} example.com/lb`,
  },
  {
    name: 'dying: still running',
    view: view({ pod: pod({}, {}, dying), sandbox: sandbox([{ name: 'main' }]) }),
    phase: 'Running',
    containers: 'main=running!',
    conditions: allTrue,
  },
  {
    name: 'dying: ended by TERM',
    view: view({ pod: pod({}, {}, dying), sandbox: sandbox([{ name: 'main', code: 143 }]) }),
    phase: 'Failed',
    containers: 'main=Error 143',
    conditions: `${started} Ready:PodFailed ContainersReady:PodFailed`,
  },
  {
    name: 'dying: ended well',
    view: view({ pod: pod({}, {}, dying), sandbox: sandbox([{ name: 'main', code: 0 }]) }),
    phase: 'Succeeded',
    containers: 'main=Completed 0',
    conditions: `${started} Ready:PodCompleted ContainersReady:PodCompleted`,
  },
  {
    name: 'past its deadline, still running',
    view: view({ sandbox: sandbox([{ name: 'main' }]) }),
    plan: plan({}, { failure: { reason: 'DeadlineExceeded', message: 'too long' } }),
    phase: 'Running',
    containers: 'main=running!',
    conditions: allTrue,
  },
  {
    name: 'past its deadline',
    view: view({ sandbox: sandbox([{ name: 'main', code: 143 }]) }),
    plan: plan({}, { failure: { reason: 'DeadlineExceeded', message: 'too long' } }),
    phase: 'Failed',
    containers: 'main=Error 143',
    conditions: `${started} Ready:PodFailed ContainersReady:PodFailed`,
  },
  {
    name: 'an end is final',
    view: view({ pod: pod({}, { phase: 'Failed' }), sandbox: sandbox([{ name: 'main', code: 0 }]) }),
    phase: 'Failed',
    containers: 'main=Completed 0',
    conditions: `${started} Ready:PodFailed ContainersReady:PodFailed`,
  },
]

for (const { name, view, plan: given = plan(), ...wanted } of cases)
  t.test(name, async (t) => {
    const status = podStatus(view, given, 0)
    t.equal(status.phase, wanted.phase)
    t.equal(containers(status.containerStatuses), wanted.containers)
    t.equal(containers(status.initContainerStatuses), wanted.inits ?? '')
    t.equal(conditions(status), wanted.conditions)
  })

t.test('all fields of a running pod', async (t) => {
  const found = view({
    pod: pod(
      {},
      { qosClass: 'BestEffort', conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: 'then' }] },
    ),
    sandbox: sandbox(
      [
        { name: 'main', code: 1, from: 1000, to: 2000 },
        { name: 'main', attempt: 1, from: 3000 },
      ],
      { addresses: ['10.244.0.2', 'fd00::2'] },
    ),
  })
  t.same(podStatus(found, plan(), 4000), {
    qosClass: 'BestEffort',
    phase: 'Running',
    conditions: [
      ...['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'].map((type) => ({
        ...{ type, status: 'True', lastTransitionTime: '1970-01-01T00:00:04Z' },
      })),
      { type: 'PodScheduled', status: 'True', lastTransitionTime: 'then' },
    ],
    hostIP: '192.0.2.1',
    hostIPs: [{ ip: '192.0.2.1' }],
    podIP: '10.244.0.2',
    podIPs: [{ ip: '10.244.0.2' }, { ip: 'fd00::2' }],
    startTime: '1970-01-01T00:00:04Z',
    containerStatuses: [
      {
        ...{ name: 'main', image: 'podway/echo', imageID: '', ready: true, started: true, restartCount: 1 },
        containerID: 'process://u1_main_1',
        state: { running: { startedAt: '1970-01-01T00:00:03Z' } },
        lastState: {
          terminated: {
            ...{ exitCode: 1, reason: 'Error', containerID: 'process://u1_main_0' },
            ...{ startedAt: '1970-01-01T00:00:01Z', finishedAt: '1970-01-01T00:00:02Z' },
          },
        },
      },
    ],
  })
})

t.test('times move only when something does', async (t) => {
  const running = sandbox([{ name: 'main' }])
  const first = podStatus(view({ sandbox: running }), plan(), 1000)
  const same = podStatus(view({ pod: pod({}, first), sandbox: running }), plan(), 9000)
  t.same(same, first, 'the status of the same thing later is the same')
  const probe = () => ({ started: true, ready: false })
  const changed = podStatus(view({ pod: pod({}, first), sandbox: running, probe }), plan(), 9000)
  const timeOf = (type: string) => changed.conditions?.find((each) => each.type === type)?.lastTransitionTime
  t.equal(timeOf('Ready'), '1970-01-01T00:00:09Z')
  t.equal(timeOf('Initialized'), '1970-01-01T00:00:01Z')
})

t.test('a held-back container shows its last end', async (t) => {
  const waiting = plan({ main: { reason: 'CrashLoopBackOff', message: 'm' } })
  const [main] =
    podStatus(view({ sandbox: sandbox([{ name: 'main', attempt: 2, code: 7 }]) }), waiting, 0).containerStatuses ?? []
  t.match(main, { restartCount: 2, state: { waiting: { message: 'm' } }, lastState: { terminated: { exitCode: 7 } } })
})

t.test('messages name the containers', async (t) => {
  const { conditions = [] } = podStatus(view({ pod: pod(inits), sandbox: sandbox([{ name: 'a' }]) }), plan(), 0)
  const messageOf = (type: string) => conditions.find((each) => each.type === type)?.message
  t.equal(messageOf('Initialized'), 'containers with incomplete status: [a b]')
  t.equal(messageOf('ContainersReady'), 'containers with unready status: [main]')
})

t.test('what the node has forgotten, the API remembers', async (t) => {
  const status = { phase: 'Succeeded', message: 'x' } as const
  t.same(podStatus(view({ pod: pod({}, status) }), plan(), 0), status)
  const containerStatuses = [
    { name: 'main', ready: true, restartCount: 4, image: '', imageID: '', containerID: 'process://old' },
  ]
  const after = podStatus(view({ pod: pod({}, { containerStatuses }) }), plan(), 0)
  t.match(after.containerStatuses, [{ restartCount: 4, containerID: 'process://old', ready: false }])
})

t.test('a pod keeps the address it had when its network is gone', async (t) => {
  const before = { podIP: '10.244.0.9', podIPs: [{ ip: '10.244.0.9' }] }
  t.match(podStatus(view({ pod: pod({}, before) }), plan(), 0), before)
})
