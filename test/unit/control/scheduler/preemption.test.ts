/** Preemption over the real API: what is written, told and deleted. */
import t from 'tap'
import { events, pods, priorityClasses, replicaSets } from '../../../../src/api/resources.ts'
import type { Pod, PodSpec } from '../../../../src/api/types/index.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const add = ({ client }: ControlPlane, name: string, cpu: string, spec: Partial<PodSpec> = {}): Promise<Pod> =>
  client.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'echo', resources: { requests: { cpu } } }], ...spec },
  })

const podOf = ({ client }: ControlPlane, name: string): Promise<Pod> => client.get(pods, name, 'default')

const running = (plane: ControlPlane, name: string): Promise<Pod> =>
  until(async () => {
    const found = await podOf(plane, name)
    return found.status?.phase === 'Running' && found
  }, `${name} to run`)

const waiting = (plane: ControlPlane, name: string, says: RegExp): Promise<Pod> =>
  until(async () => {
    const found = await podOf(plane, name)
    return found.status?.conditions?.some(({ message = '' }) => says.test(message)) && found
  }, `${name} to wait`)

const told = ({ client }: ControlPlane, reason: string, name: string): Promise<string> =>
  until(async () => {
    const all = (await client.list(events)).items
    return all.find((each) => each.reason === reason && each.involvedObject.name === name)?.message ?? false
  }, `the Event ${reason} of ${name}`)

t.test('less important pods go for a more important one, which keeps the room', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  for (const [name, value] of [
    ['low', 1],
    ['middle', 10],
    ['high', 100],
  ] as const)
    await client.create(priorityClasses, { metadata: { name }, value })
  await plane.addNode('n1', { cpu: '4' })

  // Somebody else's finalizer keeps the victim for a while, as a long time to end would.
  await client.create(pods, {
    metadata: { name: 'victim', namespace: 'default', finalizers: ['example.com/hold'] },
    spec: {
      containers: [{ name: 'main', image: 'echo', resources: { requests: { cpu: '3' } } }],
      priorityClassName: 'low',
    },
  })
  await running(plane, 'victim')
  await add(plane, 'stays', '1', { priorityClassName: 'middle' })
  await running(plane, 'stays')

  const polite = await add(plane, 'polite', '2', { priorityClassName: 'high', preemptionPolicy: 'Never' }).catch(
    (error: unknown) => error,
  )
  t.match(polite, { code: 403 }, 'a policy is that of the class')

  const preemptor = await add(plane, 'preemptor', '2', { priorityClassName: 'high' })
  const nominated = await until(async () => {
    const found = await podOf(plane, 'preemptor')
    return found.status?.nominatedNodeName === 'n1' && found
  }, 'the nomination')
  t.equal(nominated.spec.nodeName, undefined)
  t.match(nominated.status?.conditions, [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/1 nodes are available: 1 Insufficient cpu.',
    },
  ])
  const victim = await podOf(plane, 'victim')
  t.ok(victim.metadata.deletionTimestamp)
  t.match(
    victim.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    {
      ...{ status: 'True', reason: 'PreemptionByScheduler' },
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    },
  )
  t.equal(await told(plane, 'Preempted', 'victim'), `Preempted by pod ${preemptor.metadata.uid} on node n1`)
  t.equal((await podOf(plane, 'stays')).metadata.deletionTimestamp, undefined)

  await add(plane, 'thief', '2', { priorityClassName: 'low' })
  await waiting(
    plane,
    'thief',
    /^0\/1 nodes are available: 1 Insufficient cpu\. preemption: .*No preemption victims found/,
  )
  await client.patch(pods, victim, { metadata: { finalizers: null } })
  await running(plane, 'preemptor')
  t.equal((await podOf(plane, 'thief')).spec.nodeName, undefined, 'who came meanwhile has not taken it')
  await client.delete(pods, await podOf(plane, 'stays'))
  await client.delete(pods, await podOf(plane, 'preemptor'))
  await running(plane, 'thief')
})

t.test('pods of another scheduler, and pods with gates, are left alone', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  await plane.addNode('n1')
  await add(plane, 'theirs', '1', { schedulerName: 'another' })
  const gated = await add(plane, 'gated', '1', { schedulingGates: [{ name: 'example.com/wait' }] })
  await waiting(plane, 'gated', /^Scheduling is blocked due to non-empty scheduling gates$/)
  t.match((await podOf(plane, 'gated')).status?.conditions, [{ reason: 'SchedulingGated', status: 'False' }])
  await add(plane, 'ours', '1')
  await running(plane, 'ours')
  t.equal((await podOf(plane, 'gated')).spec.nodeName, undefined)
  const binding = { metadata: { name: 'gated', namespace: 'default' }, target: { kind: 'Node', name: 'n1' } }
  t.match(await plane.request('POST', '/api/v1/namespaces/default/pods/gated/binding', { body: binding }), {
    code: 409,
    body: { message: /pod gated has non-empty \.spec\.schedulingGates$/ },
  })
  await t.rejects(client.patch(pods, gated, { spec: { schedulingGates: [{ name: 'example.com/more' }] } }), {
    message: /only deletion is allowed, but found new scheduling gate 'example\.com\/more'/,
  })
  await client.patch(pods, gated, { spec: { schedulingGates: [] } })
  await running(plane, 'gated')
  const theirs = await podOf(plane, 'theirs')
  t.same([theirs.spec.nodeName, theirs.status?.conditions], [undefined, undefined])
})

t.test('pods of ReplicaSets go once, and what replaces them leaves the room alone', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  const cpu = 'example.com/fakecpu'
  for (const value of [1, 2, 3, 4]) await client.create(priorityClasses, { metadata: { name: `p${value}` }, value })
  await plane.addNode('n1', { pods: '10', [cpu]: '1000' })
  const asking = (amount: string, priorityClassName: string): PodSpec => {
    const resources = { requests: { [cpu]: amount }, limits: { [cpu]: amount } }
    return { priorityClassName, containers: [{ name: 'main', image: 'echo', resources }] }
  }
  const running = async (name: string) =>
    (await plane.podList(`name=${name}`)).filter(({ status }) => status?.phase === 'Running').length
  for (const [at, amount] of ['200', '300', '450'].entries()) {
    const labels = { name: `pod${at + 1}` }
    await client.create(replicaSets, {
      metadata: { name: `rs-pod${at + 1}`, namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: asking(amount, `p${at + 1}`) },
      },
    })
    await until(async () => (await running(`pod${at + 1}`)) === 1, `pod${at + 1} to run`)
  }
  await client.create(pods, { metadata: { name: 'pod4', namespace: 'default' }, spec: asking('500', 'p4') })
  await until(async () => (await podOf(plane, 'pod4')).status?.phase === 'Running', 'the preemptor to run')
  t.equal((await podOf(plane, 'pod4')).status?.nominatedNodeName, 'n1', 'as was said before')
  const made = async (name: string): Promise<number> =>
    (await client.list(events)).items
      .filter(({ reason, involvedObject }) => reason === 'SuccessfulCreate' && involvedObject.name === name)
      .reduce((sum, { count = 1 }) => sum + count, 0)
  const counts = () => Promise.all(['rs-pod1', 'rs-pod2', 'rs-pod3'].map(made))
  await until(async () => (await counts()).join() === '2,2,1', 'the pods that replace them')
  t.same([await running('pod1'), await running('pod2'), await running('pod3')], [0, 0, 1])
})
