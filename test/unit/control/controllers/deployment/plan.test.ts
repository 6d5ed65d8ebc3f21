import t from 'tap'
import type { Deployment, ReplicaSet } from '../../../../../src/api/types/index.ts'
import { boundsOf } from '../../../../../src/control/controllers/deployment/bounds.ts'
import {
  growthOf,
  isScaled,
  planRollingUpdate,
  planScale,
  type Resize,
} from '../../../../../src/control/controllers/deployment/plan.ts'
import { deployment, set } from './sets.ts'

const rolling = (maxSurge: number | string | undefined, maxUnavailable: number | string | undefined) => ({
  strategy: {
    type: 'RollingUpdate' as const,
    rollingUpdate: {
      ...(maxSurge === undefined ? {} : { maxSurge }),
      ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
    },
  },
})

t.test('how far a rollout may go', async (t) => {
  const cases: readonly (readonly [number | undefined, Partial<Deployment['spec']>, number, number, number])[] = [
    [undefined, {}, 1, 0, 1],
    [4, rolling(1, 0), 4, 1, 0],
    [4, rolling(0, 2), 4, 0, 2],
    [4, rolling(0, 0), 4, 0, 1],
    [10, rolling('25%', '25%'), 10, 3, 2],
    [3, rolling('10%', '10%'), 3, 1, 0],
    [3, rolling('0%', '10%'), 3, 0, 1],
    [2, rolling(0, 5), 2, 0, 2],
    [0, rolling(0, 0), 0, 0, 0],
    [4, { strategy: { type: 'Recreate' } }, 4, 0, 0],
  ]
  for (const [replicas, spec, desired, surge, unavailable] of cases)
    t.same(boundsOf(deployment(replicas, spec)), { desired, surge, unavailable }, JSON.stringify([replicas, spec]))
})

const sizes = (plan: readonly Resize[]) =>
  Object.fromEntries(plan.map(({ set: { metadata }, replicas }) => [metadata.name, replicas]))

t.test('a new set starts with what there is room for', async (t) => {
  const bounds = { desired: 4, surge: 1, unavailable: 0 }
  t.equal(growthOf(bounds, [], 0), 4)
  t.equal(growthOf(bounds, [set('a', 4)], 0), 1)
  t.equal(growthOf(bounds, [set('a', 2)], 0), 3)
  t.equal(growthOf(bounds, [set('a', 5)], 0), 0)
  t.equal(growthOf(bounds, [set('a', 9)], 2), 2, 'never less than it has')
  t.equal(growthOf(bounds, [set('b', 3), set('a', 1)], 3), 4)
})

const updates: readonly {
  readonly name: string
  readonly spec?: Partial<Deployment['spec']>
  readonly replicas?: number
  readonly current: ReplicaSet
  readonly old: readonly ReplicaSet[]
  readonly wanted: Readonly<Record<string, number>>
}[] = [
  { name: 'the current set grows first', current: set('new', 0), old: [set('old', 4)], wanted: { new: 1 } },
  { name: 'one that is too large shrinks', current: set('new', 6), old: [], wanted: { new: 4 } },
  { name: 'old pods go for new ones that work', current: set('new', 1), old: [set('old', 4)], wanted: { old: 3 } },
  {
    ...{ name: 'and not for those that do not', current: set('new', 1, { available: 0 }) },
    ...{ old: [set('old', 4)], wanted: {} },
  },
  {
    ...{ name: 'of old ones those that do not work go first', current: set('new', 1, { available: 0 }) },
    ...{ old: [set('old', 4, { available: 3 })], spec: rolling(1, 1), wanted: { old: 3 } },
  },
  {
    ...{ name: 'as many as may be missing', current: set('new', 1) },
    ...{ old: [set('old', 4)], spec: rolling(1, 2), wanted: { old: 1 } },
  },
  {
    ...{ name: 'the oldest first', current: set('new', 1), spec: rolling(1, 1) },
    ...{
      old: [set('b', 2, { born: '2026-01-02T00:00:00Z' }), set('a', 2)],
      wanted: { a: 0 },
    },
  },
  { name: 'nothing is left to do', current: set('new', 4), old: [set('old', 0)], wanted: {} },
  { name: 'the last old pods', current: set('new', 4), old: [set('old', 1)], wanted: { old: 0 } },
  {
    ...{ name: 'what a set has above its size is on its way out, and counted on no more', spec: rolling(1, 1) },
    ...{ current: set('new', 2), old: [set('old', 3, { available: 4 })], wanted: { old: 1 } },
  },
  {
    ...{
      name: 'counts from before the last size say nothing',
      current: set('new', 1),
      spec: rolling(1, 1),
      wanted: {},
    },
    old: [set('old', 4, { status: { replicas: 4, availableReplicas: 4, observedGeneration: 0 } })],
  },
  {
    ...{ name: 'those of the current one, too', old: [set('old', 4)], spec: rolling(1, 1), wanted: {} },
    current: set('new', 1, { status: { replicas: 1, availableReplicas: 1, observedGeneration: 0 } }),
  },
  {
    ...{ name: 'what is broken goes, all of it', current: set('new', 4), spec: rolling(1, 0) },
    ...{ old: [set('a', 1, { available: 0 }), set('b', 1, { available: 0 })], wanted: { a: 0, b: 0 } },
  },
]
for (const { name, spec = rolling(1, 0), replicas = 4, current, old, wanted } of updates)
  t.same(sizes(planRollingUpdate(deployment(replicas, spec), current, old)), wanted, name)

t.test('whether somebody has scaled', async (t) => {
  t.equal(isScaled(deployment(4), []), false)
  t.equal(isScaled(deployment(4), [set('a', 4, { sizedFor: [4, 5] })]), false)
  t.equal(isScaled(deployment(5), [set('a', 4, { sizedFor: [4, 5] })]), true)
  t.equal(isScaled(deployment(5), [set('a', 0, { sizedFor: [4, 5] })]), false, 'an empty one was not sized')
  t.equal(isScaled(deployment(5), [set('a', 4)]), false, 'nor one that does not say for what')
  t.equal(isScaled(deployment(undefined), [set('a', 1, { sizedFor: [1, 2] })]), false)
})

const scales: readonly {
  readonly name: string
  readonly replicas: number
  readonly spec?: Partial<Deployment['spec']>
  readonly current?: ReplicaSet
  readonly old?: readonly ReplicaSet[]
  readonly wanted: Readonly<Record<string, number>>
}[] = [
  { name: 'no set at all', replicas: 3, wanted: {} },
  { name: 'only the current one', replicas: 3, current: set('new', 1), wanted: { new: 3 } },
  { name: 'only one with pods', replicas: 3, current: set('new', 0), old: [set('old', 2)], wanted: { old: 3 } },
  {
    name: 'none with pods: the current one',
    replicas: 3,
    current: set('new', 0),
    old: [set('old', 0)],
    wanted: { new: 3 },
  },
  {
    ...{ name: 'none with pods and none current: the youngest', replicas: 3, wanted: { b: 3 } },
    old: [set('b', 0, { born: '2026-01-02T00:00:00Z' }), set('a', 0)],
  },
  {
    ...{ name: 'all is there: the old ones end', replicas: 4, wanted: { old: 0 } },
    ...{ current: set('new', 4, { sizedFor: [4, 5] }), old: [set('old', 1), set('empty', 0)] },
  },
  {
    ...{ name: 'in proportion, up', replicas: 20, wanted: { new: 8, old: 13 } },
    ...{ current: set('new', 4, { sizedFor: [10, 11] }), old: [set('old', 7, { sizedFor: [10, 11] })] },
  },
  {
    ...{ name: 'in proportion, down', replicas: 5, wanted: { new: 2, old: 4 } },
    ...{ current: set('new', 4, { sizedFor: [10, 11] }), old: [set('old', 7, { sizedFor: [10, 11] })] },
  },
  {
    ...{ name: 'to nothing', replicas: 0, wanted: { new: 0, old: 0 } },
    ...{ current: set('new', 4, { sizedFor: [10, 11] }), old: [set('old', 7, { sizedFor: [10, 11] })] },
  },
  {
    ...{ name: 'as it is', replicas: 10, wanted: { new: 4, old: 7 } },
    ...{ current: set('new', 4, { sizedFor: [10, 11] }), old: [set('old', 7, { sizedFor: [10, 11] })] },
  },
  {
    ...{ name: 'Recreate does not mix', replicas: 8, spec: { strategy: { type: 'Recreate' } }, wanted: {} },
    ...{ current: set('new', 2), old: [set('old', 2)] },
  },
]
for (const { name, replicas, spec = rolling(1, 0), current, old = [], wanted } of scales)
  t.same(sizes(planScale(deployment(replicas, spec), current, old)), wanted, name)
