/** What extenders are asked, and what is made of what they answer. */
import t from 'tap'
import {
  bindAnswer,
  bindingArgs,
  filterAnswer,
  nodesArgs,
  preemptAnswer,
  preemptionArgs,
  prioritizeAnswer,
} from '../../../../src/control/scheduler/extenders/wire.ts'
import { node, pod, statesOf } from './cluster-of.ts'

const nodes = [node('n1'), node('n2'), node('n3')]
const one = pod('p')
const [byName, whole] = [{ namesOnly: true }, { namesOnly: false }]

t.test('questions', async (t) => {
  t.same(nodesArgs(one, nodes, byName), { Pod: one, Nodes: null, NodeNames: ['n1', 'n2', 'n3'] })
  t.same(nodesArgs(one, nodes, whole), { Pod: one, Nodes: { metadata: {}, items: nodes }, NodeNames: null })
  t.same(bindingArgs(one, node('n1')), { PodName: 'p', PodNamespace: 'default', PodUID: 'p', Node: 'n1' })
})

const unnamed = 'node(s) were filtered out by an extender'
const filtered: readonly [name: string, answer: unknown, wanted: object, form?: typeof whole][] = [
  ['all are left', { NodeNames: ['n1', 'n2', 'n3'] }, {}],
  ['as older extenders write', { nodenames: ['n1', 'n2'], failedNodes: { n3: 'no GPU' }, error: '' }, { n3: 'no GPU' }],
  [
    'what is final comes first',
    { NodeNames: ['n1'], FailedNodes: { n2: 'a', n3: 'b' }, FailedAndUnresolvableNodes: { n3: 'c' } },
    { n2: 'a', n3: 'c!' },
  ],
  ['without a reason', { NodeNames: ['n1', 'n3'], FailedNodes: null }, { n2: unnamed }],
  ['nothing is left', {}, { n1: unnamed, n2: unnamed, n3: unnamed }],
  [
    'whole nodes',
    { Nodes: { items: [{ metadata: { name: 'n2' } }] }, NodeNames: null },
    { n1: unnamed, n3: unnamed },
    whole,
  ],
  [
    'names where whole nodes were sent',
    { NodeNames: ['n1'], Nodes: { items: [] } },
    { n1: unnamed, n2: unnamed, n3: unnamed },
    whole,
  ],
  [
    'reasons are one line of some length',
    { NodeNames: ['n1', 'n2'], FailedNodes: { n3: `a\n\u001b[31mb${'x'.repeat(1_000)}` } },
    { n3: `a [31mb${'x'.repeat(249)}` },
  ],
  ['a reason that is none', { NodeNames: ['n1', 'n2'], FailedNodes: { n3: 7 } }, { n3: unnamed }],
]

for (const [name, answer, wanted, form = byName] of filtered) {
  const found = [...filterAnswer(answer, nodes, form)].map(([key, { reasons, isFinal }]) => [
    key,
    `${reasons.join()}${isFinal ? '!' : ''}`,
  ])
  t.same(Object.fromEntries(found), wanted, name)
}

const garbage: readonly [answer: unknown, message: string][] = [
  [null, 'the answer is no object'],
  [[], 'the answer is no object'],
  [{ Error: 'it is\nbroken' }, 'it is broken'],
  [{ Error: 7 }, 'Error in the answer is no string'],
  [{ NodeNames: 'n1' }, 'NodeNames in the answer is no list'],
  [{ NodeNames: ['n4'] }, 'the answer has the node "n4", which was not asked about'],
  [{ NodeNames: [{}] }, 'the answer has the node {}, which was not asked about'],
  [{ Nodes: { items: [null] } }, 'the answer has the node , which was not asked about'],
  [{ NodeNames: ['n1'], FailedNodes: [] }, 'FailedNodes in the answer is no object'],
]
for (const [answer, message] of garbage) t.throws(() => filterAnswer(answer, nodes, byName), { message }, message)

t.test('scores', async (t) => {
  const scores = prioritizeAnswer([
    { Host: 'n1', Score: 3 },
    { host: 'n2', score: 10 },
  ])
  t.same(
    [...scores],
    [
      ['n1', 3],
      ['n2', 10],
    ],
  )
  for (const answer of [{}, [null], [{ Host: 'n1' }], [{ Host: 1, Score: 1 }], [{ Host: 'n1', Score: '9' }]])
    t.throws(() => prioritizeAnswer(answer), JSON.stringify(answer))
  t.doesNotThrow(() => bindAnswer({ Error: '' }))
  t.throws(() => bindAnswer({ Error: 'no' }), { message: 'no' })
})

t.test('preemption', async (t) => {
  const preemptor = pod('p', { priority: 10 })
  const running = ['a', 'b', 'c'].map((name) => pod(name, { nodeName: 'n1' }))
  const [state] = statesOf(nodes, running)
  if (!state) throw new Error('no state')
  const [a, b] = running
  const candidates = [{ state, victims: a && b ? [a, b] : [], violations: 1 }]
  t.same(preemptionArgs(one, candidates, whole), {
    ...{ Pod: one, NodeNameToMetaVictims: null },
    NodeNameToVictims: { n1: { Pods: [a, b], NumPDBViolations: 1 } },
  })
  t.same(preemptionArgs(one, candidates, byName), {
    ...{ Pod: one, NodeNameToVictims: null },
    NodeNameToMetaVictims: { n1: { Pods: [{ UID: 'a' }, { UID: 'b' }], NumPDBViolations: 1 } },
  })
  const answer = (uids: readonly string[], name = 'n1') => ({
    NodeNameToMetaVictims: { [name]: { Pods: uids.map((UID) => ({ UID })), NumPDBViolations: 0 } },
  })
  const [left] = preemptAnswer(answer(['c']), preemptor, candidates)
  t.same([left?.victims.map(({ metadata }) => metadata.name), left?.violations], [['c'], 0])
  t.same(preemptAnswer({}, preemptor, candidates), [])
  t.throws(() => preemptAnswer(answer(['z']), preemptor, candidates), {
    message: 'the answer has a victim on n1 that is not there',
  })
  t.throws(() => preemptAnswer(answer(['c']), one, candidates), /no less important than the pod$/)
  t.throws(() => preemptAnswer(answer([]), preemptor, candidates), { message: 'the answer has no victims on n1' })
  t.throws(() => preemptAnswer(answer(['a'], 'n9'), preemptor, candidates), /which was not asked about$/)
})
