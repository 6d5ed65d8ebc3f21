import t from 'tap'
import { createCluster } from '../../../../src/control/scheduler/cluster.ts'
import { enoughNodes } from '../../../../src/control/scheduler/feasible.ts'
import { asking, node, pod } from './cluster-of.ts'

t.test('nodes with their pods as they come and go, in any order', async (t) => {
  const cluster = createCluster()
  const taken = () =>
    cluster.states.map((state) => [state.node.metadata.name, state.requested.get('cpu') ?? 0, state.pods.size])
  const one = pod('a', asking({ cpu: '1' }))
  cluster.setPod('default/a', one, 'n1')
  t.same(taken(), [], 'the pod was there before the node')
  cluster.setNode('n1', node('n1'))
  t.same(taken(), [['n1', 1000, 1]])
  cluster.setPod('default/a', pod('a', asking({ cpu: '2' })), 'n1')
  t.same(taken(), [['n1', 2000, 1]], 'a newer version of the pod')
  cluster.setNode('n1', node('n1', { zone: 'a' }))
  t.same([taken(), cluster.states[0]?.node.metadata.labels?.['zone']], [[['n1', 2000, 1]], 'a'], 'of the node')
  cluster.setNode('n2', node('n2'))
  cluster.setPod('default/a', one, 'n2')
  t.same(
    taken(),
    [
      ['n1', 0, 0],
      ['n2', 1000, 1],
    ],
    'elsewhere',
  )
  cluster.setNode('n2', undefined)
  cluster.setNode('n2', node('n2'))
  t.same(
    taken(),
    [
      ['n1', 0, 0],
      ['n2', 1000, 1],
    ],
    'the node came back',
  )
  cluster.setPod('default/a', undefined, undefined)
  t.same(taken(), [
    ['n1', 0, 0],
    ['n2', 0, 0],
  ])
  cluster.setNode('n2', { ...node('n2'), metadata: { name: 'n2', deletionTimestamp: '2026-01-01T00:00:00Z' } })
  t.same(taken(), [['n1', 0, 0]], 'a node that goes gets nothing more')
})

t.test('a newer version of a Node has other resources and images, and the same pods', async (t) => {
  const cluster = createCluster()
  cluster.setNode('n1', node('n1'))
  cluster.setPod('default/a', pod('a', asking({ cpu: '1' })), 'n1')
  const images = [{ names: ['example.com/a:1', 'example.com/a@sha256:0'], sizeBytes: 7 }]
  cluster.setNode('n1', { ...node('n1'), status: { allocatable: { cpu: '8' }, images } })
  const [state] = cluster.states
  t.same([state?.allocatable.get('cpu'), state?.requested.get('cpu'), state?.pods.size], [8000, 1000, 1])
  t.same(
    [...(state?.images ?? [])],
    [
      ['example.com/a:1', 7],
      ['example.com/a@sha256:0', 7],
    ],
  )
})

t.test('of many nodes a share is enough', async (t) => {
  t.same(
    [1, 100, 101, 1_000, 5_000, 10_000].map((count) => enoughNodes(count)),
    [1, 100, 100, 420, 500, 500],
  )
  t.same(
    [20, 100].map((percentage) => enoughNodes(1_000, percentage)),
    [200, 1_000],
    'as much as is asked for',
  )
})
