import t from 'tap'
import { nodeLabels, nodeStatus } from '../../../../src/agent/node/node-object.ts'
import { isSimulated, nodeAddress, nodeNames, simulatedTraits } from '../../../../src/agent/simulate/simulated-node.ts'
import type { Node } from '../../../../src/api/types/index.ts'

const size = { cpus: 32, memoryBytes: 2 ** 38, maxPods: 110 }
const fleet = { count: 300, prefix: 'sim', cidr: '198.18.0.0/15', size, version: 'v1.33.0' }
const nodeWith = (podCIDRs: readonly string[]): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'sim-7' }, spec: { podCIDRs } },
})
const readyOf = (node: Node | undefined) =>
  nodeStatus(simulatedTraits(fleet, 7, node), node?.status, 0).conditions?.find(({ type }) => type === 'Ready')

t.test('names and addresses go on from 0', async (t) => {
  t.same(nodeNames({ prefix: 'x', count: 3 }), ['x-0', 'x-1', 'x-2'])
  t.equal(nodeAddress(fleet, 0), '198.18.0.1')
  t.equal(nodeAddress(fleet, 299), '198.18.1.44')
})

t.test('it says what it is', async (t) => {
  const traits = simulatedTraits(fleet, 7, nodeWith(['10.244.0.0/24']))
  const metadata = { name: traits.name, labels: nodeLabels(traits) }
  t.ok(isSimulated({ apiVersion: 'v1', kind: 'Node', metadata }))
  t.notOk(isSimulated(nodeWith([])))
  t.match(nodeStatus(traits, undefined, 0), {
    capacity: { cpu: '32', memory: '256Gi', pods: '110' },
    allocatable: { cpu: '32', memory: '256Gi', pods: '110' },
    addresses: [
      { type: 'InternalIP', address: '198.18.0.8' },
      { type: 'Hostname', address: 'sim-7' },
    ],
    nodeInfo: { kubeletVersion: 'v1.33.0', containerRuntimeVersion: 'simulated://v1.33.0' },
  })
})

t.test('it is ready once it has addresses for pods', async (t) => {
  t.match(readyOf(nodeWith([])), { status: 'False', message: /waiting for a podCIDR: .*--node-prefix/ })
  t.match(readyOf(undefined), { status: 'False' })
  t.match(readyOf(nodeWith(['10.244.0.0/24'])), { status: 'True', reason: 'KubeletReady' })
})
