import t from 'tap'
import type { AnyCondition, Pod } from '../../../../../src/api/types/index.ts'
import type { Replicated } from '../../../../../src/control/controllers/replicaset/replicated.ts'
import { countPods } from '../../../../../src/control/controllers/replicaset/status.ts'

const now = Date.UTC(2026, 0, 1)
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

const pod = (
  readySecondsAgo: number | undefined,
  more: object = {},
  labels: object = { app: 'web', tier: 'a' },
): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: { ...labels }, ...more } },
  spec: { containers: [] },
  status: {
    phase: 'Running',
    conditions:
      readySecondsAgo === undefined
        ? []
        : [{ type: 'Ready', status: 'True', lastTransitionTime: ago(readySecondsAgo) }],
  },
})

const replicaSet = (minReadySeconds?: number, conditions: readonly AnyCondition[] = []): Replicated => ({
  ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web', generation: 4 } },
  spec: {
    ...{ replicas: 3, selector: { matchLabels: { app: 'web' } } },
    template: { metadata: { labels: { app: 'web', tier: 'a' } }, spec: { containers: [] } },
    ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
  },
  status: { conditions },
})

t.test('counts', async (t) => {
  const pods = [pod(5), pod(undefined), pod(5, {}, { app: 'web' }), pod(5, { deletionTimestamp: 'now' })]
  const { status, againInMs } = countPods(replicaSet(), pods, undefined, now)
  t.match(status, {
    ...{ replicas: 3, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 4 },
  })
  t.equal(againInMs, undefined)
})

t.test('ready for long enough, and when to look again', async (t) => {
  const { status, againInMs } = countPods(replicaSet(10), [pod(12), pod(4), pod(7), pod(undefined)], undefined, now)
  t.match(status, { readyReplicas: 3, availableReplicas: 1 })
  t.equal(againInMs, 3_000, 'for the next one')
})

t.test('why pods could not be made', async (t) => {
  const conditions = (failure: string | undefined, before: Parameters<typeof replicaSet>[1] = []) =>
    countPods(replicaSet(0, before), [], failure, now).status.conditions
  const other: AnyCondition = { type: 'Own', status: 'True' }
  const told = conditions('quota', [other])
  t.match(told, [other, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }])
  t.same(
    conditions('quota', [{ type: 'ReplicaFailure', status: 'True', message: 'quota', lastTransitionTime: 'then' }]),
    [{ type: 'ReplicaFailure', status: 'True', message: 'quota', lastTransitionTime: 'then' }],
  )
  t.match(conditions('quota of another pod', told), told, 'no write for each attempt')
  t.same(conditions(undefined, told), [other])
})
