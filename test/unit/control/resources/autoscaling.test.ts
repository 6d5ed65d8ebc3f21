/** HorizontalPodAutoscalers: kept as v2, shown in four versions, and nothing lost on the way. */
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { horizontalPodAutoscaler } from '../../../../src/control/resources/autoscaling/horizontal-pod-autoscaler.ts'
import { inAllVersions, inVersion, schemaTypeOf, toStored } from '../../../../src/control/resources/definition.ts'
import { decode } from '../../../../src/control/schema/decode.ts'
import { columnsOf, createCase, type Refusal, reasonsOf, refusals } from '../../../support/kind-case.ts'

const v2 = 'autoscaling/v2 horizontalpodautoscalers'
const v1 = 'autoscaling/v1 horizontalpodautoscalers'
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const withSpec = (spec: object): object => ({ spec: { scaleTargetRef, maxReplicas: 5, ...spec } })
const metric = { name: 'hits', selector: { matchLabels: { a: 'b' } } }
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }
const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } }
const podsMetric = { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '10' } } }
const others = [
  memory,
  podsMetric,
  {
    type: 'Object',
    object: { describedObject: scaleTargetRef, metric: { name: 'm' }, target: { type: 'Value', value: '100' } },
  },
  {
    type: 'Object',
    object: { describedObject: scaleTargetRef, metric, target: { type: 'AverageValue', averageValue: '7' } },
  },
  { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '500m' } } },
  {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 5 } },
  },
]
const behavior = {
  scaleUp: {
    ...{ stabilizationWindowSeconds: 0, selectPolicy: 'Max', tolerance: '50m' },
    policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }],
  },
  scaleDown: { selectPolicy: 'Disabled', policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] },
}
const status = {
  ...{ currentReplicas: 2, desiredReplicas: 3, observedGeneration: 4 },
  currentMetrics: [
    { type: 'Pods', pods: { metric, current: { averageValue: '3' } } },
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 20, averageValue: '100m' } } },
  ],
  conditions: [{ type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale', observedGeneration: 4 }],
}

t.test('an autoscaler gets its defaults', async (t) => {
  const { body } = await createCase(v2, withSpec({ behavior: { scaleDown: { selectPolicy: 'Min' } } }))
  t.strictSame(body['spec'], {
    ...{ scaleTargetRef, minReplicas: 1, maxReplicas: 5, metrics: [cpu] },
    behavior: {
      scaleUp: {
        ...{ stabilizationWindowSeconds: 0, selectPolicy: 'Max' },
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    },
  })
  t.strictSame(body['status'], { desiredReplicas: 0, currentMetrics: [] })
})

t.test('an autoscaler is refused, field by field', async (t) => {
  const withMetric = (each: object) => withSpec({ metrics: [each] })
  const resource = (target: object) => withMetric({ type: 'Resource', resource: { name: 'cpu', target } })
  const scaleUp = (rules: object) => withSpec({ behavior: { scaleUp: rules } })
  const target = 'spec.metrics[0].resource.target'
  const up = 'spec.behavior.scaleUp'
  const cases: readonly Refusal[] = [
    [withSpec({ minReplicas: 0 }), 'spec.minReplicas FieldValueInvalid', 'spec.metrics FieldValueForbidden'],
    [withSpec({ maxReplicas: 0 }), 'spec.maxReplicas FieldValueInvalid', 'spec.maxReplicas FieldValueInvalid'],
    [withSpec({ minReplicas: 6 }), 'spec.maxReplicas FieldValueInvalid'],
    [
      withSpec({ scaleTargetRef: {} }),
      ...['spec.scaleTargetRef.kind FieldValueRequired', 'spec.scaleTargetRef.name FieldValueRequired'],
    ],
    [withSpec({ scaleTargetRef: { kind: 'A', name: 'a/b' } }), 'spec.scaleTargetRef.name FieldValueInvalid'],
    [withMetric({ type: 'Pods' }), 'spec.metrics[0].pods FieldValueRequired'],
    [withMetric({ ...cpu, pods: podsMetric.pods }), 'spec.metrics[0].pods FieldValueForbidden'],
    [withMetric({ type: 'constructor' }), 'spec.metrics[0].type FieldValueNotSupported'],
    [resource({ type: 'Utilization' }), `${target}.averageUtilization FieldValueRequired`],
    [resource({ type: 'Some', averageUtilization: 1 }), `${target}.type FieldValueInvalid`],
    [resource({ type: 'Utilization', averageUtilization: -1 }), `${target}.averageUtilization FieldValueInvalid`],
    [resource({ type: 'AverageValue', averageValue: '-1' }), `${target}.averageValue FieldValueInvalid`],
    [scaleUp({ stabilizationWindowSeconds: 3601 }), `${up}.stabilizationWindowSeconds FieldValueInvalid`],
    [scaleUp({ selectPolicy: 'Some' }), `${up}.selectPolicy FieldValueNotSupported`],
    [
      scaleUp({ policies: [{ type: 'Some', value: 0, periodSeconds: 1801 }] }),
      `${up}.policies[0].type FieldValueNotSupported`,
      ...[`${up}.policies[0].value FieldValueInvalid`, `${up}.policies[0].periodSeconds FieldValueInvalid`],
    ],
  ]
  t.strictSame(
    await refusals(v2, cases),
    cases.map(([, ...wanted]) => wanted),
  )
})

t.test('every version shows a whole object, and gives back what it was shown', async (t) => {
  const [, ...rows] = inAllVersions(horizontalPodAutoscaler)
  t.strictSame(
    rows.map(({ version }) => version),
    ['v1', 'v2beta1', 'v2beta2'],
  )
  const metadata = { name: 'x', annotations: { mine: 'kept' } }
  for (const metrics of [[cpu], others, [...others, cpu]])
    for (const more of [{}, { behavior }, { behavior: { scaleDown: behavior.scaleDown } }])
      for (const each of [{ desiredReplicas: 0, currentMetrics: [], currentReplicas: 0 }, status])
        for (const row of rows) {
          const kept = {
            ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata },
            ...{ spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 5, metrics, ...more }, status: each },
          }
          const shown = inVersion(row, kept as KubeObject)
          const { value, unknown } = decode(JSON.parse(JSON.stringify(shown)), row.kind, schemaTypeOf(row))
          t.strictSame(unknown, [], `${row.version} shows only what it has`)
          const back = toStored(row, value as unknown as KubeObject)
          const plain = JSON.parse(JSON.stringify({ ...back, apiVersion: 'autoscaling/v2' }))
          t.strictSame(plain, kept, `${row.version} ${JSON.stringify(kept).slice(0, 200)}`)
        }
})

t.test('v1 shows the CPU as fields and the rest as annotations', async (t) => {
  const { api, path } = await createCase(v2, withSpec({ metrics: [cpu, memory], behavior }))
  const old = path.replace('/v2/', '/v1/')
  const { body } = await api.request('GET', old)
  t.match(body, { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 80 } })
  const annotations = body['metadata']?.['annotations'] as unknown as Readonly<Record<string, string>>
  t.strictSame(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/metrics'] ?? ''), [
    { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
  ])
  t.match(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/behavior'] ?? ''), {
    ScaleDown: { SelectPolicy: 'Disabled', Policies: [{ Type: 'Percent', Value: 10, PeriodSeconds: 60 }] },
  })
  const contentType = 'application/merge-patch+json'
  const change = { spec: { targetCPUUtilizationPercentage: 50 } }
  t.equal((await api.request('PATCH', old, { body: change, contentType })).code, 200)
  const { body: kept } = await api.request('GET', path)
  t.match(kept['spec'], { metrics: [memory, { resource: { target: { averageUtilization: 50 } } }] })
  t.strictSame([kept['spec']?.['behavior'], kept['metadata']?.['annotations']], [behavior, undefined])
  const bare = await createCase(v1, { spec: { scaleTargetRef, maxReplicas: 2 } })
  t.match(bare.body['spec'], { minReplicas: 1, targetCPUUtilizationPercentage: 80 })
})

t.test('what comes in annotations is held to the same forms', async (t) => {
  const carried = (name: string, text: string) => ({
    metadata: { name: 'x', annotations: { [`autoscaling.alpha.kubernetes.io/${name}`]: text } },
    ...withSpec({}),
  })
  const pods = (metricName: string) => JSON.stringify([{ type: 'Pods', pods: { metricName, targetAverageValue: '1' } }])
  t.strictSame(reasonsOf((await createCase(v1, carried('metrics', pods('a\nb')), 422)).body), [
    'spec.metrics[0].pods.metric.name FieldValueInvalid',
  ])
  for (const text of ['', '{', '[null]', '[1]', '{"a":1}', '"x"', '[{"type":1}]', '['.repeat(5000)])
    for (const name of ['metrics', 'current-metrics', 'conditions', 'behavior']) {
      const { body } = await createCase(v1, carried(name, text))
      t.match(body['spec'], { targetCPUUtilizationPercentage: 80 }, `${name} ${text.slice(0, 20)}`)
    }
})

t.test('the table shows what is measured and what is wanted', async (t) => {
  for (const version of ['v1', 'v2', 'v2beta1', 'v2beta2'])
    t.strictSame(await columnsOf(`autoscaling/${version} horizontalpodautoscalers`), [
      ...['Name string name 0', 'Reference string - 0', 'Targets string - 0', 'MinPods string - 0'],
      ...['MaxPods string - 0', 'Replicas string - 0', 'Age string - 0'],
    ])
  const { row, patch } = await createCase(v2, withSpec({ metrics: [others[1], cpu, ...others.slice(2)] }))
  t.match(await row(), { Reference: 'Deployment/web', MinPods: '1', MaxPods: 5, Replicas: 0 })
  t.match(await patch({ status }, 'status'), { code: 200, body: { status } })
  t.match(await row(), { Targets: '3/10, 20%/80% + 4 more...', Replicas: 2 })
  const average = await createCase(v2, withSpec({ metrics: [others[3], others[4]] }))
  t.match(await average.row(), { Targets: '<unknown>/7 (avg), <unknown>/500m (avg)' })
})
