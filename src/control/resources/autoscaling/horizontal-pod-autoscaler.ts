import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define, withMetadata } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { withoutCarried } from './carried.ts'
import { v1, v2beta1, v2beta2 } from './conversions.ts'
import { metricsText } from './metrics-text.ts'
import { validateAutoscaler } from './validation.ts'

const defaultMetrics: readonly MetricSpec[] = [
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
]

const scaleUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
const scaleDown: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
}

export const horizontalPodAutoscaler = define<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  otherVersions: [
    { version: 'v1', convert: v1 },
    { version: 'v2beta1', convert: v2beta1 },
    { version: 'v2beta2', convert: v2beta2 },
  ],
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  kind: 'HorizontalPodAutoscaler',
  namespaced: true,
  shortNames: ['hpa'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  columns: [
    nameColumn,
    column('Reference', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`, 'What it scales'),
    column('Targets', metricsText, 'What is measured, and what is wanted'),
    column('MinPods', ({ spec }) => String(spec.minReplicas ?? '<unset>'), 'How many pods there are at least'),
    column('MaxPods', ({ spec }) => spec.maxReplicas, 'How many pods there are at most'),
    column('Replicas', ({ status }) => status?.currentReplicas ?? 0, 'How many pods there are'),
    ageColumn,
  ],
  defaults: (each) => {
    const { behavior, metrics = [] } = each.spec
    return {
      ...withMetadata(each, withoutCarried(each.metadata)),
      spec: {
        minReplicas: 1,
        ...each.spec,
        metrics: metrics.length === 0 ? defaultMetrics : metrics,
        ...(behavior
          ? {
              behavior: {
                scaleUp: { ...scaleUp, ...behavior.scaleUp },
                scaleDown: { ...scaleDown, ...behavior.scaleDown },
              },
            }
          : {}),
      },
    }
  },
  onCreate: (each) => ({ ...each, status: { desiredReplicas: 0, currentMetrics: [] } }),
  validate: validateAutoscaler,
})
