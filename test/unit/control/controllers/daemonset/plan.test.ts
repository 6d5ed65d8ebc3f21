/** What a DaemonSet makes and deletes next, as tables: a node is a word, its pods are what stands behind it. */
import t from 'tap'
import type { Node, Pod } from '../../../../../src/api/types/index.ts'
import type { DaemonSet, RollingUpdateDaemonSet } from '../../../../../src/api/types/kubernetes/apps-v1.ts'
import {
  endedPods,
  type Measure,
  type NodePods,
  planPlaces,
  planUpdate,
  strandedPods,
} from '../../../../../src/control/controllers/daemonset/plan.ts'
import { countDaemons } from '../../../../../src/control/controllers/daemonset/status.ts'

const now = Date.UTC(2026, 0, 1)
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

const setOf = (rollingUpdate: RollingUpdateDaemonSet | undefined, minReadySeconds = 0): DaemonSet => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'd', namespace: 'default', generation: 7 } },
  spec: {
    ...{ selector: {}, minReadySeconds, template: { spec: { containers: [] } } },
    updateStrategy: rollingUpdate ? { type: 'RollingUpdate', rollingUpdate } : { type: 'OnDelete' },
  },
  status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
})

let serial = 0
/** `new` or `old` revision; `ready`, `failed`, `going`; the later, the younger. */
const podOf = (node: string, word: string): Pod => {
  const has = (part: string): boolean => word.split('-').includes(part)
  const order = String(serial++).padStart(4, '0')
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name: `${node}:${word}`, namespace: 'default', creationTimestamp: `2025-01-01T00:00:00.${order}Z` },
      labels: { 'controller-revision-hash': has('new') ? 'new' : 'old' },
      ...(has('going') ? { deletionTimestamp: ago(1) } : {}),
    },
    spec: { containers: [], nodeName: node },
    status: {
      phase: has('failed') ? 'Failed' : 'Running',
      conditions: has('ready') ? [{ type: 'Ready', status: 'True', lastTransitionTime: ago(5) }] : [],
    },
  }
}

const placesOf = (nodes: Readonly<Record<string, string>>): readonly NodePods[] =>
  Object.entries(nodes).map(([word, pods]) => {
    const [node = '', ...marks] = word.split('-')
    return {
      node,
      shouldRun: marks.length === 0,
      mayStay: !marks.includes('closed'),
      pods: pods.split(' ').flatMap((pod) => (pod === '' ? [] : [podOf(node, pod)])),
    }
  })

const measure = (set: DaemonSet): Measure => ({ set, hash: 'new', now })
const says = ({ make, leaving }: { readonly make: readonly string[]; readonly leaving: readonly Pod[] }): string =>
  [...make.map((node) => `+${node}`), ...leaving.map(({ metadata }) => `-${metadata.name}`)].join(' ')

const rolling = { maxUnavailable: 1, maxSurge: 0 }
const surging = { maxUnavailable: 0, maxSurge: 1 }

t.test('every node has its one pod', async (t) => {
  const cases: readonly {
    readonly name: string
    readonly nodes: Readonly<Record<string, string>>
    readonly does: string
    readonly surge?: boolean
  }[] = [
    { name: 'an empty node', nodes: { a: '' }, does: '+a' },
    { name: 'a node that has one', nodes: { a: 'new' }, does: '' },
    { name: 'an old one is none to lack', nodes: { a: 'old' }, does: '' },
    { name: 'one that goes is waited for', nodes: { a: 'old-going' }, does: '' },
    { name: 'the youngest of several goes', nodes: { a: 'new-ready old' }, does: '-a:old' },
    { name: 'one that ended is not one of several', nodes: { a: 'new-failed new' }, does: '' },
    { name: 'a node that takes no new ones', nodes: { 'a-full': '' }, does: '' },
    { name: 'a node that takes no new ones and has one', nodes: { 'a-full': 'new' }, does: '' },
    { name: 'a node where none may be', nodes: { 'a-closed': 'new old-going' }, does: '-a:new' },
    { name: 'surge: old and new', nodes: { a: 'old-ready new' }, surge: true, does: '' },
    { name: 'surge: the new one works', nodes: { a: 'old-ready new-ready' }, surge: true, does: '-a:old-ready' },
    { name: 'surge: the old one never worked', nodes: { a: 'old new' }, surge: true, does: '-a:old' },
    { name: 'surge: two new ones', nodes: { a: 'new-ready new' }, surge: true, does: '-a:new' },
    { name: 'surge: two old ones', nodes: { a: 'old-ready old' }, surge: true, does: '-a:old' },
  ]
  for (const { name, nodes, does, surge } of cases)
    t.equal(says(planPlaces(placesOf(nodes), measure(setOf(surge ? surging : rolling)))), does, name)
})

t.test('what ended, and what waits for a node that is gone', async (t) => {
  const places = placesOf({ a: 'new-failed new-failed-going', 'b-closed': 'new-failed' })
  t.same(
    endedPods(places).map(({ metadata }) => metadata.name),
    ['a:new-failed'],
  )
  const waiting = (node: string): Pod => ({
    ...podOf(node, 'new'),
    spec: {
      containers: [],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
          },
        },
      },
    },
  })
  t.same(
    strandedPods(places, [waiting('a'), waiting('gone'), podOf('gone', 'new')]).map(({ metadata }) => metadata.name),
    ['gone:new'],
    'a pod that has its node is not ours to collect',
  )
})

t.test('updates', async (t) => {
  const cases: readonly {
    readonly name: string
    readonly nodes: Readonly<Record<string, string>>
    readonly does: string
    readonly rolling?: RollingUpdateDaemonSet
    readonly minReadySeconds?: number
  }[] = [
    { name: 'one after the other', nodes: { a: 'old-ready', b: 'old-ready' }, does: '-a:old-ready' },
    { name: 'none while one is missing', nodes: { a: '', b: 'old-ready' }, does: '' },
    { name: 'none while one goes', nodes: { a: 'old-ready-going', b: 'old-ready' }, does: '' },
    { name: 'none while a new one is not ready', nodes: { a: 'new', b: 'old-ready' }, does: '' },
    { name: 'on with a new one that is', nodes: { a: 'new-ready', b: 'old-ready' }, does: '-b:old-ready' },
    {
      name: 'none while a new one has to prove itself',
      nodes: { a: 'new-ready', b: 'old-ready' },
      minReadySeconds: 10,
      does: '-b:old-ready',
    },
    { name: 'broken ones first, and they count', nodes: { a: 'old-ready', b: 'old', c: 'old' }, does: '-b:old -c:old' },
    {
      name: 'a share, rounded up',
      nodes: { a: 'old-ready', b: 'old-ready', c: 'old-ready' },
      rolling: { maxUnavailable: '34%' },
      does: '-a:old-ready -b:old-ready',
    },
    { name: 'only where it belongs', nodes: { 'a-full': 'old-ready', b: 'new-ready' }, does: '' },
    { name: 'surge: beside the old', nodes: { a: 'old-ready', b: 'old-ready' }, rolling: surging, does: '+a' },
    {
      name: 'surge: none while one is on its way',
      nodes: { a: 'old-ready new', b: 'old-ready' },
      rolling: surging,
      does: '',
    },
    {
      name: 'surge: the next when it works',
      nodes: { a: 'old-ready new-ready', b: 'old-ready' },
      rolling: surging,
      does: '+b -a:old-ready',
    },
    {
      name: 'surge: broken ones need no leave',
      nodes: { a: 'old', b: 'old-ready', c: 'old-ready' },
      rolling: surging,
      does: '+a +b',
    },
  ]
  for (const { name, nodes, does, rolling: given = rolling, minReadySeconds = 0 } of cases)
    t.equal(says(planUpdate(placesOf(nodes), measure(setOf(given, minReadySeconds)))), does, name)
  t.equal(says(planUpdate(placesOf({ a: 'old-ready' }), measure(setOf(undefined)))), '', 'OnDelete')
})

t.test('what the status counts', async (t) => {
  const places = placesOf({
    a: 'new-ready',
    b: 'old-ready new',
    c: '',
    d: 'new',
    'e-full': 'new-ready',
    'f-closed': '',
  })
  const { status, againInMs } = countDaemons(places, measure(setOf(rolling)))
  t.same(status, {
    ...{ observedGeneration: 7, desiredNumberScheduled: 4, currentNumberScheduled: 3, numberMisscheduled: 1 },
    ...{ numberReady: 2, updatedNumberScheduled: 2, numberAvailable: 2, numberUnavailable: 2 },
  })
  t.equal(againInMs, undefined)
  const later = countDaemons(places, measure(setOf(rolling, 8)))
  t.match(later.status, { numberReady: 2, numberAvailable: 0, numberUnavailable: 4 })
  t.equal(later.againInMs, 3_000)
})

t.test('nodes', async (t) => {
  const { daemonTemplate, nodeOf, onNode, placeOn } = await import(
    '../../../../../src/control/controllers/daemonset/placement.ts'
  )
  const node = (taints: NonNullable<Node['spec']>['taints'], labels = {}): Node => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels }, spec: { taints: taints ?? [] }, status: {} },
  })
  const template = (spec: object = {}) => {
    const set = setOf(rolling)
    return daemonTemplate({ ...set, spec: { ...set.spec, template: { spec: { containers: [], ...spec } } } }, 'new')
  }
  const cases: readonly [string, Node, object, boolean, boolean][] = [
    ['an open node', node([]), {}, true, true],
    ['a cordoned node', node([{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }]), {}, true, true],
    ['a silent node', node([{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }]), {}, true, true],
    ['a node of others', node([{ key: 'x', effect: 'NoSchedule' }]), {}, false, true],
    ['a node that others leave', node([{ key: 'x', effect: 'NoExecute' }]), {}, false, false],
    ['a node that others avoid', node([{ key: 'x', effect: 'PreferNoSchedule' }]), {}, true, true],
    ['tolerated', node([{ key: 'x', effect: 'NoExecute' }]), { tolerations: [{ operator: 'Exists' }] }, true, true],
    ['without its label', node([]), { nodeSelector: { disk: 'ssd' } }, false, false],
    ['with its label', node([], { disk: 'ssd' }), { nodeSelector: { disk: 'ssd' } }, true, true],
    ['another name', node([]), { nodeName: 'm' }, false, false],
    [
      'no network yet',
      node([{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }]),
      {},
      false,
      true,
    ],
    [
      'no network yet, and none needed',
      node([{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }]),
      { hostNetwork: true },
      true,
      true,
    ],
  ]
  for (const [name, where, spec, shouldRun, mayStay] of cases)
    t.same(placeOn(template(spec), where), { shouldRun, mayStay }, name)
  const made = onNode(
    template({ affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } }),
    'n',
  )
  t.equal(nodeOf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: made.spec }), 'n')
  t.same(made.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution, [], 'kept')
  t.equal(made.metadata?.labels?.['controller-revision-hash'], 'new')
})
