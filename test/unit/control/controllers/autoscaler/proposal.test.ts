/** How many pods metrics ask for, as tables: `a:300 b:500-new` are pods with what they use in thousandths. */
import t from 'tap'
import type { Pod } from '../../../../../src/api/types/index.ts'
import {
  type PodTarget,
  proposeByPods,
  proposeByTotal,
  requestsOf,
  type Sample,
  type StartTimes,
} from '../../../../../src/control/controllers/autoscaler/proposal.ts'
import { defaultAutoscalerSettings } from '../../../../../src/control/controllers/autoscaler-settings.ts'

const now = Date.UTC(2026, 0, 1)
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

/** `new`: started a minute ago, unready; `fresh`: ready since a second; `dead`: unready since its start; `pending`, `failed`, `going`; no number: not measured. */
const podOf = (text: string): { readonly pod: Pod; readonly sample: readonly [string, Sample][] } => {
  const [name = '', rest = ''] = text.split(':')
  const [number = '', ...marks] = rest.split('-')
  const has = (mark: string): boolean => marks.includes(mark)
  const isReady = !has('new') && !has('dead')
  return {
    pod: {
      ...{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [] } },
      metadata: { name, ...(has('going') ? { deletionTimestamp: ago(1) } : {}) },
      status: {
        phase: has('pending') ? 'Pending' : has('failed') ? 'Failed' : 'Running',
        startTime: ago(has('new') || has('fresh') ? 60 : 1000),
        conditions: [
          {
            ...{ type: 'Ready', status: isReady ? 'True' : 'False' },
            lastTransitionTime: ago(has('dead') ? 990 : has('fresh') ? 1 : has('new') ? 60 : 900),
          },
        ],
      },
    },
    sample: number === '' ? [] : [[name, { milli: Number(number), at: now, windowMs: 30_000 }]],
  }
}

const propose = (
  text: string,
  target: 'share' | 'amount',
  isCpu = true,
  startTimes: StartTimes = defaultAutoscalerSettings,
): string => {
  const parsed = text.split(' ').map(podOf)
  const pods = parsed.map(({ pod }) => pod)
  const requests = new Map(pods.map(({ metadata }) => [metadata.name, 1000]))
  const wanted: PodTarget = target === 'share' ? { utilization: 50, requests } : { average: 500 }
  const tolerance = { up: 0.1, down: 0.1 }
  const samples = new Map(parsed.flatMap(({ sample }) => sample))
  try {
    const found = proposeByPods({
      ...{ pods, samples, isCpu, tolerance, now },
      ...{ target: wanted, replicas: pods.length, startTimes },
    })
    const { averageUtilization, averageValue } = found.current
    return [found.replicas, averageUtilization === undefined ? averageValue : `${averageUtilization}%`].join(' ')
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}

t.test('by what pods use', async (t) => {
  const cases: readonly [name: string, pods: string, share: string, amount?: string][] = [
    ['as wanted', 'a:500 b:500', '2 50%', '2 500m'],
    ['nearly', 'a:540 b:540', '2 54%', '2 540m'],
    ['twice', 'a:1000 b:1000', '4 100%', '4 1'],
    ['a little more', 'a:600 b:600', '3 60%', '3 600m'],
    ['half', 'a:250 b:250 c:250 d:250', '2 25%', '2 250m'],
    ['nothing', 'a:0 b:0', '0 0%', '0 0'],
    ['one that is not measured, up: idle', 'a:1000 b:', '2 100%', '2 1'],
    ['much more: idle all the same', 'a:2000 b:', '4 200%', '4 2'],
    ['one that is not measured, down: at its request', 'a:100 b:100 c:100 d:', '3 10%'],
    ['one that starts, up: idle', 'a:1000 b:5000-new', '2 100%', '2 1'],
    ['one that starts, down: not there', 'a:250 b:250 c:5000-new', '1 25%', '1 250m'],
    ['one that has just become ready', 'a:1000 b:5000-fresh', '2 100%'],
    ['one that was never ready', 'a:250 b:250 c:5000-dead', '1 25%'],
    ['one that waits for a node', 'a:1000 b:-pending', '2 100%'],
    ['one that goes, or has failed', 'a:1000 b:9000-going c:9000-failed', '2 100%'],
  ]
  for (const [name, pods, share, amount] of cases) {
    t.equal(propose(pods, 'share'), share, `${name}: ${pods}`)
    if (amount !== undefined) t.equal(propose(pods, 'amount'), amount, `${name}: ${pods}`)
  }
  t.equal(propose('a:1000 b:1000-new', 'share', false), '4 100%', 'memory counts from the start')
  t.equal(propose('a:-pending', 'share'), 'did not receive metrics for any ready pods')
})

t.test('how long pods take to start is a setting', async (t) => {
  const quick = { cpuInitializationSeconds: 30, initialReadinessSeconds: 5 }
  t.equal(propose('a:1000 b:1000-fresh', 'share', true, quick), '4 100%', 'it has started')
  t.equal(propose('a:250 b:250 c:5000-dead', 'share', true, quick), '11 183%', 'it was ready once')
})

t.test('by a number that is not of pods', async (t) => {
  const pods = 'a:1 b:1 c:1-dead'.split(' ').map((text) => podOf(text).pod)
  const common = { pods, replicas: 3, observed: 3, tolerance: { up: 0.1, down: 0.1 } }
  const value = (milli: number, more: object = {}) =>
    proposeByTotal({ ...common, milli, target: { value: 10_000 }, ...more })
  t.same(value(10_500), { replicas: 3, current: { value: '10500m' } }, 'nearly')
  t.same(value(20_000), { replicas: 4, current: { value: '20' } }, 'by those that are ready')
  t.equal(value(20_000, { replicas: 0 }).replicas, 2, 'from none')
  t.equal(value(0, { replicas: 0 }).replicas, 0)
  const average = (milli: number) => proposeByTotal({ ...common, milli, target: { average: 10_000 } })
  t.same(average(31_000), { replicas: 3, current: { averageValue: '10334m' } })
  t.equal(average(41_000).replicas, 5)
  t.equal(average(9_000).replicas, 1)
})

t.test('what pods request', async (t) => {
  const container = (name: string, cpu?: string) => ({
    name,
    ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }),
  })
  const pod = (...containers: readonly ReturnType<typeof container>[]): Pod => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers } },
  })
  t.same([...requestsOf([pod(container('a', '1'), container('b', '250m'))], 'cpu', undefined)], [['p', 1250]])
  t.same([...requestsOf([pod(container('a', '1'), container('b'))], 'cpu', 'a')], [['p', 1000]])
  t.throws(() => requestsOf([pod(container('a', '1'), container('b'))], 'cpu', undefined), {
    message: 'missing request for cpu in container b of Pod p',
  })
})
