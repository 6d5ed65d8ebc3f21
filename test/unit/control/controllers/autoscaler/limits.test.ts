import t from 'tap'
import type {
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
} from '../../../../../src/api/types/kubernetes/autoscaling-v2.ts'
import {
  delayOf,
  limit,
  type Past,
  remember,
  stabilize,
} from '../../../../../src/control/controllers/autoscaler/limits.ts'
import {
  type AutoscalerSettings,
  defaultAutoscalerSettings,
} from '../../../../../src/control/controllers/autoscaler-settings.ts'

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
    t.match(stabilize(specOf(behavior), wanted, 5, past, now, defaultAutoscalerSettings), { replicas, reason }, name)
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
  t.match(remember(specOf(), past, now, defaultAutoscalerSettings), { recommendations: [{ replicas: 1 }], changes: [] })
  const behavior = { scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } }
  t.equal(remember(specOf(behavior), past, now, defaultAutoscalerSettings).changes.length, 1)
})

t.test('for how long what was wanted counts is a setting', async (t) => {
  const past = pastOf([8, 100])
  const settings = { ...defaultAutoscalerSettings, downscaleStabilizationSeconds: 60 }
  t.equal(stabilize(specOf(), 3, 5, past, now, settings).replicas, 3)
  t.equal(remember(specOf(), past, now, settings).recommendations.length, 0)
  const own = specOf({ scaleDown: { stabilizationWindowSeconds: 200 } })
  t.equal(stabilize(own, 3, 5, past, now, settings).replicas, 8, 'its own comes first')
})

t.test('the delays of old: so long after a change there is none', async (t) => {
  const old: AutoscalerSettings = { ...defaultAutoscalerSettings, upscaleDelaySeconds: 180, downscaleDelaySeconds: 300 }
  const delay = (secondsAgo: number | undefined, settings = old, behavior?: HorizontalPodAutoscalerBehavior) => {
    const scaled = secondsAgo === undefined ? {} : { lastScaleTime: new Date(now - secondsAgo * 1000).toISOString() }
    const found = delayOf(
      { spec: specOf(behavior), status: { desiredReplicas: 1, currentMetrics: [], ...scaled } },
      now,
      settings,
    )
    return found && [found.up, found.down, found.reason]
  }
  const cases: readonly (readonly [secondsAgo: number | undefined, expected: ReturnType<typeof delay>])[] = [
    [undefined, undefined],
    [10, [true, true, 'BackoffBoth']],
    [180, [true, true, 'BackoffBoth']],
    [181, [false, true, 'BackoffDownscale']],
    [301, undefined],
  ]
  for (const [seconds, expected] of cases) t.same(delay(seconds), expected, String(seconds))
  t.equal(delay(10, defaultAutoscalerSettings), undefined, 'none by default')
  t.same(delay(10, { ...old, downscaleDelaySeconds: 0 }), [true, false, 'BackoffUpscale'])
  const behavior = { scaleUp: { stabilizationWindowSeconds: 0 } }
  t.same(delay(10, old, behavior), [false, true, 'BackoffDownscale'], 'its own rules come first')
})
