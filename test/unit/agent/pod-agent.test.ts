import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFakeNetwork } from '../../../src/agent/fake-network.ts'
import { podLogDir } from '../../../src/agent/logs/paths.ts'
import { createPodAgent } from '../../../src/agent/pod-agent.ts'
import type { Feature } from '../../../src/agent/runtime/capabilities.ts'
import { aborted } from '../../../src/api/clock.ts'
import { ApiError } from '../../../src/api/errors.ts'
import { configMaps, pods } from '../../../src/api/resources.ts'
import { agentOptions, podFor, startFakeAgent } from '../../support/pod-agent.ts'
import { until } from '../../support/until.ts'

const uidOf = (pod: { metadata: { uid?: string } }): string => pod.metadata.uid ?? ''

t.test('a pod from creation to deletion', async (t) => {
  const { create, client, get, isReady, events, runtime, network, folder, until } = await startFakeAgent(t)
  const pod = await create(podFor('web', { env: [{ name: 'WHO', value: 'me' }] }, { hostname: 'web-0' }))
  const uid = uidOf(pod)
  await until(() => isReady('web'), 'the pod to be ready')
  t.match(get('web')?.status, {
    ...{ phase: 'Running', podIP: '10.244.0.2', hostIP: '192.0.2.1' },
    containerStatuses: [{ name: 'main', ready: true, restartCount: 0, containerID: `fake://${uid}_main_0` }],
  })
  t.match(runtime.sandboxSpecOf(uid), {
    ...{ namespace: 'default', name: 'web', hostname: 'web-0', hostNetwork: false },
    mounts: [{ target: '/etc/hosts' }, { target: '/etc/resolv.conf' }],
  })
  t.match(runtime.specOf(`${uid}_main_0`), { command: ['sleep', '3600'], env: { WHO: 'me', HOSTNAME: 'web-0' } })
  t.match(readFileSync(join(folder, `state/files/${uid}/hosts`), 'utf8'), /10\.244\.0\.2\tweb-0\n/)
  await until(() => events('web').length === 2, 'the events')
  t.same(events('web'), ['Created: Created container main', 'Started: Started container main'])

  await client.delete(pods, pod)
  await until(() => !get('web'), 'the pod to be gone')
  t.ok(runtime.calls.includes(`signal ${uid}_main_0 TERM`))
  t.same(await runtime.sandboxes.list(), [])
  t.equal(network.attached.size, 0)
  t.notOk(existsSync(join(folder, `state/files/${uid}`)))
  t.notOk(existsSync(podLogDir(join(folder, 'logs'), { namespace: 'default', name: 'web', id: uid })))
  await until(() => events('web').includes('Killing: Stopping container main'), 'the last event')
})

t.test('damaged files of a pod are told of on the node', async (t) => {
  const { events, until, damage } = await startFakeAgent(t)
  damage('sandboxes/a is damaged: set aside')
  await until(() => events('node-a').length > 0, 'the event')
  t.match(events('node-a')[0], 'DamagedPodState: sandboxes/a is damaged: set aside')
})

t.test('a pod whose addresses are no longer of this node starts anew', async (t) => {
  const first = await startFakeAgent(t)
  const uid = uidOf(await first.create(podFor('web')))
  await first.until(() => first.isReady('web'), 'the pod to be ready')
  const { podIP } = first.get('web')?.status ?? {}

  // The next agent finds the pod running, and a network that has no place for it.
  const network = createFakeNetwork()
  network.lose(uid)
  const options = agentOptions(first.api, first.folder, () => ({ ...first.runtime, run: aborted }))
  const agent = createPodAgent({ ...options, network })
  await first.stop()
  const stop = new AbortController()
  const running = agent.run(stop.signal)
  await until(() => first.main('web')?.restartCount === 1 && first.isReady('web'), 'the pod to be ready again')
  t.ok(network.calls.includes(`detach ${uid}`))
  t.ok(first.events('web').some((event) => event.startsWith('SandboxChanged:')))
  t.equal(podIP, '10.244.0.2')
  stop.abort()
  await running
})

t.test('a pod whose network is damaged is not ready, and says why', async (t) => {
  const { create, get, isReady, events, network, until } = await startFakeAgent(t)
  const uid = uidOf(await create(podFor('web')))
  await until(() => isReady('web'), 'the pod to be ready')
  network.damage(uid, "the pod's network is damaged (its link is gone) and cannot be put back: no space")
  await until(() => !isReady('web'), 'the news')
  t.match(
    get('web')?.status?.conditions?.find(({ type }) => type === 'Ready'),
    { reason: 'NetworkNotReady', message: /its link is gone/ },
  )
  t.match(get('web')?.status?.containerStatuses, [{ ready: true, restartCount: 0 }], 'its containers run on')
  await until(() => events('web').some((event) => event.startsWith('NetworkNotReady:')), 'the Event')
  network.damage(uid, undefined)
  await until(() => isReady('web'), 'the pod to be ready again')
})

t.test('crashes: a restart at once, then with back-off', async (t) => {
  const { create, main, get, events, runtime, until } = await startFakeAgent(t)
  const uid = uidOf(await create(podFor('web')))
  await until(() => main('web')?.state?.running, 'the first instance')
  runtime.finish(`${uid}_main_0`, 3)
  await until(() => main('web')?.restartCount === 1 && main('web')?.state?.running, 'the second instance')
  t.match(main('web')?.lastState, { terminated: { exitCode: 3, reason: 'Error' } })
  runtime.finish(`${uid}_main_1`, 137, true)
  await until(() => main('web')?.state?.waiting, 'the back-off')
  t.match(main('web'), {
    state: { waiting: { reason: 'CrashLoopBackOff', message: /back-off 0\.2s restarting failed container=main/ } },
    lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
    ready: false,
  })
  t.equal(get('web')?.status?.phase, 'Running')
  await until(() => main('web')?.restartCount === 2 && main('web')?.state?.running, 'the third instance')
  t.ok(
    events('web').some((event) => event.startsWith('BackOff: Back-off restarting failed container main in pod web_')),
  )
})

t.test('a pod that runs to its end keeps its record and frees its network', async (t) => {
  const { create, phase, get, main, network, runtime, until } = await startFakeAgent(t)
  const pod = await create(podFor('job', { command: ['sh', '-c', 'exit 0'] }, { restartPolicy: 'Never' }))
  await until(() => phase('job') === 'Succeeded', 'the success')
  t.match(main('job')?.state, { terminated: { reason: 'Completed', exitCode: 0 } })
  t.equal(get('job')?.status?.podIP, '10.244.0.2', 'the address stays on record')
  await until(() => network.attached.size === 0, 'the network to be freed')
  t.match(await runtime.sandboxes.list(), [{ id: uidOf(pod), running: false }])
  const failed = await create(podFor('bad', { command: ['/no/such'] }, { restartPolicy: 'Never' }))
  await until(() => phase('bad') === 'Failed', 'the failure')
  t.match(main('bad')?.state, { terminated: { reason: 'StartError', exitCode: 128, message: /not found in \$PATH/ } })
  t.ok(failed)
})

t.test('an evicted pod ends with its reason, and leaves nothing on the disk but its logs', async (t) => {
  const { create, agent, phase, get, isReady, runtime, folder, until } = await startFakeAgent(t)
  const volume = { name: 'cache', emptyDir: {} }
  const mount = { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }
  const uid = uidOf(await create(podFor('web', mount, { volumes: [volume] })))
  await until(() => isReady('web'), 'the pod to be ready')
  t.ok(existsSync(join(folder, 'volumes', uid, 'cache')))
  agent.end(uid, { reason: 'Evicted', message: 'The node was low', graceMs: 1_000, isDisruption: true })
  await until(() => phase('web') === 'Failed', 'its end')
  t.match(get('web')?.status, { reason: 'Evicted', message: 'The node was low' })
  t.ok(runtime.calls.includes(`signal ${uid}_main_0 TERM`))
  t.match(await runtime.sandboxes.list(), [{ id: uid, running: false }])
  t.notOk(existsSync(join(folder, 'volumes', uid)))
  t.ok(existsSync(podLogDir(join(folder, 'logs'), { namespace: 'default', name: 'web', id: uid })))
})

t.test('what an earlier agent has left of the volumes of pods that have ended goes', async (t) => {
  const first = await startFakeAgent(t)
  const volume = { name: 'cache', emptyDir: {} }
  const mount = { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }
  const running = uidOf(await first.create(podFor('web', mount, { volumes: [volume] })))
  const ended = uidOf(
    await first.create(podFor('job', { command: ['sh', '-c', 'exit 0'] }, { restartPolicy: 'Never' })),
  )
  await first.until(() => first.isReady('web') && first.phase('job') === 'Succeeded', 'both of them')
  await first.stop()
  for (const uid of [ended, 'nobody']) mkdirSync(join(first.folder, 'volumes', uid, 'cache'), { recursive: true })
  const next = createPodAgent(agentOptions(first.api, first.folder, () => ({ ...first.runtime, run: aborted })))
  const stop = new AbortController()
  const done = next.run(stop.signal)
  const left = () => readdirSync(join(first.folder, 'volumes')).join()
  await until(() => left() === running, 'only those of the pod that runs to be left')
  stop.abort()
  await done
})

t.test('a pod that does not fit is not begun', async (t) => {
  const { create, phase, get, isReady, events, runtime, until } = await startFakeAgent(t)
  const asking = (cpu: string) => ({ resources: { requests: { cpu } } })
  await create(podFor('first', asking('1500m')))
  await until(() => isReady('first'), 'the first one to be ready')
  const uid = uidOf(await create(podFor('second', asking('1'))))
  await until(() => phase('second') === 'Failed', 'the refusal')
  const why = "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000"
  t.match(get('second')?.status, { reason: 'OutOfcpu', message: `Pod was rejected: ${why}` })
  await until(() => events('second').length > 0, 'the event')
  t.same(events('second'), [`OutOfcpu: ${why}`])
  t.notOk(runtime.calls.some((call) => call.includes(uid)))
  t.ok(isReady('first'))
})

t.test('of two that come at once and do not both fit, one is taken', async (t) => {
  const { create, phase, isReady, until } = await startFakeAgent(t)
  const asking = { resources: { requests: { cpu: '1500m' } } }
  await Promise.all(['a', 'b'].map((name) => create(podFor(name, asking))))
  const [ready, failed] = [
    () => ['a', 'b'].filter(isReady),
    () => ['a', 'b'].filter((name) => phase(name) === 'Failed'),
  ]
  await until(() => ready().length === 1 && failed().length === 1, 'a decision')
})

t.test('an agent that is started again has admitted what runs, whatever the node has become', async (t) => {
  const first = await startFakeAgent(t)
  const uid = uidOf(await first.create(podFor('web', { resources: { requests: { cpu: '2' } } })))
  await first.until(() => first.isReady('web'), 'the pod to be ready')
  await first.stop()
  const options = agentOptions(first.api, first.folder, () => ({ ...first.runtime, run: aborted }))
  const next = createPodAgent({ ...options, allocatable: { cpu: '1' } })
  const stop = new AbortController()
  const running = next.run(stop.signal)
  const after = uidOf(await first.create(podFor('later', { resources: { requests: { cpu: '1m' } } })))
  await until(() => first.phase('later') === 'Failed', 'the node to be full')
  t.ok(first.isReady('web'))
  t.notOk(first.runtime.calls.some((call) => call.includes(after) || call.startsWith(`signal ${uid}`)))
  stop.abort()
  await running
})

t.test('configuration that comes late', async (t) => {
  const { create, client, main, phase, events, isReady, runtime, until } = await startFakeAgent(t)
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'a' } } }]
  const uid = uidOf(await create(podFor('web', { env })))
  await until(() => main('web')?.state?.waiting?.reason === 'CreateContainerConfigError', 'the complaint')
  t.equal(main('web')?.state?.waiting?.message, 'configmap "conf" not found in namespace "default"')
  t.equal(phase('web'), 'Pending')
  await until(
    () => events('web').includes('Failed: Error: configmap "conf" not found in namespace "default"'),
    'the event',
  )
  await client.create(configMaps, { metadata: { name: 'conf', namespace: 'default' }, data: { a: '1' } })
  await until(() => isReady('web'), 'the pod to be ready')
  t.match(runtime.specOf(`${uid}_main_0`)?.env, { A: '1' })
})

t.test('what cannot be run says why', async (t) => {
  const { create, main, events, runtime, until } = await startFakeAgent(t)
  await create(podFor('nginx', { image: 'nginx', command: [] }))
  const volumeMounts = [{ name: 'v', mountPath: '/v' }]
  const iscsi = { name: 'v', iscsi: { targetPortal: '192.0.2.1', iqn: 'iqn.2001-04.com.example:x', lun: 0 } }
  await create(podFor('volume', { volumeMounts }, { volumes: [iscsi] }))
  await create(podFor('hidden', {}, { hostPID: true }))
  await until(() => main('nginx')?.state?.waiting?.reason === 'CreateContainerError', 'the first complaint')
  t.match(main('nginx')?.state?.waiting?.message, /give container main a command/)
  await until(() => main('hidden')?.state?.waiting?.reason === 'Unsupported', 'the second complaint')
  await until(() => events('hidden').length > 0 && events('volume').length > 0, 'the events')
  t.same(events('hidden'), ["Unsupported: this node's runtime cannot honour spec.hostPID"])
  const why = 'this node has no plug-in for volumes of the kind "iscsi": use a CSI driver, or one for flexVolume'
  t.equal(events('volume')[0], `FailedMount: MountVolume.SetUp failed for volume "v" : ${why}`)
  t.notOk(runtime.calls.some((call) => call.includes('start-container')))
})

t.test('a sandbox that cannot be made is tried again, and nothing of it stays', async (t) => {
  const { create, isReady, events, network, until } = await startFakeAgent(t)
  network.failNext(new Error('no addresses left'))
  await create(podFor('web'))
  await until(() => isReady('web'), 'the pod to be ready')
  t.ok(
    events('web').some((event) =>
      /^FailedCreatePodSandBox: Failed to create pod sandbox: no addresses left/.test(event),
    ),
  )
  t.ok(network.calls.some((call) => call.startsWith('detach')))
})

t.test('a sandbox that dies is replaced', async (t) => {
  const { create, main, get, isReady, events, runtime, network, until } = await startFakeAgent(t)
  const uid = uidOf(await create(podFor('web')))
  await until(() => isReady('web'), 'the pod to be ready')
  runtime.die(uid)
  await until(() => main('web')?.restartCount === 1 && isReady('web'), 'the pod to be ready again')
  t.match(main('web')?.lastState, { terminated: { exitCode: 137 } })
  t.equal(get('web')?.status?.podIP, '10.244.0.3', 'with a network of its own')
  t.equal(network.attached.size, 1)
  await until(() => events('web').some((event) => event.startsWith('SandboxChanged')), 'the event')
})

t.test('init containers go first, one after the other', async (t) => {
  const { create, phase, isReady, get, runtime, until } = await startFakeAgent(t)
  const init = (name: string) => ({ name, image: 'any', command: ['sleep', '3600'] })
  const uid = uidOf(await create(podFor('web', {}, { initContainers: [init('one'), init('two')] })))
  const started = () =>
    runtime.calls.filter((call) => call.startsWith('start-container')).map((call) => call.split('_')[1])
  await until(() => started().length === 1, 'the first')
  await until(() => get('web')?.status?.initContainerStatuses?.[0]?.state?.running, 'its status')
  t.equal(phase('web'), 'Pending')
  runtime.finish(`${uid}_one_0`, 0)
  await until(() => started().length === 2, 'the second')
  runtime.finish(`${uid}_two_0`, 0)
  await until(() => isReady('web'), 'the pod to be ready')
  t.same(started(), ['one', 'two', 'main'])
})

t.test('liveness kills, readiness hides', async (t) => {
  const { create, main, isReady, phase, events, runtime, until } = await startFakeAgent(t)
  const probe = (word: string) => ({ exec: { command: [word] }, periodSeconds: 1, failureThreshold: 1 })
  const answers = new Map([
    ['ready', 0],
    ['alive', 0],
  ])
  runtime.onExec((_container, [word = '']) => ({ exitCode: answers.get(word) ?? 0, output: `${word}: no` }))
  await create(podFor('web', { readinessProbe: probe('ready'), livenessProbe: probe('alive') }))
  await until(() => isReady('web'), 'the pod to be ready')
  answers.set('ready', 1)
  await until(() => !isReady('web'), 'the pod to be unready')
  t.match([phase('web'), main('web')?.restartCount, main('web')?.started], ['Running', 0, true])
  answers.set('ready', 0)
  await until(() => isReady('web'), 'the pod to be ready again')
  answers.set('alive', 1)
  await until(() => (main('web')?.restartCount ?? 0) > 0, 'a restart')
  answers.set('alive', 0)
  await until(
    () => events('web').includes('Killing: Container main failed liveness probe, will be restarted'),
    'the reason',
  )
  t.ok(events('web').includes('Unhealthy: Readiness probe failed: ready: no'))
  t.ok(events('web').includes('Unhealthy: Liveness probe failed: alive: no'))
})

t.test('hooks', async (t) => {
  const { create, client, get, isReady, events, runtime, until } = await startFakeAgent(t)
  const ran: string[] = []
  runtime.onExec((_container, [word = '']) => {
    ran.push(word)
    return { exitCode: word === 'bad' ? 1 : 0, output: 'oh no' }
  })
  const hook = (word: string) => ({ exec: { command: [word] } })
  const pod = await create(podFor('web', { lifecycle: { postStart: hook('hello'), preStop: hook('bye') } }))
  await until(() => isReady('web'), 'the pod to be ready')
  await client.delete(pods, pod)
  await until(() => !get('web'), 'the pod to be gone')
  t.same(ran, ['hello', 'bye'])

  await create(podFor('bad', { lifecycle: { postStart: hook('bad') } }))
  await until(() => events('bad').includes('FailedPostStartHook: PostStartHook failed: oh no'), 'the complaint')
  await until(() => events('bad').includes('Killing: FailedPostStartHook'), 'the end')
})

t.test('KILL follows when TERM does not help', async (t) => {
  const { create, client, get, isReady, runtime, until } = await startFakeAgent(t)
  runtime.ignoreTerm('main')
  const pod = await create(podFor('web'))
  await until(() => isReady('web'), 'the pod to be ready')
  await client.delete(pods, pod, { gracePeriodSeconds: 1 })
  await until(() => !get('web'), 'the pod to be gone')
  const signals = runtime.calls.filter((call) => call.startsWith('signal')).map((call) => call.split(' ')[2])
  t.same(signals, ['TERM', 'KILL'])
})

t.test('a pod that vanishes, or becomes another of the same name', async (t) => {
  const { api, create, isReady, runtime, network, main, until } = await startFakeAgent(t)
  const first = await create(podFor('web'))
  await until(() => isReady('web'), 'the pod to be ready')
  api.drop('pods', 'default/web')
  const second = await create(podFor('web'))
  await until(() => main('web')?.containerID === `fake://${uidOf(second)}_main_0` && isReady('web'), 'the second pod')
  await until(async () => (await runtime.sandboxes.list()).length === 1, 'the end of the first')
  t.ok(runtime.calls.includes(`signal ${uidOf(first)}_main_0 TERM`))
  t.same([...network.attached.keys()], [uidOf(second)])
})

t.test('a status is written once, and again only when it differs', async (t) => {
  const { api, create, client, isReady, get, until } = await startFakeAgent(t)
  await create(podFor('web'))
  await until(() => isReady('web'), 'the pod to be ready')
  const writes = () => api.calls.filter((call) => call === 'PUT /api/v1/namespaces/default/pods/web/status').length
  const before = writes()
  await client.patch(pods, { metadata: { name: 'web', namespace: 'default' } }, { metadata: { labels: { a: 'b' } } })
  await create(podFor('other'))
  await until(() => isReady('other'), 'another pod')
  t.equal(writes(), before)
  t.ok(before <= 2, `${before} writes`)
  t.same(get('web')?.metadata.labels, { a: 'b' })
})

t.test('conflicts and a server that is away', async (t) => {
  const { api, create, client, isReady, get, main, runtime, until } = await startFakeAgent(t)
  let interfered = 0
  api.interfere(async ({ method, path }) => {
    if (method !== 'PUT' || !path.endsWith('/status') || interfered++ > 0) return
    await client.patch(
      pods,
      { metadata: { name: 'web', namespace: 'default' } },
      { metadata: { annotations: { x: 'y' } } },
    )
  })
  const uid = uidOf(await create(podFor('web')))
  await until(() => isReady('web'), 'the pod to be ready in spite of a conflict')
  t.same(get('web')?.metadata.annotations, { x: 'y' })

  api.interfere(() => {
    throw new Error('connect ECONNREFUSED')
  })
  runtime.finish(`${uid}_main_0`, 1)
  await until(() => runtime.calls.includes(`start-container ${uid}_main_1`), 'a restart without the server')
  api.interfere(undefined)
  await until(() => main('web')?.restartCount === 1 && isReady('web'), 'the news of it')
})

t.test('pods on the host network have its address', async (t) => {
  const { create, get, isReady, network, until } = await startFakeAgent(t)
  await create(podFor('web', {}, { hostNetwork: true }))
  await until(() => isReady('web'), 'the pod to be ready')
  t.equal(get('web')?.status?.podIP, '192.0.2.1')
  t.notOk(network.calls.some((call) => call.startsWith('attach')))
})

t.test('pods of other nodes are none of our business', async (t) => {
  const { create, isReady, runtime, until } = await startFakeAgent(t)
  await create(podFor('there', {}, { nodeName: 'node-b' }))
  await create(podFor('here'))
  await until(() => isReady('here'), 'our own')
  t.equal((await runtime.sandboxes.list()).length, 1)
})

const withImages: ReadonlySet<Feature> = new Set(['images'])

t.test('an image is fetched before its container starts', async (t) => {
  const { create, main, events, isReady, runtime, until } = await startFakeAgent(t, {}, withImages)
  runtime.registry.serve('web:1', { entrypoint: ['/web'], env: { PATH: '/web' }, user: 'www' })
  const arrive = runtime.registry.hold()
  const pod = await create(podFor('web', { image: 'web:1', command: [] }))
  await until(() => runtime.registry.calls.length === 1, 'the pull')
  await until(() => main('web')?.state?.waiting?.reason === 'ContainerCreating', 'the wait')
  t.notOk(runtime.calls.some((call) => call.startsWith('start-container')))
  arrive()
  await until(() => isReady('web'), 'the pod to be ready')
  t.match(main('web'), { image: 'web:1', imageID: /^docker\.io\/library\/web@sha256:[0-9a-f]{64}$/ })
  t.match(runtime.specOf(`${uidOf(pod)}_main_0`), { command: ['/web'], user: { named: 'www' }, env: { PATH: '/web' } })
  await create(podFor('second', { image: 'web:1', command: [] }))
  await until(() => isReady('second'), 'a pod of an image that is here')
  t.same(runtime.registry.calls, ['pull web:1'])
  await until(() => events('second').some((event) => /^Started/.test(event)), 'its Events')
  t.ok(events('second').includes('Pulled: Container image "web:1" already present on machine'))
  t.equal(events('web')[0], 'Pulling: Pulling image "web:1"')
  t.match(events('web')[1], /^Pulled: Successfully pulled image "web:1" in .*\. Image size: 1000 bytes\.$/)
  t.notOk(events('web').some((event) => event.includes('already present')))
})

t.test('an image that cannot be fetched', async (t) => {
  const { create, main, events, phase, runtime, until } = await startFakeAgent(t, {}, withImages)
  const waiting = (name: string) => main(name)?.state?.waiting
  await create(podFor('web', { image: 'gone:1' }))
  await create(podFor('never', { image: 'gone:1', imagePullPolicy: 'Never' }))
  await create(podFor('none', { image: 'NoSuch' }))
  await until(() => waiting('web')?.reason === 'ErrImagePull', 'the failure')
  t.equal(waiting('web')?.message, 'gone:1: not found')
  await until(() => waiting('never')?.reason === 'ErrImageNeverPull', 'the refusal')
  await until(() => waiting('none')?.reason === 'InvalidImageName', 'the complaint')
  await until(() => waiting('web')?.reason === 'ImagePullBackOff', 'the wait')
  t.equal(waiting('web')?.message, 'Back-off pulling image "gone:1"')
  t.equal(phase('web'), 'Pending')
  await until(() => events('web').length === 5, 'the Events')
  t.same(events('web'), [
    'Pulling: Pulling image "gone:1"',
    'Failed: Failed to pull image "gone:1": gone:1: not found',
    'Failed: Error: ErrImagePull',
    'BackOff: Back-off pulling image "gone:1"',
    'Failed: Error: ImagePullBackOff',
  ])
  t.same(events('never'), [
    'ErrImageNeverPull: Container image "gone:1" is not present with pull policy of Never',
    'Failed: Error: ErrImageNeverPull',
  ])
  t.equal(events('none')[0]?.startsWith('InspectFailed: Failed to apply default image tag "NoSuch"'), true)
  t.same(runtime.registry.calls, ['pull gone:1'], 'one try, and no other before it is time')
})

t.test('a RuntimeClass that nobody knows, and one whose runtime is not here', async (t) => {
  const handlers: Readonly<Record<string, string>> = { small: 'fake', odd: 'runsc' }
  const { create, events, isReady, runtime, until } = await startFakeAgent(t, {
    handlerOf: async (name) => handlers[name],
  })
  for (const runtimeClassName of ['small', 'odd', 'gone'])
    await create(podFor(runtimeClassName, {}, { runtimeClassName }))
  await until(() => isReady('small'), 'the pod whose runtime is here')
  t.equal(runtime.sandboxSpecOf((await runtime.sandboxes.list())[0]?.id ?? '')?.runtime, 'fake')
  const why = 'FailedCreatePodSandBox: Failed to create pod sandbox:'
  await until(() => events('odd').length > 0 && events('gone').length > 0, 'the complaints')
  t.equal(events('odd')[0], `${why} failed to get sandbox runtime: no runtime for "runsc" is configured on this node`)
  t.equal(events('gone')[0], `${why} RuntimeClass "gone" not found`)
})

t.test(
  'a RuntimeClass that cannot be read: the pod says why, ends when it shall, and starts when it can',
  async (t) => {
    let isDown = true
    const { client, create, get, events, isReady, until } = await startFakeAgent(t, {
      handlerOf: async () => {
        if (isDown) throw new ApiError(403, 'Forbidden', 'no')
        return 'fake'
      },
    })
    await create(podFor('waits', {}, { runtimeClassName: 'small' }))
    const goes = await create(podFor('goes', {}, { runtimeClassName: 'small' }))
    await until(() => events('waits').length > 0 && events('goes').length > 0, 'the Events')
    t.equal(
      events('waits')[0],
      'FailedCreatePodSandBox: Failed to create pod sandbox: cannot read RuntimeClass "small": forbidden: no; trying again',
    )
    await client.delete(pods, goes)
    await until(() => !get('goes'), 'the end of the one')
    isDown = false
    await until(() => isReady('waits'), 'the start of the other')
  },
)

t.test('images that cannot be looked at: the pod says why, and starts when they can', async (t) => {
  const { create, main, events, isReady, runtime, until } = await startFakeAgent(t, {}, withImages)
  runtime.registry.serve('web:1', { entrypoint: ['/web'] })
  runtime.registry.damage('EIO: i/o error')
  await create(podFor('web', { image: 'web:1', command: [] }))
  await until(() => main('web')?.state?.waiting?.reason === 'ImageInspectError', 'the wait')
  await until(() => events('web').length === 2, 'the Events')
  t.same(events('web'), [
    'InspectFailed: Failed to inspect image "web:1": EIO: i/o error',
    'Failed: Error: ImageInspectError',
  ])
  runtime.registry.mend()
  await until(() => isReady('web'), 'the start')
})

t.test('a runtime with ways of its own hears which one the class of the pod names', async (t) => {
  const handlers: Readonly<Record<string, string>> = { sandboxed: 'runsc', plain: 'fake' }
  const handlerOf = async (name: string) => handlers[name]
  const { create, isReady, runtime, until } = await startFakeAgent(t, { handlerOf }, new Set(), true)
  const specOf = async (runtimeClassName: string) => {
    const pod = await create(podFor(runtimeClassName, {}, { runtimeClassName }))
    await until(() => isReady(runtimeClassName), 'the pod')
    return runtime.sandboxSpecOf(uidOf(pod))
  }
  t.equal((await specOf('sandboxed'))?.handler, 'runsc')
  const plain = await specOf('plain')
  t.equal(plain?.handler, undefined, 'its own name is none')
  t.match(plain?.logDir, /\/logs\/default_plain_/)
})

t.test('pods whose containers hang at their start hold no other pod back', async (t) => {
  const { create, isReady, runtime, until } = await startFakeAgent(t, { slotMs: 20 })
  const hanging = runtime.hangStarts('stuck')
  const stuck = Array.from({ length: 9 }, (_, at) => `stuck-${at}`)
  for (const name of stuck) await create(podFor(name, { name: 'stuck' }))
  try {
    await until(() => hanging.sandboxes.length === stuck.length, 'all of them to hang')
    await create(podFor('web'))
    await until(() => isReady('web'), 'the pod that does not hang')
    t.equal(hanging.sandboxes.length, stuck.length, 'one turn of a pod at a time')
  } finally {
    hanging.release()
  }
  await until(() => stuck.every(isReady), 'the others, once they go on')
})
