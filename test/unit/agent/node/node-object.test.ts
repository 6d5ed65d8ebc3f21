import t from 'tap'
import { architecture, prettyName, readHostFacts } from '../../../../src/agent/node/host-facts.ts'
import { metadataPatch, type NodeTraits, nodeStatus, withoutHeartbeat } from '../../../../src/agent/node/node-object.ts'
import type { Node } from '../../../../src/api/types/index.ts'

const traits = (more: Partial<NodeTraits> = {}): NodeTraits => ({
  name: 'node-a',
  host: {
    ...{ cpus: 2, memoryBytes: 4 * 2 ** 30 + 100, storageBytes: 10 * 2 ** 30 },
    info: {
      ...{ machineID: 'm', systemUUID: 's', bootID: 'b', kernelVersion: '6.1', osImage: 'Debian' },
      ...{ operatingSystem: 'linux', architecture: 'amd64' },
    },
  },
  ...{
    addresses: ['192.0.2.1', '2001:db8::1'],
    maxPods: 110,
    pressures: new Set(),
    allocatable: { cpu: '1' },
    kubeletPort: 10250,
  },
  ...{ kubeletVersion: 'v1.33.0+podway.0.1.0', runtimeVersion: 'process://0.1.0', images: [] },
  ...{ labels: { zone: 'a' }, annotations: { 'podway.dev/x': 'y' }, problems: [], isStarting: false },
  ...more,
})

const node = (more: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-a' },
  ...more,
})

t.test('the status', async (t) => {
  const status = nodeStatus(traits(), undefined, 0)
  t.match(status, {
    capacity: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '110' },
    allocatable: { cpu: '1' },
    addresses: [
      { type: 'InternalIP', address: '192.0.2.1' },
      { type: 'InternalIP', address: '2001:db8::1' },
      { type: 'Hostname', address: 'node-a' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      kubeletVersion: 'v1.33.0+podway.0.1.0',
      containerRuntimeVersion: 'process://0.1.0',
      architecture: 'amd64',
    },
  })
  t.same(
    status.conditions?.map(({ type, status }) => `${type}=${status}`),
    ['MemoryPressure=False', 'DiskPressure=False', 'PIDPressure=False', 'Ready=True'],
  )
})

t.test('extended resources are kept as others have them, and given out whole', async (t) => {
  const before = {
    capacity: { cpu: '64', 'example.com/gpu': '3', 'kubernetes.io/x': '1', stray: '1' },
    allocatable: { cpu: '64', 'example.com/gone': '2' },
  }
  const { capacity, allocatable } = nodeStatus(traits(), before, 0)
  t.same(capacity, { 'example.com/gpu': '3', cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '110' })
  t.same(allocatable, { 'example.com/gpu': '3', cpu: '1' })
})

t.test(
  'an agent that starts again leaves a ready node ready, for a while and in the same boot of the machine',
  async (t) => {
    const readyOf = (status: Node['status']) => status?.conditions?.find(({ type }) => type === 'Ready')
    const ready = nodeStatus(traits(), undefined, 0)
    const starting = traits({ problems: ['no network'], isStarting: true })
    t.match(readyOf(nodeStatus(starting, ready, 10_000)), {
      status: 'True',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    })
    t.match(readyOf(nodeStatus({ ...starting, isStarting: false }, ready, 10_000)), {
      status: 'False',
      message: 'no network',
    })
    const { host } = starting
    const rebooted = { ...starting, host: { ...host, info: { ...host.info, bootID: 'another' } } }
    t.match(readyOf(nodeStatus(rebooted, ready, 10_000)), { status: 'False' })
    t.match(readyOf(nodeStatus(starting, undefined, 10_000)), { status: 'False' }, 'a new node has nothing to keep')
    const unready = nodeStatus(traits({ problems: ['no DNS'] }), undefined, 0)
    t.match(readyOf(nodeStatus(starting, unready, 10_000)), { status: 'False', message: 'no network' })
  },
)

t.test('what the node is short of', async (t) => {
  const words = (...pressures: readonly ('MemoryPressure' | 'DiskPressure' | 'PIDPressure')[]) =>
    nodeStatus(traits({ pressures: new Set(pressures) }), undefined, 0)
      .conditions?.slice(0, 3)
      .map(({ status, reason }) => `${status} ${reason}`)
  t.same(words(), [
    ...['False KubeletHasSufficientMemory', 'False KubeletHasNoDiskPressure', 'False KubeletHasSufficientPID'],
  ])
  t.same(words('PIDPressure', 'MemoryPressure', 'DiskPressure'), [
    ...['True KubeletHasInsufficientMemory', 'True KubeletHasDiskPressure', 'True KubeletHasInsufficientPID'],
  ])
})

t.test('conditions: those of others stay, times move with the status', async (t) => {
  const others = { type: 'NetworkUnavailable', status: 'False' } as const
  const first = nodeStatus(traits(), { conditions: [others] }, 0)
  const second = nodeStatus(traits(), first, 10_000)
  t.same(second.conditions?.[0], others)
  t.same(withoutHeartbeat(second), withoutHeartbeat(first), 'only the heartbeat differs')
  t.notSame(second, first)
  const third = nodeStatus(traits({ problems: ['no network', 'no DNS'] }), second, 20_000)
  t.match(third.conditions?.at(-1), {
    ...{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'no network; no DNS' },
    ...{ lastTransitionTime: '1970-01-01T00:00:20Z', lastHeartbeatTime: '1970-01-01T00:00:20Z' },
  })
})

t.test('labels and annotations: ours are put right, others are left', async (t) => {
  const all = {
    ...{ 'beta.kubernetes.io/arch': 'amd64', 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    ...{ 'kubernetes.io/hostname': 'node-a', 'kubernetes.io/os': 'linux', zone: 'a' },
  }
  const annotations = { 'podway.dev/x': 'y', other: 'kept' }
  t.equal(
    metadataPatch(traits(), node({ metadata: { name: 'node-a', labels: { ...all, mine: '1' }, annotations } })),
    undefined,
  )
  t.same(metadataPatch(traits(), node({ metadata: { name: 'node-a', labels: { ...all, zone: 'b' }, annotations } })), {
    metadata: { labels: { zone: 'a' }, annotations: {} },
  })
})

t.test('the machine', async (t) => {
  t.equal(architecture('x64'), 'amd64')
  t.equal(architecture('arm64'), 'arm64')
  t.equal(prettyName('NAME="x"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'), 'Debian GNU/Linux 12 (bookworm)')
  t.equal(prettyName(''), 'Linux')
  const facts = await readHostFacts('/')
  t.ok(facts.cpus > 0 && facts.memoryBytes > 0 && facts.storageBytes > 0)
  t.match(facts.info.kernelVersion, /^\d/)
})

t.test('the largest images are told of, each with some of its names', async (t) => {
  const images = Array.from({ length: 60 }, (_, at) => ({
    names: Array.from({ length: 7 }, (_, name) => `r/web${at}:${name}`),
    sizeBytes: at,
  }))
  const { images: told = [] } = nodeStatus({ ...traits(), images }, undefined, 0)
  t.equal(told.length, 50)
  t.same(told[0], { names: images[59]?.names.slice(0, 5), sizeBytes: 59 })
})
