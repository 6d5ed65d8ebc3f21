import t from 'tap'
import type { Pod } from '../../../../../src/api/types/index.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../../../../src/api/types/kubernetes/policy-v1.ts'
import {
  amountsOf,
  awaitedPods,
  countedStatus,
  countsByControllers,
  failedStatus,
} from '../../../../../src/control/controllers/disruption/budget.ts'

const now = Date.UTC(2026, 0, 1)
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

const budgetOf = (
  spec: PodDisruptionBudgetSpec,
  disruptedPods: Readonly<Record<string, string>> = {},
): PodDisruptionBudget => ({
  ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', generation: 2 }, spec },
  status: { disruptionsAllowed: 9, currentHealthy: 9, desiredHealthy: 9, expectedPods: 9, disruptedPods },
})

/** `a-ready b c-ready-going` */
const podsOf = (text: string): readonly Pod[] =>
  text.split(' ').map((word) => {
    const [name = '', ...marks] = word.split('-')
    return {
      ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [] } },
      metadata: { name, ...(marks.includes('going') ? { deletionTimestamp: ago(1) } : {}) },
      status: {
        phase: marks.includes('failed') ? 'Failed' : 'Running',
        conditions: marks.includes('ready') ? [{ type: 'Ready', status: 'True' }] : [],
      },
    }
  })

t.test('how many must be healthy', async (t) => {
  const cases: readonly [PodDisruptionBudgetSpec, number, boolean][] = [
    [{ minAvailable: 2 }, 2, false],
    [{ minAvailable: '50%' }, 4, true],
    [{ minAvailable: '0%' }, 0, true],
    [{ maxUnavailable: 2 }, 5, true],
    [{ maxUnavailable: '30%' }, 4, true],
    [{ maxUnavailable: 9 }, 0, true],
    [{}, 0, false],
  ]
  for (const [spec, desired, byControllers] of cases) {
    t.same(amountsOf(budgetOf(spec), 7), { expected: 7, desired }, JSON.stringify(spec))
    t.equal(countsByControllers(budgetOf(spec)), byControllers)
  }
})

t.test('how many may go', async (t) => {
  const count = (pods: string, expected: number, desired: number, disrupted = {}) =>
    countedStatus(budgetOf({ minAvailable: 1 }, disrupted), podsOf(pods), { expected, desired }, now)
  t.same(count('a-ready b-ready c', 3, 1), {
    ...{ observedGeneration: 2, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 3 },
    conditions: [
      {
        ...{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '', observedGeneration: 2 },
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  })
  t.match(count('a-ready b', 2, 1), { disruptionsAllowed: 0, conditions: [{ status: 'False' }] })
  t.match(count('a-ready b-ready-going', 2, 1), { disruptionsAllowed: 0, currentHealthy: 1 })
  t.match(count('a-ready b-ready-failed', 2, 1), { disruptionsAllowed: 0, currentHealthy: 1 })
  t.match(count('a-ready', 0, 0), { disruptionsAllowed: 0, currentHealthy: 1 }, 'nothing is expected')
  t.match(count('a', 3, 1), { disruptionsAllowed: 0 }, 'never below zero')
  t.match(
    count('a-ready b-ready c-ready', 3, 1, { b: ago(60), gone: ago(1) }),
    { disruptionsAllowed: 1, currentHealthy: 2, disruptedPods: { b: ago(60) } },
    'one that was let go counts no more',
  )
  t.match(count('a-ready b-ready', 2, 1, { b: ago(120) }), { disruptionsAllowed: 1 }, 'and after two minutes again')
})

t.test('who was let go', async (t) => {
  const budget = budgetOf({ minAvailable: 1 }, { a: ago(30), b: ago(90), c: ago(121), d: ago(5), e: 'sometime' })
  const found = awaitedPods(budget, podsOf('a-ready b-ready c-ready d-ready-going e toString'), now)
  t.same(found.disrupted, { a: ago(30), b: ago(90) })
  t.same(
    found.notDeleted.map(({ metadata }) => metadata.name),
    ['c', 'e'],
  )
  t.equal(found.againInMs, 30_000)
})

t.test('nobody is let go when nobody can count', async (t) => {
  t.match(failedStatus(budgetOf({ maxUnavailable: 1 }), 'no controllers', now), {
    ...{ disruptionsAllowed: 0, observedGeneration: 2 },
    conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'no controllers' }],
  })
})
