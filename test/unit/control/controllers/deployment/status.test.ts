import t from 'tap'
import type { Deployment, DeploymentCondition } from '../../../../../src/api/types/index.ts'
import {
  countReplicas,
  type DeploymentStatus,
  deadlineIn,
  isComplete,
  withProgress,
} from '../../../../../src/control/controllers/deployment/status.ts'
import { deployment, set } from './sets.ts'

const now = Date.UTC(2026, 0, 1)
const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString().replace('.000Z', 'Z')
const withStatus = (found: Deployment, status: DeploymentStatus): Deployment => ({ ...found, status })
const find = ({ conditions = [] }: DeploymentStatus, type: string) => conditions.find((each) => each.type === type)

t.test('counts', async (t) => {
  const [current, old] = [set('new', 2, { available: 1 }), set('old', 3)]
  t.match(countReplicas(deployment(4), current, [current, old], now), {
    ...{ observedGeneration: 3, replicas: 5, updatedReplicas: 2, readyReplicas: 4, availableReplicas: 4 },
    unavailableReplicas: 1,
  })
  t.match(countReplicas(deployment(4), undefined, [], now), { replicas: 0, updatedReplicas: 0, unavailableReplicas: 0 })
  const over = set('over', 1, { status: { replicas: 2, readyReplicas: 2, availableReplicas: 2 } })
  t.match(countReplicas(deployment(4), over, [over], now), { unavailableReplicas: 0 }, 'never below nothing')
})

t.test('whether enough pods are available', async (t) => {
  const available = (count: number, before: readonly DeploymentCondition[] = []) => {
    const current = set('new', 4, { available: count })
    const found = withStatus(deployment(4, { strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } }), {
      conditions: before,
    })
    return find(countReplicas(found, current, [current], now), 'Available')
  }
  t.match(available(3), { status: 'True', reason: 'MinimumReplicasAvailable', lastTransitionTime: at(0) })
  t.match(available(2), { status: 'False', reason: 'MinimumReplicasUnavailable', lastUpdateTime: at(0) })
  const known: DeploymentCondition = {
    ...{ type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'old words' },
    ...{ lastTransitionTime: at(-60), lastUpdateTime: at(-60) },
  }
  t.same(available(4, [known]), known, 'it keeps its times')
  t.match(available(1, [known]), { status: 'False', lastTransitionTime: at(0) })
  t.match(available(4, [{ ...known, reason: 'Other' }]), { lastTransitionTime: at(-60), lastUpdateTime: at(0) })
})

t.test('why pods cannot be made', async (t) => {
  const failure: DeploymentCondition = {
    type: 'ReplicaFailure',
    status: 'True',
    message: 'quota',
    lastTransitionTime: at(0),
  }
  const broken = set('new', 4, { status: { replicas: 0, conditions: [failure] } })
  t.same(find(countReplicas(deployment(4), broken, [broken], now), 'ReplicaFailure'), failure)
  const known = { ...failure, lastTransitionTime: at(-60) }
  const before = withStatus(deployment(4), { conditions: [known] })
  t.same(find(countReplicas(before, broken, [broken], now), 'ReplicaFailure'), known, 'the same as before')
  const whole = set('new', 4)
  t.equal(find(countReplicas(before, whole, [whole], now), 'ReplicaFailure'), undefined, 'it goes')
})

t.test('complete', async (t) => {
  const whole = { replicas: 4, updatedReplicas: 4, availableReplicas: 4 }
  t.equal(isComplete(deployment(4), whole), true)
  for (const part of Object.keys(whole)) t.equal(isComplete(deployment(4), { ...whole, [part]: 3 }), false, part)
  t.equal(isComplete(deployment(undefined), { replicas: 1, updatedReplicas: 1, availableReplicas: 1 }), true)
})

const limited = (spec: Partial<Deployment['spec']> = {}) => deployment(4, { progressDeadlineSeconds: 60, ...spec })
const progressing = (reason: string, seconds: number): DeploymentCondition => ({
  ...{ type: 'Progressing', status: 'True', reason, message: '' },
  ...{ lastUpdateTime: at(seconds), lastTransitionTime: at(seconds) },
})
const half: DeploymentStatus = { replicas: 4, updatedReplicas: 2, readyReplicas: 4, availableReplicas: 4 }
const whole: DeploymentStatus = { replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 }

/** The Progressing condition after a look. */
const progress = (before: DeploymentStatus, after: DeploymentStatus, spec: Partial<Deployment['spec']> = {}) =>
  find(
    withProgress(
      withStatus(limited(spec), before),
      set('new', 2),
      { ...after, conditions: before.conditions ?? [] },
      undefined,
      now,
    ),
    'Progressing',
  )

t.test('a rollout that goes on', async (t) => {
  const known = { ...half, conditions: [progressing('ReplicaSetUpdated', -30)] }
  for (const [name, after] of Object.entries<DeploymentStatus>({
    'more of the new': { ...half, updatedReplicas: 3 },
    'more are ready': { ...half, readyReplicas: 5 },
    'more are available': { ...half, availableReplicas: 5 },
    'fewer of the old': { ...half, replicas: 3 },
  }))
    t.match(
      progress(known, after),
      {
        reason: 'ReplicaSetUpdated',
        lastUpdateTime: at(0),
        lastTransitionTime: at(-30),
        message: 'ReplicaSet "new" is progressing.',
      },
      name,
    )
  t.match(progress(known, half), { lastUpdateTime: at(-30) }, 'nothing has happened')
  t.match(
    progress(known, { ...half, readyReplicas: 3, availableReplicas: 3 }),
    { lastUpdateTime: at(-30) },
    'less is none',
  )
})

t.test('a rollout that ends', async (t) => {
  const known = { ...half, conditions: [progressing('ReplicaSetUpdated', -30)] }
  t.match(progress(known, whole), {
    ...{ reason: 'NewReplicaSetAvailable', status: 'True', message: 'ReplicaSet "new" has successfully progressed.' },
  })
  const done = { ...whole, conditions: [progressing('NewReplicaSetAvailable', -300)] }
  t.match(
    progress(done, { ...whole, availableReplicas: 3 }),
    { lastUpdateTime: at(-300) },
    'a pod less begins no rollout',
  )
})

t.test('a rollout that takes too long', async (t) => {
  const since = (seconds: number, reason = 'ReplicaSetUpdated') => ({
    ...half,
    conditions: [progressing(reason, seconds)],
  })
  t.match(progress(since(-60), half), {
    reason: 'ProgressDeadlineExceeded',
    status: 'False',
    lastTransitionTime: at(0),
  })
  t.match(progress(since(-59), half), { reason: 'ReplicaSetUpdated' })
  t.match(progress(since(-600), half, { paused: true }), { reason: 'ReplicaSetUpdated' }, 'unless it is paused')
  t.match(progress(since(-600, 'ProgressDeadlineExceeded'), half), { lastUpdateTime: at(-600) }, 'said once')
  t.equal(progress(since(-600), half, { progressDeadlineSeconds: 2 ** 31 - 1 }), undefined, 'no deadline at all')
})

t.test('what a look did is told', async (t) => {
  const event = { reason: 'NewReplicaSetCreated', message: 'made', status: 'True' as const }
  const told = withProgress(limited(), undefined, half, event, now)
  t.match(find(told, 'Progressing'), { reason: 'NewReplicaSetCreated', message: 'made', lastUpdateTime: at(0) })
  const without = withProgress(deployment(4), undefined, half, event, now)
  t.equal(find(without, 'Progressing'), undefined)
  t.match(find(withProgress(limited(), undefined, whole, undefined, now), 'Progressing'), {
    message: 'Deployment "web" has successfully progressed.',
  })
})

t.test('when to look again', async (t) => {
  const status = (seconds: number, reason = 'ReplicaSetUpdated') => ({ conditions: [progressing(reason, seconds)] })
  t.equal(deadlineIn(limited(), status(-10), now), 50_000)
  t.equal(deadlineIn(limited(), status(-600), now), 1_000, 'not at once')
  t.equal(deadlineIn(limited({ paused: true }), status(-10), now), undefined)
  t.equal(deadlineIn(limited(), status(-10, 'NewReplicaSetAvailable'), now), undefined)
  t.equal(deadlineIn(limited(), {}, now), undefined)
  t.equal(deadlineIn(deployment(4), status(-10), now), undefined)
})
