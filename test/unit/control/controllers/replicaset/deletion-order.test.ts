import t from 'tap'
import type { Pod, PodPhase } from '../../../../../src/api/types/index.ts'
import { inDeletionOrder } from '../../../../../src/control/controllers/replicaset/deletion-order.ts'

interface Draft {
  readonly node?: string
  readonly phase?: PodPhase
  /** Since when it is ready. */
  readonly ready?: string
  readonly cost?: string
  readonly restarts?: readonly number[]
  readonly born?: string
}

const early = '2026-01-01T00:00:00Z'
const late = '2026-01-02T00:00:00Z'

/** A pod that differs from others in nothing but what is said. */
const pod = (name: string, { node = 'n1', phase = 'Running', ready, cost, restarts, born = early }: Draft): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    ...{ name, namespace: 'default', creationTimestamp: born },
    ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
  },
  spec: { containers: [{ name: 'main' }], ...(node === '' ? {} : { nodeName: node }) },
  status: {
    phase,
    ...(ready === undefined ? {} : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ready }] }),
    ...(restarts === undefined
      ? {}
      : {
          containerStatuses: restarts.map((restartCount, at) => ({
            ...{ name: `c${at}`, ready: true, restartCount, image: '', imageID: '' },
          })),
        }),
  },
})

/** What goes first, what goes later; each rank also against the next one, which would say the opposite. */
const cases: readonly {
  readonly name: string
  readonly first: Draft
  readonly later: Draft
  readonly others?: readonly Draft[]
}[] = [
  { name: 'without a node', first: { node: '' }, later: { phase: 'Pending' } },
  { name: 'pending before unknown', first: { phase: 'Pending', ready: early }, later: { phase: 'Unknown' } },
  { name: 'unknown before running', first: { phase: 'Unknown', ready: early }, later: { phase: 'Running' } },
  { name: 'not ready', first: { cost: '5' }, later: { ready: early, cost: '-5' } },
  { name: 'cheap', first: { ready: early, cost: '-1' }, later: { ready: early, node: 'n2' }, others: [{ node: 'n2' }] },
  { name: 'no cost is cost 0', first: { ready: early }, later: { ready: early, cost: '1' } },
  { name: 'a cost that is no number is none', first: { ready: late, cost: '99x' }, later: { ready: early, cost: '0' } },
  { name: 'a cost that is no whole number is none', first: { ready: late, cost: '9.5' }, later: { ready: early } },
  {
    name: 'where there are more',
    first: { ready: early },
    later: { ready: late, node: 'n2' },
    others: [{ ready: early }],
  },
  { name: 'ready since a short time', first: { ready: late }, later: { ready: early, restarts: [9] } },
  {
    name: 'often restarted',
    first: { ready: early, restarts: [1, 2] },
    later: { ready: early, restarts: [2], born: late },
  },
  { name: 'young', first: { ready: early, born: late }, later: { ready: early, born: early } },
]

for (const { name, first, later, others = [] } of cases)
  t.test(name, async (t) => {
    const more = others.map((draft, at) => pod(`x${at}`, draft))
    for (const names of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const [one, two] = [pod(names[0], first), pod(names[1], later)]
      for (const list of [
        [one, two, ...more],
        [...more, two, one],
      ]) {
        const order = inDeletionOrder(list).map(({ metadata }) => metadata.name)
        t.ok(order.indexOf(names[0]) < order.indexOf(names[1]), order.join(' '))
      }
    }
  })

t.test('of equals the first by name, and nothing is lost', async (t) => {
  const pods = ['c', 'a', 'b'].map((name) => pod(name, { ready: early }))
  t.same(
    inDeletionOrder(pods).map(({ metadata }) => metadata.name),
    ['a', 'b', 'c'],
  )
  t.same(inDeletionOrder([]), [])
})
