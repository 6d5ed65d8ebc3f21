/** Extenders over the real API: who is asked what, and what becomes of pods when they answer, and when they do not. */
import t, { type Test } from 'tap'
import { events, pods, priorityClasses } from '../../../../src/api/resources.ts'
import type { Pod, PodSpec } from '../../../../src/api/types/index.ts'
import type { ExtenderSettings } from '../../../../src/control/scheduler/config/settings.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'
import { extenderAt, type FakeExtender, knowing, startExtender, withExtenders } from './fake-extender.ts'

interface World {
  readonly plane: ControlPlane
  readonly extender: FakeExtender
}

const start = async (t: Test, settings: Partial<ExtenderSettings>, nodes = ['n1', 'n2', 'n3']): Promise<World> => {
  const extender = await startExtender(t)
  const plane = await startControlPlane(t, { scheduler: withExtenders(extenderAt(extender.url, settings)) })
  for (const name of nodes) await plane.addNode(name, { 'example.com/gpu': '2' })
  return { plane, extender }
}

const add = ({ plane }: World, name: string, spec: Partial<PodSpec> = {}): Promise<Pod> =>
  plane.client.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'echo' }], ...spec },
  })

const asking = (resource: string, amount: string): Partial<PodSpec> => ({
  containers: [
    { name: 'main', image: 'echo', resources: { requests: { [resource]: amount }, limits: { [resource]: amount } } },
  ],
})

const nodeOf = ({ plane }: World, name: string): Promise<string> =>
  until(async () => (await plane.client.get(pods, name, 'default')).spec.nodeName, `${name} to get its node`)

const eventOf = ({ plane }: World, name: string, says: RegExp): Promise<string> =>
  until(async () => {
    const all = (await plane.client.list(events)).items.filter(({ involvedObject }) => involvedObject.name === name)
    return all.find(({ message = '' }) => says.test(message))?.message
  }, `the Event of ${name} that says ${says}`)

/** What its condition says; Events of one pod are limited. */
const saysOf = ({ plane }: World, name: string, says: RegExp): Promise<string> =>
  until(async () => {
    const { status } = await plane.client.get(pods, name, 'default')
    const { message = '' } = status?.conditions?.find(({ type }) => type === 'PodScheduled') ?? {}
    return says.test(message) && message
  }, `${name} to wait because of ${says}`)

const reasonOf = async ({ plane }: World, name: string): Promise<string | undefined> =>
  (await plane.client.get(pods, name, 'default')).status?.conditions?.find(({ type }) => type === 'PodScheduled')
    ?.reason

t.test('an extender filters, scores and binds', async (t) => {
  const world = await start(t, { filterVerb: 'filter', prioritizeVerb: 'prioritize', bindVerb: 'bind', weight: 100 })
  const { extender, plane } = world
  extender.answer('filter', { NodeNames: ['n2', 'n3'], FailedNodes: { n1: 'node(s) had no licence' } })
  extender.answer('prioritize', [
    { Host: 'n2', Score: 1 },
    { Host: 'n3', Score: 9 },
  ])
  extender.answer('bind', (response) => response.writeHead(500).end('not\nyet'))
  const pod = await add(world, 'a')
  const failure = new RegExp(`^running Bind plugin "${extender.url}": failed bind .*/bind: code 500: not yet$`)
  await saysOf(world, 'a', failure)
  t.equal(await reasonOf(world, 'a'), 'SchedulerError')
  extender.answer(
    'bind',
    knowing(({ Node: name }) => {
      const binding = { metadata: { name: 'a', namespace: 'default' }, target: { kind: 'Node', name } }
      void plane.request('POST', '/api/v1/namespaces/default/pods/a/binding', { body: binding })
      return {}
    }),
  )
  t.equal(await nodeOf(world, 'a'), 'n3', 'it is tried again, and goes where the extender likes it most')
  await eventOf(world, 'a', /^Successfully assigned default\/a to n3$/)
  t.same(extender.asked('bind')[0], { PodName: 'a', PodNamespace: 'default', PodUID: pod.metadata.uid, Node: 'n3' })
  t.match(extender.asked('filter')[0], { Pod: { metadata: { name: 'a' } }, Nodes: null, NodeNames: /n1,n2,n3/ })
  t.match(extender.asked('prioritize')[0], { NodeNames: /^n2,n3$/ }, 'about those that were left')
})

t.test('a pod that an extender leaves no node says so, and goes when it does', async (t) => {
  const world = await start(t, { filterVerb: 'filter', nodeCacheCapable: false })
  const { extender } = world
  extender.answer('filter', {
    FailedNodes: { n1: 'no licence', n2: 'no licence' },
    FailedAndUnresolvableNodes: { n3: 'too old' },
  })
  await add(world, 'a')
  t.equal(
    await eventOf(world, 'a', /available/),
    '0/3 nodes are available: 1 too old, 2 no licence. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
  )
  t.equal(await reasonOf(world, 'a'), 'Unschedulable')
  t.match(extender.asked('filter')[0], { Nodes: { items: { length: 3, 0: { kind: 'Node' } } }, NodeNames: null })
  extender.answer('filter', { Nodes: { items: [{ metadata: { name: 'n2' } }] } })
  await world.plane.addNode('n4')
  t.equal(await nodeOf(world, 'a'), 'n2')
})

t.test('an extender that hangs, or talks nonsense, is in the way of its own pods alone', async (t) => {
  const world = await start(t, {
    ...{ filterVerb: 'filter', timeoutMs: 300 },
    managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: false }],
  })
  const { extender } = world
  extender.answer('filter', () => undefined)
  await add(world, 'gpu', asking('example.com/gpu', '1'))
  for (const name of ['a', 'b', 'c']) await add(world, name)
  for (const name of ['a', 'b', 'c']) t.ok(await nodeOf(world, name))
  const place = `failed filter with extender at URL ${extender.url}/filter`
  t.equal(await saysOf(world, 'gpu', /within/), `${place}: no answer within 0.3s`)
  t.equal(await reasonOf(world, 'gpu'), 'SchedulerError')
  extender.answer('filter', (response) => response.end('<html>'))
  t.equal(await saysOf(world, 'gpu', /JSON/), `${place}: the answer is no JSON`)
  extender.answer('filter', (response) => response.end(`"${'x'.repeat(4 * 1024 * 1024)}"`))
  t.equal(await saysOf(world, 'gpu', /large/), `${place}: the answer is too large`)
  extender.answer('filter', { NodeNames: ['elsewhere'] })
  t.equal(
    await saysOf(world, 'gpu', /elsewhere/),
    `${place}: the answer has the node "elsewhere", which was not asked about`,
  )
  extender.answer('filter', (response) => response.destroy())
  await saysOf(world, 'gpu', /other side closed/)
  extender.answer('filter', { NodeNames: ['n1'] })
  t.equal(await nodeOf(world, 'gpu'), 'n1', 'as soon as it is well again')
})

t.test('pods go without an extender that is ignorable, and without the scores of any', async (t) => {
  const world = await start(t, { filterVerb: 'filter', ignorable: true })
  t.ok(await add(world, 'a').then(() => nodeOf(world, 'a')), 'it answers 404')
  const other = await start(t, { prioritizeVerb: 'prioritize' })
  other.extender.answer('prioritize', { not: 'a list' })
  t.ok(await add(other, 'a').then(() => nodeOf(other, 'a')))
  t.equal(other.extender.asked('prioritize').length, 1)
})

t.test('what an extender counts is not counted here', async (t) => {
  const world = await start(t, {
    filterVerb: 'filter',
    managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }],
  })
  world.extender.answer('filter', { NodeNames: ['n1'] })
  await add(world, 'many', asking('example.com/gpu', '1000'))
  t.equal(await nodeOf(world, 'many'), 'n1')
})

t.test('an extender has a word in whom a more important pod may push out', async (t) => {
  const world = await start(t, { preemptVerb: 'preempt' }, ['n1', 'n2'])
  const { plane, extender } = world
  for (const [name, value] of [
    ['low', 1],
    ['high', 100],
  ] as const)
    await plane.client.create(priorityClasses, { metadata: { name }, value })
  for (const name of ['a', 'b']) {
    await add(world, name, { ...asking('example.com/gpu', '2'), priorityClassName: 'low' })
    await nodeOf(world, name)
  }
  const onSecond = (await plane.podList()).find(({ spec }) => spec.nodeName === 'n2')
  extender.answer('preempt', { NodeNameToMetaVictims: {} })
  await add(world, 'important', { ...asking('example.com/gpu', '2'), priorityClassName: 'high' })
  await saysOf(world, 'important', /preemption: an extender has left no node for it\.$/)
  t.match(extender.asked('preempt')[0], {
    NodeNameToMetaVictims: { n1: { Pods: [{ UID: /./ }] }, n2: { Pods: [{ UID: onSecond?.metadata.uid }] } },
  })
  extender.answer(
    'preempt',
    knowing(() => ({
      NodeNameToMetaVictims: { n2: { Pods: [{ UID: onSecond?.metadata.uid }], NumPDBViolations: 0 } },
    })),
  )
  await plane.addNode('n3', { 'example.com/gpu': '1' })
  t.equal(await nodeOf(world, 'important'), 'n2')
})
