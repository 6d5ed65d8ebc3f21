/** Simulated nodes against the real API and all controllers, over memory. */
import t, { type Test } from 'tap'
import { runSecondsAnnotation } from '../../../../src/agent/simulate/pod-script.ts'
import { runSimulation, type SimulationOptions } from '../../../../src/agent/simulate/simulation.ts'
import { isReady } from '../../../../src/api/pods.ts'
import { deployments, jobs, leases, nodes, pods } from '../../../../src/api/resources.ts'
import type { Node, Pod } from '../../../../src/api/types/index.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { until } from '../../../support/until.ts'

const patienceMs = 30_000
const size = { cpus: 32, memoryBytes: 2 ** 38, maxPods: 110 }
const fleetOf = (count: number) => ({ count, prefix: 'sim', cidr: '198.18.0.0/15', size, version: 'v1.33.0' })

/** Runs until the test ends, or `stop` is called. */
const simulate = (t: Test, { client }: ControlPlane, count: number, changed: Partial<SimulationOptions> = {}) => {
  const stopping = new AbortController()
  const running = runSimulation(
    {
      ...{ client, fleet: fleetOf(count), delays: { startMs: 0, runMs: 0, stopMs: 0 }, leaseMs: 500 },
      ...{ identity: 'test', log: silentLogger, removesNodes: false, ...changed },
    },
    stopping.signal,
  )
  const stop = async (): Promise<void> => {
    stopping.abort()
    await running
  }
  t.teardown(stop)
  return { stop }
}

const isNodeReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

const readyNodes = async ({ client }: ControlPlane, count: number): Promise<readonly Node[]> =>
  until(
    async () => {
      const { items } = await client.list(nodes)
      return items.length === count && items.every((each) => isNodeReady(each) && !each.spec?.taints) && items
    },
    `${count} ready nodes`,
    patienceMs,
  )

const deployment = (name: string, replicas: number, image = 'example.com/web:1') => ({
  metadata: { name, namespace: 'default' },
  spec: {
    ...{ replicas, selector: { matchLabels: { app: name } } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image, resources: { requests: { cpu: '100m' } } }] },
    },
  },
})

const readyPods = (plane: ControlPlane, count: number, image: string): Promise<readonly Pod[]> =>
  until(
    async () => {
      const found = await plane.podList()
      return (
        found.length === count &&
        found.every((each) => isReady(each) && each.spec.containers[0]?.image === image) &&
        found
      )
    },
    `${count} ready pods of ${image}`,
    patienceMs,
  )

t.test('a Deployment on simulated nodes: ready, rolled, deleted', async (t) => {
  const plane = await startControlPlane(t)
  simulate(t, plane, 5)
  const there = await readyNodes(plane, 5)
  t.equal(new Set(there.flatMap(({ spec }) => spec?.podCIDRs ?? [])).size, 5, 'each has a range of its own')

  await plane.client.create(deployments, deployment('web', 20))
  const first = await readyPods(plane, 20, 'example.com/web:1')
  const addresses = first.map(({ status }) => status?.podIP)
  t.equal(new Set(addresses).size, 20, 'each has an address of its own')
  t.equal(new Set(first.map(({ spec }) => spec.nodeName)).size, 5, 'all nodes are used')
  t.match(first[0]?.status, { phase: 'Running', hostIP: /^198\.18\.0\.\d$/, containerStatuses: [{ ready: true }] })

  await plane.client.patch(deployments, deployment('web', 20), deployment('web', 20, 'example.com/web:2'))
  await readyPods(plane, 20, 'example.com/web:2')
  await plane.client.delete(deployments, { metadata: { name: 'web', namespace: 'default' } })
  await until(async () => (await plane.podList()).length === 0, 'the end of all pods', patienceMs)
})

t.test('Jobs complete', async (t) => {
  const plane = await startControlPlane(t)
  simulate(t, plane, 2)
  await readyNodes(plane, 2)
  await plane.client.create(jobs, {
    ...{ metadata: { name: 'sum', namespace: 'default' }, status: {} },
    spec: {
      ...{ completions: 4, parallelism: 2 },
      template: {
        metadata: { annotations: { [runSecondsAnnotation]: '0.1' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/job' }] },
      },
    },
  })
  const done = await until(
    async () => {
      const { status } = await plane.client.get(jobs, 'sum', 'default')
      return status?.conditions?.some(({ type }) => type === 'Complete') && status
    },
    'the end of the Job',
    patienceMs,
  )
  t.equal(done.succeeded, 4)
})

t.test('a Job of more pods than its node has addresses', async (t) => {
  const plane = await startControlPlane(t, { nodePrefixLengths: { IPv4: 29, IPv6: 64 } })
  simulate(t, plane, 1)
  await readyNodes(plane, 1)
  await plane.client.create(jobs, {
    ...{ metadata: { name: 'many', namespace: 'default' }, status: {} },
    spec: {
      ...{ completions: 12, parallelism: 2 },
      template: {
        metadata: {},
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/job' }] },
      },
    },
  })
  const succeeded = async () => (await plane.client.get(jobs, 'many', 'default')).status?.succeeded
  await until(async () => (await succeeded()) === 12, 'all of them to end', patienceMs)
  t.equal((await plane.podList()).length, 12, 'though all are still there')
})

t.test('a pod that is deleted before its node has addresses for it', async (t) => {
  const plane = await startControlPlane(t, { disabled: ['node-ipam-controller'] })
  simulate(t, plane, 1)
  await until(async () => (await plane.client.list(nodes)).items.length === 1, 'the node', patienceMs)
  const metadata = { name: 'early', namespace: 'default' }
  const spec = { nodeName: 'sim-0', containers: [{ name: 'main', image: 'example.com/a' }] }
  await plane.client.create(pods, { metadata, spec })
  await plane.client.delete(pods, { metadata })
  await until(async () => (await plane.podList()).length === 0, 'its end', patienceMs)
  t.pass('it does not wait for addresses')
})

t.test('another process goes on where the one before stopped', async (t) => {
  const plane = await startControlPlane(t, { nodeMonitorGraceSeconds: 60 })
  const earlier = simulate(t, plane, 2)
  await readyNodes(plane, 2)
  await plane.client.create(deployments, deployment('web', 3))
  const before = await readyPods(plane, 3, 'example.com/web:1')
  await earlier.stop()
  t.equal((await plane.client.list(nodes)).items.length, 2, 'its nodes stay')

  simulate(t, plane, 2, { identity: 'later' })
  await until(
    async () => (await plane.client.list(leases)).items.every(({ spec }) => spec?.holderIdentity === 'later'),
    'the Leases of the later one',
    patienceMs,
  )
  await plane.client.patch(deployments, deployment('web', 3), { spec: { replicas: 6 } })
  const after = await readyPods(plane, 6, 'example.com/web:1')
  t.equal(new Set(after.map(({ status }) => status?.podIP)).size, 6, 'no address is given twice')
  for (const { metadata, status } of before)
    t.same(after.find((each) => each.metadata.uid === metadata.uid)?.status, status, 'what ran goes on as it was')
})

t.test('a Node that is deleted comes again; at the end all go, when they shall', async (t) => {
  const plane = await startControlPlane(t)
  const { stop } = simulate(t, plane, 2, { removesNodes: true })
  const [first] = await readyNodes(plane, 2)
  await plane.client.delete(nodes, { metadata: { name: 'sim-0' } })
  const again = await until(
    async () => {
      const found = (await plane.client.list(nodes)).items.find(({ metadata }) => metadata.name === 'sim-0')
      return found && isNodeReady(found) && found
    },
    'the Node again',
    patienceMs,
  )
  t.not(again.metadata.uid, first?.metadata.uid)
  await stop()
  t.same((await plane.client.list(nodes)).items, [])
})

t.test('a node that is not simulated is left alone, whatever it is called', async (t) => {
  const plane = await startControlPlane(t)
  const real = await plane.addNode('sim-1')
  plane.setBeating([])
  const { log, messages } = recordingLog()
  const { stop } = simulate(t, plane, 3, { log, removesNodes: true })
  await until(
    () => messages.some((line) => /sim-1 is there and not a simulated one/.test(line)),
    'the error',
    patienceMs,
  )
  const bound: Pick<Pod, 'metadata' | 'spec'> = {
    metadata: { name: 'bound', namespace: 'default' },
    spec: { nodeName: 'sim-1', containers: [{ name: 'main', image: 'example.com/a' }] },
  }
  await plane.client.create(pods, bound)
  await plane.client.create(pods, {
    ...{ metadata: { name: 'other', namespace: 'default' }, spec: { ...bound.spec, nodeName: 'sim-2' } },
  })
  await until(async () => isReady(await plane.client.get(pods, 'other', 'default')), 'the pod of sim-2', patienceMs)
  t.not((await plane.client.get(pods, 'bound', 'default')).status?.phase, 'Running')
  await stop()
  const left = (await plane.client.list(nodes)).items
  t.same(
    left.map(({ metadata }) => metadata.uid),
    [real.metadata.uid],
  )
})
