/** Containers that are added to a pod that runs: when they start, what is told of them, and what does not wait for them. */
import t from 'tap'
import { defaultBackOff } from '../../../../src/agent/pods/back-off.ts'
import { complaintsOf } from '../../../../src/agent/pods/complaints.ts'
import { planPod } from '../../../../src/agent/pods/plan.ts'
import { podStatus } from '../../../../src/agent/pods/pod-status.ts'
import { unsupportedEphemeral } from '../../../../src/agent/pods/unsupported.ts'
import type { PodView } from '../../../../src/agent/pods/view.ts'
import type { Feature } from '../../../../src/agent/runtime/capabilities.ts'
import type { Container, EphemeralContainer, PodSpec, PodStatus } from '../../../../src/api/types/index.ts'
import { pod, sandbox, unconnected, view } from './builders.ts'

const debug: EphemeralContainer = { name: 'debug', image: 'busybox', targetContainerName: 'main' }
const withDebug = (status: PodStatus = {}, spec: Partial<PodSpec> = {}) =>
  pod({ ephemeralContainers: [debug], ...spec }, status)
const main = { name: 'main' }
const shown = { name: 'debug', ready: false, restartCount: 0, image: '', imageID: '' }

const planOf = (more: Partial<PodView>) => {
  const plan = planPod(view({ pod: withDebug(), ...more }), 0, defaultBackOff)
  return plan.actions.map((action) => ('name' in action ? `${action.do} ${action.name}` : action.do)).join(', ')
}

t.test('one starts in a pod that runs, once', async (t) => {
  t.equal(planOf({ sandbox: undefined }), 'start-sandbox', 'it makes no sandbox')
  t.equal(planOf({ sandbox: sandbox([main]) }), 'start-container debug')
  t.equal(planOf({ sandbox: unconnected(sandbox([main])) }), 'attach-network', 'not before there is a network')
  t.equal(planOf({ sandbox: sandbox([{ name: 'main', code: 1, to: 0, restarts: 5 }]) }), 'start-container debug')
  const init: Container = { name: 'init' }
  const waiting = withDebug({}, { initContainers: [init] })
  t.equal(planOf({ pod: waiting, sandbox: sandbox([init]) }), 'start-container debug', 'while init containers run')
  for (const code of [0, 1])
    t.equal(planOf({ sandbox: sandbox([main, { name: 'debug', code }]) }), '', `not again after ${code}`)
  t.equal(planOf({ sandbox: sandbox([main, { name: 'debug', code: 0, life: 0 }]) }), '', 'nor in a new sandbox')
  const ephemeralContainerStatuses = [{ ...shown, containerID: 'oci://gone' }]
  t.equal(
    planOf({ pod: withDebug({ ephemeralContainerStatuses }), sandbox: sandbox([main]) }),
    '',
    'nor after a reboot',
  )
  t.equal(planOf({ sandbox: sandbox([]) }), 'start-container main, start-container debug')
})

t.test('a pod that ends takes it along, and does not wait for it', async (t) => {
  const spec = { restartPolicy: 'Never' } as const
  const done = sandbox([{ name: 'main', code: 0 }, { name: 'debug' }])
  t.equal(planOf({ pod: withDebug({}, spec), sandbox: done }), 'stop-container')
  const status = podStatus(view({ pod: withDebug({}, spec), sandbox: done }), planPod(view(), 0, defaultBackOff), 0)
  t.equal(status.phase, 'Succeeded')
  const failure = { reason: 'DeadlineExceeded', message: 'm' }
  const late = { actions: [], waiting: new Map(), failure }
  const left = sandbox([{ name: 'main', code: 137 }, { name: 'debug' }])
  t.equal(podStatus(view({ pod: withDebug(), sandbox: left }), late, 0).phase, 'Failed')
})

t.test('its status', async (t) => {
  const plan = { actions: [], waiting: new Map() }
  const of = (found: Partial<PodView>) => podStatus(view({ pod: withDebug(), ...found }), plan, 0)
  const running = of({ sandbox: sandbox([main, { name: 'debug' }]) })
  t.match(running.ephemeralContainerStatuses, [
    { name: 'debug', state: { running: {} }, ready: false, restartCount: 0, containerID: 'process://u1_debug_0' },
  ])
  t.notOk('started' in (running.ephemeralContainerStatuses?.[0] ?? {}))
  t.equal(running.containerStatuses?.length, 1)
  t.match(
    running.conditions?.find(({ type }) => type === 'Ready'),
    { status: 'True' },
    'nobody waits for it to be ready',
  )
  t.match(of({ sandbox: sandbox([main]) }).ephemeralContainerStatuses, [
    { state: { waiting: { reason: 'ContainerCreating' } } },
  ])
  t.notOk('ephemeralContainerStatuses' in podStatus(view({ sandbox: sandbox([main]) }), plan, 0))
  const containerID = 'process://before'
  const after = (state: object) =>
    of({ pod: withDebug({ ephemeralContainerStatuses: [{ ...shown, containerID, state }] }), sandbox: sandbox([main]) })
      .ephemeralContainerStatuses?.[0]
  t.match(after({ running: {} }), {
    containerID,
    state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } },
  })
  const ended = { terminated: { exitCode: 3, reason: 'Error', containerID } }
  t.strictSame(after(ended)?.state, ended, 'an end that is known stays')
})

t.test('what the runtime cannot give keeps that container back alone, and is told', async (t) => {
  const unsupportedOf = new Map([['debug', ['spec.ephemeralContainers[0].volumeMounts']]])
  const held = view({ pod: withDebug(), sandbox: sandbox([]), unsupportedOf })
  const plan = planPod(held, 0, defaultBackOff)
  t.match(plan.actions, [{ do: 'start-container', name: 'main' }])
  t.match(plan.waiting.get('debug'), {
    reason: 'Unsupported',
    message: /cannot honour spec.ephemeralContainers\[0\].volumeMounts/,
  })
  t.match(complaintsOf(held, plan), [{ type: 'Warning', reason: 'Unsupported', message: /ephemeralContainers/ }])
})

t.test('which fields those are', async (t) => {
  const of = (features: readonly Feature[], container: Partial<EphemeralContainer>, more: Partial<PodSpec> = {}) => {
    const whole = { ...debug, ...container }
    const capabilities = { features: new Set(features), canBecome: (id: number) => id === 0, canSetGroups: false }
    const fields = unsupportedEphemeral(pod({ ephemeralContainers: [whole], ...more }), whole, {
      capabilities,
      hostPorts: true,
    })
    return fields.map((field) => field.replace('spec.ephemeralContainers[0].', ''))
  }
  t.strictSame(of([], {}), [], 'where all containers share their processes, every one is seen')
  t.strictSame(of(['own-pids'], {}), ['targetContainerName'])
  t.strictSame(of(['own-pids', 'joined-pids'], {}), [])
  t.strictSame(of([], { securityContext: { readOnlyRootFilesystem: true } }), [
    'securityContext.readOnlyRootFilesystem',
  ])
  const mount = { name: 'v', mountPath: '/v' }
  const mounted = { containers: [{ name: 'main', volumeMounts: [mount] }], volumes: [{ name: 'v', emptyDir: {} }] }
  t.strictSame(of([], { volumeMounts: [mount] }, mounted), [], 'what is there already')
  t.strictSame(of([], { volumeMounts: [{ ...mount, mountPath: '/w' }] }, mounted), ['volumeMounts'])
  t.strictSame(of([], { volumeMounts: [{ ...mount, readOnly: true }] }, mounted), ['volumeMounts'])
  t.strictSame(of(['images'], { volumeMounts: [{ ...mount, mountPath: '/w' }] }, mounted), [])
})
