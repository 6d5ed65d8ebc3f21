/** While others are asked, the world goes on. */
import t from 'tap'
import type { Node, Pod } from '../../../../src/api/types/index.ts'
import { consultOnPreemption } from '../../../../src/control/scheduler/consult.ts'
import { decideTogether } from '../../../../src/control/scheduler/decide-together.ts'
import type { Circumstances } from '../../../../src/control/scheduler/feasible.ts'
import type { Extend } from '../../../../src/control/scheduler/framework/extend.ts'
import type { Objection } from '../../../../src/control/scheduler/framework/filter.ts'
import { asking, node, plugins, pod, snapshotOf } from './cluster-of.ts'

const three = [node('n1'), node('n2'), node('n3')]
const signal = new AbortController().signal
const wanted = pod('p', asking({ cpu: '6' }))

interface Story {
  readonly name: string
  /** Nodes and pods before, and once the extender has answered. */
  readonly before?: readonly Pod[]
  readonly after?: { readonly nodes?: readonly Node[]; readonly running?: readonly Pod[] }
  readonly extenders: readonly Partial<Extend>[]
  readonly circumstances?: Circumstances
  readonly goes: string
}

const against = (...names: readonly string[]): Partial<Extend> => ({
  filter: async () =>
    new Map(names.map((name): [string, Objection] => [name, { reasons: ['no licence'], isFinal: true }])),
})
const scores = (of: Readonly<Record<string, number>>): Partial<Extend> => ({
  score: async () => new Map(Object.entries(of)),
})
const full = (name: string): Pod => pod(`on-${name}`, { ...asking({ cpu: '8' }), nodeName: name })

const stories: readonly Story[] = [
  { name: 'the one that is left', extenders: [against('n1', 'n3')], goes: 'n2' },
  { name: 'the best of those that are left', extenders: [against('n3'), scores({ n2: 1_000, n3: 9_000 })], goes: 'n2' },
  { name: 'scores add up', extenders: [scores({ n1: 5_000, n2: 3_000 }), scores({ n2: 3_000 })], goes: 'n2' },
  {
    name: 'the best one was taken meanwhile',
    ...{ after: { running: [full('n2')] }, extenders: [against('n3'), scores({ n2: 1_000 })] },
    goes: 'n1',
  },
  {
    name: 'it has gone meanwhile',
    ...{ after: { nodes: [node('n1'), node('n3')] }, extenders: [scores({ n2: 1_000, n3: 500 })] },
    goes: 'n3',
  },
  {
    name: 'all of them were taken meanwhile, and each node is told of once',
    ...{ before: [full('n1')], after: { running: [full('n1'), full('n2')] }, extenders: [against('n3')] },
    goes: '0/3 nodes are available: 1 no licence, 2 Insufficient cpu.',
  },
  {
    name: 'two extenders object',
    extenders: [against('n1'), against('n2', 'n3')],
    goes: '0/3 nodes are available: 3 no licence.',
  },
  {
    name: 'the node that was made free',
    extenders: [scores({ n1: 900 })],
    circumstances: { nominatedNode: 'n3' },
    goes: 'n3',
  },
  {
    name: 'it is refused, and others are not',
    ...{ extenders: [against('n3'), scores({ n2: 1_000 })], circumstances: { nominatedNode: 'n3' } },
    goes: 'n2',
  },
]

for (const { name, before = [], after = {}, extenders, circumstances = {}, goes } of stories)
  t.test(name, async (t) => {
    let hasAnswered = false
    const asked = extenders.map((each): Extend => ({ isInterested: () => true, ...each }))
    const last: Extend = {
      isInterested: () => true,
      filter: async () => {
        hasAnswered = true
        return new Map()
      },
    }
    const look = () =>
      hasAnswered ? snapshotOf(after.nodes ?? three, after.running ?? before) : snapshotOf(three, before)
    const setting = { plugins, extenders: [...asked, last], look }
    const decision = await decideTogether(wanted, setting, circumstances, signal)
    t.equal('message' in decision ? decision.message : decision.state.node.metadata.name, goes)
  })

t.test('who does not answer', async (t) => {
  const broken: Extend = { isInterested: () => true, filter: () => Promise.reject(new Error('broken')) }
  const setting = { plugins, extenders: [broken], look: () => snapshotOf(three, []) }
  await t.rejects(decideTogether(wanted, setting, {}, signal), { message: 'broken' })
})

t.test('a pod that goes while somebody is asked whom it may push out pushes nobody out', async (t) => {
  const end = new AbortController()
  const extender: Extend = {
    isInterested: () => true,
    preempt: async (_pod, candidates) => {
      end.abort(new Error('gone'))
      return candidates
    },
  }
  const [state] = snapshotOf(three, [full('n1')]).nodes
  const candidates = state ? [{ state, victims: [...state.pods.values()], violations: 0 }] : []
  await t.rejects(consultOnPreemption([extender], wanted, candidates, end.signal), { message: 'gone' })
})
