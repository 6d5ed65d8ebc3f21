/** An autoscaler over the real API; the test plays the metrics APIs and has the time in its hand. */
import t from 'tap'
import { createFakeClock, formatTime } from '../../../../../src/api/clock.ts'
import { notFound } from '../../../../../src/api/errors.ts'
import {
  customResourceDefinitions,
  deployments,
  events,
  horizontalPodAutoscalers,
  type Resource,
} from '../../../../../src/api/resources.ts'
import type { KubeObject } from '../../../../../src/api/types/index.ts'
import type { HorizontalPodAutoscaler } from '../../../../../src/api/types/kubernetes/autoscaling-v2.ts'
import { createAutoscalerController } from '../../../../../src/control/controllers/autoscaler/autoscaler.ts'
import {
  type AutoscalerSettings,
  defaultAutoscalerSettings,
} from '../../../../../src/control/controllers/autoscaler-settings.ts'
import type { CreateController } from '../../../../../src/control/controllers/controller.ts'
import { startControlPlane } from '../../../../support/control-plane.ts'
import { until } from '../../../../support/until.ts'

t.setTimeout(120_000)

const inDefault = (name: string) => ({ name, namespace: 'default' })
const labels = { app: 'web' }

const start = async (
  t: Parameters<typeof startControlPlane>[0],
  spec: object,
  replicas = 1,
  settings: Partial<AutoscalerSettings> = {},
) => {
  const clock = createFakeClock(Date.now())
  /** In thousandths of a CPU for each pod; undefined: nobody measures. */
  let usage: number | undefined
  /** By path. */
  const pages = new Map<string, unknown>()
  const asked: string[] = []
  const create: CreateController = (context) => {
    const read = async (path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> => {
      asked.push([path, ...Object.values(query)].join(' '))
      if (pages.has(path)) return pages.get(path)
      if (path !== '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods')
        throw notFound({ group: '', plural: 'x' }, path)
      const found = usage === undefined ? [] : await plane.podList(query['labelSelector'])
      const items = found.map(({ metadata }) => ({
        metadata: { name: metadata.name },
        timestamp: formatTime(clock.now()),
        window: '10s',
        containers: [{ name: 'main', usage: { cpu: `${usage}m`, memory: '1Mi' } }],
      }))
      return { items }
    }
    return createAutoscalerController({ ...context, client: { ...context.client, read } })
  }
  const plane = await startControlPlane(t, {
    clock,
    more: [create],
    autoscaler: { ...defaultAutoscalerSettings, ...settings },
    disabled: ['horizontal-pod-autoscaler-controller'],
  })
  const { client } = plane
  await plane.addNode('n1')
  await client.create(deployments, {
    metadata: inDefault('web'),
    spec: {
      ...{ replicas, selector: { matchLabels: labels } },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'echo', resources: { requests: { cpu: '100m' } } }] },
      },
    },
  })
  const { code, warnings } = await plane.request(
    'POST',
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    {
      body: {
        metadata: { name: 'h' },
        spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 4, ...spec },
      },
    },
  )
  t.same([code, warnings], [201, []])
  const get = (): Promise<HorizontalPodAutoscaler> => client.get(horizontalPodAutoscalers, 'h', 'default')
  return {
    client,
    get,
    pages,
    asked,
    use: (milli: number | undefined) => {
      usage = milli
    },
    pass: (seconds: number) => clock.advance(seconds * 1000),
    /** A second for each look. */
    becomes: (condition: () => Promise<boolean>, what: string) =>
      until(() => {
        clock.advance(1_000)
        return condition()
      }, what),
    ready: async () => (await client.get(deployments, 'web', 'default')).status?.readyReplicas ?? 0,
    condition: async (type: string) => (await get()).status.conditions?.find((each) => each.type === type),
    texts: async () =>
      (await client.list(events, { namespace: 'default' })).items
        .filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
        .map(({ reason, message }) => `${reason}: ${message}`),
  }
}

t.test('from one to four and back', async (t) => {
  const plane = await start(t, {})
  await plane.becomes(async () => (await plane.ready()) === 1, 'a pod')
  plane.use(100)
  // What a pod burns while it starts does not count.
  plane.pass(320)
  await plane.becomes(async () => (await plane.ready()) === 2, 'the second')
  t.match((await plane.get()).status, { lastScaleTime: /^20/ })
  plane.pass(320)
  await plane.becomes(async () => (await plane.ready()) >= 3, 'the third')
  plane.pass(320)
  await plane.becomes(async () => (await plane.ready()) === 4, 'the fourth')
  await plane.becomes(async () => (await plane.condition('ScalingLimited'))?.reason === 'TooManyReplicas', 'the limit')
  t.match((await plane.get()).status, {
    ...{ currentReplicas: 4, desiredReplicas: 4 },
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 100, averageValue: '100m' } } },
    ],
  })
  plane.use(1)
  await plane.becomes(async () => (await plane.condition('AbleToScale'))?.reason === 'ScaleDownStabilized', 'the wait')
  t.equal(await plane.ready(), 4)
  await plane.becomes(async () => (await plane.ready()) === 1, 'the way back')
  const texts = await plane.texts()
  for (const text of [
    'SuccessfulRescale: New size: 2; reason: cpu resource utilization (percentage of request) above target',
    'SuccessfulRescale: New size: 1; reason: All metrics below target',
  ])
    t.ok(texts.includes(text), text)
})

t.test('nothing is measured', async (t) => {
  const plane = await start(t, {})
  await plane.becomes(async () => (await plane.ready()) === 1, 'a pod')
  await plane.becomes(async () => (await plane.condition('ScalingActive'))?.status === 'False', 'the condition')
  t.match(await plane.condition('ScalingActive'), {
    reason: 'FailedGetResourceMetric',
    message:
      'the HPA was unable to compute the replica count: failed to get cpu utilization: no metrics returned from resource metrics API',
  })
  t.match(await plane.condition('AbleToScale'), { status: 'True', reason: 'SucceededGetScale' })
  await plane.becomes(
    async () =>
      (await plane.texts()).some((text) => text.startsWith('FailedComputeMetricsReplicas: invalid metrics (1 ')),
    'the Event',
  )
  t.equal(await plane.ready(), 1)
})

t.test('bounds, and what is scaled to none', async (t) => {
  const plane = await start(t, { minReplicas: 2, maxReplicas: 3 }, 5)
  await plane.becomes(async () => (await plane.ready()) === 3, 'the most')
  t.ok(
    (await plane.texts()).includes(
      'SuccessfulRescale: New size: 3; reason: Current number of replicas above Spec.MaxReplicas',
    ),
  )
  await plane.client.patch(deployments, { metadata: inDefault('web') }, { spec: { replicas: 1 } })
  await plane.becomes(async () => (await plane.ready()) === 2, 'the least')
  await plane.client.patch(deployments, { metadata: inDefault('web') }, { spec: { replicas: 0 } })
  await plane.becomes(
    async () => (await plane.condition('ScalingActive'))?.reason === 'ScalingDisabled',
    'the condition',
  )
  t.equal((await plane.client.get(deployments, 'web', 'default')).spec.replicas, 0)
})

t.test('a target that is not there', async (t) => {
  const plane = await start(t, { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gone' } })
  await plane.becomes(async () => (await plane.condition('AbleToScale'))?.reason === 'FailedGetScale', 'the condition')
})

t.test('metrics of others: the one that asks for most decides', async (t) => {
  const metric = (name: string) => ({ metric: { name } })
  const plane = await start(t, {
    maxReplicas: 9,
    metrics: [
      { type: 'Pods', pods: { ...metric('rps'), target: { type: 'AverageValue', averageValue: '10' } } },
      { type: 'External', external: { ...metric('queue'), target: { type: 'AverageValue', averageValue: '5' } } },
      {
        type: 'Object',
        object: {
          ...metric('hits'),
          describedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          target: { type: 'Value', value: '100' },
        },
      },
    ],
  })
  plane.pages.set('/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue', {
    items: [{ value: '9' }, { value: '5500m' }, 'no item', { value: {} }],
  })
  plane.pages.set('/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/deployments.apps/web/hits', {
    items: [{ value: '150' }],
  })
  await plane.becomes(async () => (await plane.ready()) === 3, 'as many as the queue asks for')
  t.ok((await plane.texts()).includes('SuccessfulRescale: New size: 3; reason: external metric queue above target'))
  t.match((await plane.get()).status.currentMetrics, [
    { type: 'External', external: { metric: { name: 'queue' } } },
    { type: 'Object', object: { metric: { name: 'hits' }, current: { value: '150' } } },
  ])
  t.ok(plane.asked.includes('/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/rps app=web'))
})

t.test('a kind of users whose selector is none', async (t) => {
  const group = 'example.com'
  const plane = await start(t, { scaleTargetRef: { apiVersion: `${group}/v1`, kind: 'Fleet', name: 'f' } })
  const scale = {
    ...{ specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
    labelSelectorPath: '.spec.selector',
  }
  const names = { plural: 'fleets', kind: 'Fleet' }
  await plane.client.create(customResourceDefinitions, {
    metadata: { name: `fleets.${group}` },
    spec: {
      ...{ group, names, scope: 'Namespaced' },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true, subresources: { scale } },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
    status: { conditions: [], acceptedNames: names, storedVersions: ['v1'] },
  })
  interface Fleet extends KubeObject {
    readonly spec: { readonly size: number; readonly selector: string }
  }
  const fleets: Resource<Fleet> = { group, version: 'v1', plural: 'fleets', kind: 'Fleet', namespaced: true }
  const fleet = { metadata: inDefault('f'), spec: { size: 1, selector: 'a b' } }
  await plane.becomes(
    () =>
      plane.client.create(fleets, fleet).then(
        () => true,
        () => false,
      ),
    'the kind',
  )
  await plane.becomes(async () => (await plane.condition('ScalingActive'))?.reason === 'InvalidSelector', 'the words')
  t.match(await plane.condition('AbleToScale'), { status: 'True', reason: 'SucceededGetScale' })
  t.ok((await plane.texts()).some((text) => text.startsWith("InvalidSelector: couldn't convert selector")))
})

t.test('periods as whoever runs it has set them', async (t) => {
  const settings = {
    syncPeriodSeconds: 5,
    upscaleDelaySeconds: 3600,
    cpuInitializationSeconds: 0,
    initialReadinessSeconds: 0,
  }
  const plane = await start(t, {}, 1, settings)
  await plane.becomes(async () => (await plane.ready()) === 1, 'a pod')
  plane.use(100)
  await plane.becomes(async () => (await plane.ready()) === 2, 'the second, though the first has just started')
  const isHeldBack = async () => (await plane.condition('AbleToScale'))?.reason === 'BackoffUpscale'
  await plane.becomes(isHeldBack, 'the wait after a change')
  t.match(await plane.condition('AbleToScale'), {
    ...{ status: 'False' },
    message: 'the time since the previous scale is still within the upscale forbidden window',
  })
  t.equal(await plane.ready(), 2)
  plane.pass(3600)
  await plane.becomes(async () => (await plane.ready()) >= 3, 'more after it')
})
