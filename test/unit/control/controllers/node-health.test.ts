import t from 'tap'
import { tolerates } from '../../../../src/api/taints.ts'
import type { Node, NodeCondition, Pod, Taint, Toleration } from '../../../../src/api/types/index.ts'
import {
  evictionTime,
  lifecycleTaintsFor,
  lostPodConditions,
  readiness,
  silentConditions,
} from '../../../../src/control/controllers/node-health.ts'

const pod = (tolerations: NonNullable<Pod['spec']['tolerations']>): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
  spec: { containers: [], tolerations },
})

t.test('when pods leave a tainted node', async (t) => {
  const at = Date.UTC(2026, 0, 1)
  const timeAdded = new Date(at).toISOString()
  const unreachable = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded } as const
  const own = { key: 'mine', value: 'x', effect: 'NoExecute', timeAdded } as const
  t.equal(evictionTime(pod([]), []), Number.POSITIVE_INFINITY)
  t.equal(evictionTime(pod([]), [own]), at, 'at once')
  t.equal(evictionTime(pod([{ operator: 'Exists' }]), [unreachable, own]), Number.POSITIVE_INFINITY)
  const patient = { key: unreachable.key, operator: 'Exists', tolerationSeconds: 300 } as const
  t.equal(evictionTime(pod([patient]), [unreachable]), at + 300_000, "the pod's own patience wins")
  t.equal(evictionTime(pod([{ key: 'mine', value: 'y' }]), [own]), at, 'another value is not tolerated')
})

t.test('taints come and go with the state, others stay', async (t) => {
  const node = (taints: NonNullable<Node['spec']>['taints']): Node => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
    spec: { taints: taints ?? [] },
  })
  const mine = { key: 'mine', effect: 'NoSchedule' } as const
  const tainted = lifecycleTaintsFor(node([mine]), 'False', 0)
  t.match(tainted, [mine, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }, { effect: 'NoExecute' }])
  t.equal(lifecycleTaintsFor(node(tainted), 'False', 5), undefined, 'nothing to do')
  t.match(lifecycleTaintsFor(node(tainted), 'Unknown', 5)?.[1], { key: 'node.kubernetes.io/unreachable' })
  t.same(lifecycleTaintsFor(node(tainted), 'True', 5), [mine])
})

t.test('a node that is short of something takes no new pods', async (t) => {
  const node = (taints: readonly Taint[], ...pressures: readonly string[]): Node => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { taints } },
    status: { conditions: pressures.map((type) => ({ type, status: 'True' })) },
  })
  const disk: Taint = { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }
  const tainted = lifecycleTaintsFor(
    node([], 'Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure', 'Own'),
    'True',
    0,
  )
  t.same(tainted, [
    { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' },
    disk,
    { key: 'node.kubernetes.io/pid-pressure', effect: 'NoSchedule' },
  ])
  t.same(lifecycleTaintsFor(node(tainted ?? [], 'DiskPressure'), 'True', 0), [disk])
  t.equal(lifecycleTaintsFor(node([disk], 'DiskPressure'), 'True', 0), undefined, 'nothing to do')
  t.same(lifecycleTaintsFor(node([disk]), 'True', 0), [])
  t.match(lifecycleTaintsFor(node([disk], 'DiskPressure'), 'False', 0), [{ effect: 'NoSchedule' }, {}, disk])
})

t.test('which toleration fits which taint', async (t) => {
  const taint: Taint = { key: 'own', value: 'db', effect: 'NoSchedule' }
  const cases: readonly (readonly [Toleration, boolean])[] = [
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoSchedule' }, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: '', operator: 'Exists' }, true],
    [{ key: 'own', operator: 'Exists' }, true],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ key: 'own', operator: 'Equal', value: 'db' }, true],
    [{ key: 'own', value: 'db' }, true],
    [{ key: 'own', operator: 'Equal', value: 'web' }, false],
    [{ key: 'own', operator: 'Equal' }, false],
    [{ key: 'other', value: 'db' }, false],
  ]
  for (const [toleration, wanted] of cases) t.equal(tolerates(toleration, taint), wanted, JSON.stringify(toleration))
  t.equal(tolerates({ key: 'own' }, { key: 'own', effect: 'NoSchedule' }), true, 'no value on either side')
  t.equal(tolerates({ key: 'own', value: '' }, { key: 'own', effect: 'NoSchedule' }), true)
})

t.test('of several patiences the shortest, of several taints the first', async (t) => {
  const at = Date.UTC(2026, 0, 1)
  const timeAdded = new Date(at).toISOString()
  const taint = (key: string): Taint => ({ key, effect: 'NoExecute', timeAdded })
  const patient = (key: string, tolerationSeconds: number): Toleration => ({
    key,
    operator: 'Exists',
    tolerationSeconds,
  })
  t.equal(evictionTime(pod([patient('a', 60), patient('a', 30)]), [taint('a')]), at + 30_000)
  t.equal(evictionTime(pod([patient('a', -5)]), [taint('a')]), at, 'less than none is none')
  t.equal(evictionTime(pod([patient('a', 60), { key: 'a', operator: 'Exists' }]), [taint('a')]), at + 60_000)
  t.equal(evictionTime(pod([patient('a', 60), patient('b', 30)]), [taint('a'), taint('b')]), at + 30_000)
  t.equal(evictionTime(pod([patient('a', 60)]), [taint('a'), taint('b')]), at)
  t.equal(evictionTime(pod([]), [{ key: 'a', effect: 'NoSchedule', timeAdded }]), Number.POSITIVE_INFINITY)
  t.equal(evictionTime(pod([]), [{ key: 'a', effect: 'NoExecute' }]), 0, 'since nobody knows when')
})

const now = Date.UTC(2026, 0, 1)
const then = '2025-12-31T00:00:00Z'
const condition = (
  type: string,
  status: NodeCondition['status'],
  more: Partial<NodeCondition> = {},
): NodeCondition => ({
  ...{ type, status, lastTransitionTime: then, ...more },
})
const nodeWith = (...conditions: NodeCondition[]): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status: { conditions } },
})

t.test('whether a node is ready', async (t) => {
  t.equal(readiness(nodeWith(condition('MemoryPressure', 'True'), condition('Ready', 'Unknown'))), 'Unknown')
  t.equal(readiness(nodeWith()), 'False')
  t.equal(readiness({ ...nodeWith(), status: {} }), 'False')
})

t.test('what is said of a node that is silent', async (t) => {
  const silent = silentConditions(nodeWith(condition('Ready', 'True'), condition('Own', 'True')), now)
  t.same(
    silent?.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['Own', 'True', undefined],
      ['Ready', 'Unknown', 'NodeStatusUnknown'],
      ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ],
  )
  t.equal(silent?.[1]?.lastTransitionTime, '2026-01-01T00:00:00Z')
  t.equal(silentConditions(nodeWith(...(silent ?? [])), now + 5_000), undefined, 'said once')
  const partly = silentConditions(nodeWith(condition('Ready', 'Unknown'), condition('DiskPressure', 'False')), now)
  t.same(partly?.[0], condition('Ready', 'Unknown'), 'what is unknown already stays')
  t.equal(silentConditions(nodeWith(), now)?.length, 4)
})

t.test('what is said of its pods', async (t) => {
  const lost = (...conditions: NodeCondition[]) => lostPodConditions({ ...pod([]), status: { conditions } }, now)
  t.match(lost(condition('Ready', 'True'), condition('Initialized', 'True')), [
    { type: 'Ready', status: 'False', reason: 'NodeNotReady', lastTransitionTime: '2026-01-01T00:00:00Z' },
    condition('Initialized', 'True'),
  ])
  t.equal(lost(condition('Ready', 'False'), condition('Initialized', 'True')), undefined)
  t.equal(lost(condition('Initialized', 'True')), undefined)
  t.equal(lostPodConditions(pod([]), now), undefined)
})
