import t from 'tap'
import type {
  Node,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Taint,
  Toleration,
} from '../../../../src/api/types/index.ts'
import { fitOf } from '../../../../src/control/scheduler/fit.ts'
import type { NodeState } from '../../../../src/control/scheduler/framework/node-state.ts'
import { plugins, statesOf } from './cluster-of.ts'

const pod = (spec: Partial<PodSpec> = {}, name = 'p'): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', uid: name } },
  spec: { containers: [{ name: 'main' }], ...spec },
})

interface World {
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly unschedulable?: boolean
  readonly allocatable?: Readonly<Record<string, string>>
  readonly running?: readonly Partial<PodSpec>[]
}

const stateOf = ({ labels = {}, taints, unschedulable, allocatable, running = [] }: World): NodeState => {
  const node: Node = {
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels } },
    spec: { ...(taints ? { taints } : {}), ...(unschedulable === undefined ? {} : { unschedulable }) },
    status: { allocatable: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '10', ...allocatable } },
  }
  const [state] = statesOf(
    [node],
    running.map((spec, at) => pod({ ...spec, nodeName: 'n1' }, `running-${at}`)),
  )
  if (!state) throw new Error('no state')
  return state
}

const against = (spec: Partial<PodSpec>, world: World): readonly string[] => {
  const state = stateOf(world)
  const fit = fitOf(pod(spec), { nodes: [state], namespaceLabels: () => undefined }, plugins.filters)
  return fit.check(state)?.reasons ?? []
}

const term = (spec: NodeSelectorTerm): Partial<PodSpec> => terms(spec)
const terms = (...nodeSelectorTerms: NodeSelectorTerm[]): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
})
const noMatch = ["node(s) didn't match Pod's node affinity/selector"]

const operators: readonly {
  readonly requirement: Omit<NodeSelectorRequirement, 'key'>
  /** Values of the label that fit, and that do not; undefined: there is no such label. */
  readonly fits: readonly (string | undefined)[]
  readonly fails: readonly (string | undefined)[]
}[] = [
  { requirement: { operator: 'In', values: ['a', 'b'] }, fits: ['a', 'b'], fails: ['c', '', undefined] },
  { requirement: { operator: 'In' }, fits: [], fails: ['a', undefined] },
  { requirement: { operator: 'NotIn', values: ['a', 'b'] }, fits: ['c', '', undefined], fails: ['a', 'b'] },
  { requirement: { operator: 'NotIn' }, fits: ['a', undefined], fails: [] },
  { requirement: { operator: 'Exists' }, fits: ['a', ''], fails: [undefined] },
  { requirement: { operator: 'DoesNotExist' }, fits: [undefined], fails: ['a', ''] },
  { requirement: { operator: 'Gt', values: ['5'] }, fits: ['6', '10'], fails: ['5', '4', 'x', undefined] },
  { requirement: { operator: 'Lt', values: ['5'] }, fits: ['4', '-1'], fails: ['5', '6', 'x', undefined] },
]

t.test('every operator of a node affinity', async (t) => {
  for (const { requirement, fits, fails } of operators) {
    const spec = term({ matchExpressions: [{ key: 'k', ...requirement }] })
    const world = (value: string | undefined): World => ({ labels: value === undefined ? {} : { k: value } })
    const name = JSON.stringify(requirement)
    for (const value of fits) t.same(against(spec, world(value)), [], `${name} and ${value}`)
    for (const value of fails) t.same(against(spec, world(value)), noMatch, `${name} and ${value}`)
  }
})

t.test('requirements of a term are all wanted, of terms one is enough', async (t) => {
  const world: World = { labels: { a: '1', b: '2' } }
  const has = (key: string): NodeSelectorRequirement => ({ key, operator: 'Exists' })
  t.same(against(term({ matchExpressions: [has('a'), has('b')] }), world), [])
  t.same(against(term({ matchExpressions: [has('a'), has('c')] }), world), noMatch)
  t.same(against(terms({ matchExpressions: [has('c')] }, { matchExpressions: [has('a')] }), world), [])
  t.same(against(terms({ matchExpressions: [has('c')] }, { matchExpressions: [has('d')] }), world), noMatch)
  t.same(against(term({}), world), noMatch, 'an empty term matches nothing')
  t.same(against(terms(), world), noMatch, 'nor does a list of none')
})

t.test('fields of the node', async (t) => {
  const named = (key: string, value: string): NodeSelectorRequirement => ({ key, operator: 'In', values: [value] })
  t.same(against(term({ matchFields: [named('metadata.name', 'n1')] }), {}), [])
  t.same(against(term({ matchFields: [named('metadata.name', 'n2')] }), {}), noMatch)
  t.same(against(term({ matchFields: [named('metadata.uid', 'n1')] }), {}), noMatch, 'no other field is known')
  const both = { matchExpressions: [named('k', 'v')], matchFields: [named('metadata.name', 'n1')] }
  t.same(against(term(both), { labels: { k: 'v' } }), [])
  t.same(against(term(both), { labels: { k: 'w' } }), noMatch)
  t.same(against(term({ ...both, matchFields: [named('metadata.name', 'n2')] }), { labels: { k: 'v' } }), noMatch)
})

t.test('a selector and an affinity both count', async (t) => {
  const world: World = { labels: { disk: 'ssd', zone: 'a' } }
  const inZone = (zone: string) => term({ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] })
  t.same(against({ nodeSelector: { disk: 'ssd', zone: 'a' } }, world), [])
  t.same(against({ nodeSelector: { disk: 'ssd', zone: 'b' } }, world), noMatch)
  t.same(against({ nodeSelector: { disk: 'ssd' }, ...inZone('b') }, world), noMatch)
  t.same(against({ nodeSelector: { disk: 'hdd' }, ...inZone('a') }, world), noMatch)
  t.same(against({ affinity: {} }, world), [])
  t.same(against({ affinity: { nodeAffinity: {} } }, world), [])
})

t.test('taints', async (t) => {
  const taint: Taint = { key: 'own', value: 'db', effect: 'NoSchedule' }
  const said = ['node(s) had untolerated taint {own: db}']
  const tolerated = (...tolerations: Toleration[]) => against({ tolerations }, { taints: [taint] })
  t.same(against({}, { taints: [taint] }), said)
  t.same(against({}, { taints: [{ ...taint, effect: 'NoExecute' }] }), said)
  t.same(against({}, { taints: [{ ...taint, effect: 'PreferNoSchedule' }] }), [], 'only better not')
  t.same(against({}, { taints: [{ key: 'own', effect: 'NoSchedule' }] }), ['node(s) had untolerated taint {own: }'])
  t.same(tolerated({ operator: 'Exists' }), [], 'everything')
  t.same(tolerated({ key: 'own', operator: 'Exists' }), [])
  t.same(tolerated({ key: 'own', value: 'db' }), [], 'Equal is the default')
  t.same(tolerated({ key: 'own', value: 'web' }), said)
  t.same(tolerated({ key: 'other', operator: 'Exists' }), said)
  t.same(tolerated({ key: 'own', operator: 'Exists', effect: 'NoExecute' }), said)
  t.same(tolerated({ key: 'other', operator: 'Exists' }, { key: 'own', operator: 'Exists', effect: 'NoSchedule' }), [])
  const two: World = { taints: [{ ...taint, value: 'x' }, taint] }
  t.same(against({ tolerations: [{ key: 'own', value: 'x' }] }, two), said, 'each taint must be tolerated')
})

t.test('a node that is cordoned', async (t) => {
  const key = 'node.kubernetes.io/unschedulable'
  t.same(against({}, { unschedulable: true }), ['node(s) were unschedulable'])
  t.same(against({}, { unschedulable: false }), [])
  t.same(against({ tolerations: [{ key, operator: 'Exists', effect: 'NoSchedule' }] }, { unschedulable: true }), [])
  t.same(against({ tolerations: [{ key, operator: 'Exists', effect: 'NoExecute' }] }, { unschedulable: true }), [
    'node(s) were unschedulable',
  ])
  t.same(against({ tolerations: [{ key: 'another', operator: 'Exists' }] }, { unschedulable: true }), [
    'node(s) were unschedulable',
  ])
})

const asking = (requests: Readonly<Record<string, string>>): Partial<PodSpec> => ({
  containers: [{ name: 'main', resources: { requests } }],
})

t.test('resources', async (t) => {
  const running = [asking({ cpu: '1500m', memory: '3Gi', 'ephemeral-storage': '9Gi' })]
  t.same(against(asking({ cpu: '500m', memory: '1Gi', 'ephemeral-storage': '1Gi' }), { running }), [], 'just fits')
  t.same(against(asking({ cpu: '501m' }), { running }), ['Insufficient cpu'])
  t.same(against(asking({ memory: '1025Mi' }), { running }), ['Insufficient memory'])
  t.same(against(asking({ 'ephemeral-storage': '1025Mi' }), { running }), ['Insufficient ephemeral-storage'])
  t.same(against(asking({ cpu: '3', memory: '5Gi', 'ephemeral-storage': '11Gi' }), {}), [
    ...['Insufficient cpu', 'Insufficient memory', 'Insufficient ephemeral-storage'],
  ])
  const full: World = { running: [asking({ cpu: '5' })] }
  t.same(against({}, full), [], 'who asks for nothing finds room where more is given out than there is')
  t.same(against(asking({ memory: '1Gi' }), full), [])
})

t.test('as many pods as a node takes', async (t) => {
  const world = (count: number): World => ({
    allocatable: { pods: '2' },
    running: Array.from({ length: count }, () => ({})),
  })
  t.same(against({}, world(1)), [])
  t.same(against({}, world(2)), ['Too many pods'])
  t.same(against(asking({ cpu: '3' }), world(3)), ['Too many pods', 'Insufficient cpu'])
  t.same(against({}, { allocatable: { pods: '0' } }), ['Too many pods'])
})

t.test('the first filter that objects is the one that is told', async (t) => {
  const everything: Partial<PodSpec> = {
    nodeSelector: { disk: 'tape' },
    containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80 }], resources: { requests: { cpu: '3' } } }],
  }
  const taken = [{ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80 }] }] }]
  const taints: readonly Taint[] = [{ key: 'own', effect: 'NoSchedule' }]
  t.same(against(everything, { unschedulable: true, taints, running: taken }), ['node(s) were unschedulable'])
  t.same(against(everything, { taints, running: taken }), ['node(s) had untolerated taint {own: }'])
  t.same(against(everything, { running: taken }), noMatch)
  t.same(against(everything, { labels: { disk: 'tape' }, running: taken }), [
    "node(s) didn't have free ports for the requested pod ports",
  ])
  t.same(against(everything, { labels: { disk: 'tape' } }), ['Insufficient cpu'])
})
