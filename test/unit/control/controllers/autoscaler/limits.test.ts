import t from 'tap'
import type {
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
} from '../../../../../src/api/types/kubernetes/autoscaling-v2.ts'
import { limit, type Past, remember, stabilize } from '../../../../../src/control/controllers/autoscaler/limits.ts'

const now = 1_000_000
const specOf = (behavior?: HorizontalPodAutoscalerBehavior): HorizontalPodAutoscalerSpec => ({
  ...{ scaleTargetRef: { kind: 'Deployment', name: 'd' }, minReplicas: 2, maxReplicas: 20 },
  ...(behavior ? { behavior } : {}),
})
const none: Past = { recommendations: [], changes: [] }
const pastOf = (...recommendations: readonly (readonly [replicas: number, secondsAgo: number])[]): Past => ({
  ...none,
  recommendations: recommendations.map(([replicas, seconds]) => ({ replicas, at: now - seconds * 1000 })),
})
const changed = (...changes: readonly (readonly [by: number, secondsAgo: number])[]): Past => ({
  ...none,
  changes: changes.map(([by, seconds]) => ({ by, at: now - seconds * 1000 })),
})

t.test('what was wanted of late', async (t) => {
  const cases: readonly [
    name: string,
    wanted: number,
    past: Past,
    replicas: number,
    reason: string,
    behavior?: HorizontalPodAutoscalerBehavior,
  ][] = [
    ['up at once', 9, pastOf([3, 10]), 9, 'ReadyForNewScale'],
    ['down to the highest of five minutes', 3, pastOf([8, 299], [4, 10], [9, 301]), 8, 'ScaleDownStabilized'],
    ['down', 3, pastOf([3, 10]), 3, 'ReadyForNewScale'],
    [
      'up to the lowest of a window',
      9,
      pastOf([7, 50], [6, 70]),
      7,
      'ScaleUpStabilized',
      { scaleUp: { stabilizationWindowSeconds: 60 } },
    ],
    [
      'down without a window',
      3,
      pastOf([8, 1]),
      3,
      'ReadyForNewScale',
      { scaleDown: { stabilizationWindowSeconds: 0 } },
    ],
  ]
  for (const [name, wanted, past, replicas, reason, behavior] of cases)
    t.match(stabilize(specOf(behavior), wanted, 5, past, now), { replicas, reason }, name)
})

t.test('how far and how fast', async (t) => {
  const pods = (value: number, periodSeconds = 60) => ({ type: 'Pods', value, periodSeconds })
  const percent = (value: number, periodSeconds = 60) => ({ type: 'Percent', value, periodSeconds })
  const cases: readonly [
    name: string,
    wanted: number,
    current: number,
    replicas: number,
    reason: string,
    behavior?: HorizontalPodAutoscalerBehavior,
    past?: Past,
  ][] = [
    ['as wanted', 6, 5, 6, 'DesiredWithinRange'],
    ['twice at most', 15, 5, 10, 'ScaleUpLimit'],
    ['four at least', 9, 1, 4, 'ScaleUpLimit'],
    ['the most', 30, 15, 20, 'TooManyReplicas'],
    ['the least', 0, 5, 2, 'TooFewReplicas'],
    ['down at once', 2, 19, 2, 'DesiredWithinRange'],
    ['up by pods', 15, 5, 8, 'ScaleUpLimit', { scaleUp: { policies: [pods(3)] } }],
    ['up by the larger', 15, 5, 10, 'ScaleUpLimit', { scaleUp: { policies: [pods(3), percent(100)] } }],
    [
      'up by the smaller',
      15,
      5,
      8,
      'ScaleUpLimit',
      { scaleUp: { selectPolicy: 'Min', policies: [pods(3), percent(100)] } },
    ],
    ['not up', 15, 5, 5, 'ScaleUpLimit', { scaleUp: { selectPolicy: 'Disabled', policies: [pods(3)] } }],
    [
      'up, less what was done',
      15,
      7,
      8,
      'ScaleUpLimit',
      { scaleUp: { policies: [pods(3)] } },
      changed([2, 59], [9, 61], [-4, 5]),
    ],
    ['up, when all was done', 15, 9, 9, 'ScaleUpLimit', { scaleUp: { policies: [pods(3)] } }, changed([4, 5])],
    ['down by pods', 2, 9, 7, 'ScaleDownLimit', { scaleDown: { policies: [pods(2)] } }],
    ['down by the larger', 2, 10, 5, 'ScaleDownLimit', { scaleDown: { policies: [pods(2), percent(50)] } }],
    [
      'down by the smaller',
      2,
      10,
      8,
      'ScaleDownLimit',
      { scaleDown: { selectPolicy: 'Min', policies: [pods(2), percent(50)] } },
    ],
    ['down, less what was done', 2, 9, 8, 'ScaleDownLimit', { scaleDown: { policies: [pods(2)] } }, changed([-1, 5])],
    ['not down', 2, 9, 9, 'ScaleDownLimit', { scaleDown: { selectPolicy: 'Disabled', policies: [pods(2)] } }],
  ]
  for (const [name, wanted, current, replicas, reason, behavior, past = none] of cases) {
    const found = limit(specOf(behavior), wanted, current, past, now)
    t.match(found, { replicas, reason, isLimited: reason !== 'DesiredWithinRange' }, name)
  }
})

t.test('what is forgotten', async (t) => {
  const past: Past = { ...pastOf([1, 299], [2, 301]), changes: changed([1, 50], [1, 100]).changes }
  t.match(remember(specOf(), past, now), { recommendations: [{ replicas: 1 }], changes: [] })
  const behavior = { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } }
  t.equal(remember(specOf(behavior), past, now).changes.length, 1)
})
