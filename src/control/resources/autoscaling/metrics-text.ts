import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'

const shown = 2
const unknown = '<unknown>'

interface Measure {
  readonly target?: MetricTarget | undefined
  readonly current?: MetricValueStatus | undefined
  /** By value, a mean is told as such; by utilization, there is no value but the mean. */
  readonly by: 'value' | 'mean' | 'utilization'
}

const measureOf = (spec: MetricSpec, status: MetricStatus | undefined): Measure | undefined => {
  switch (spec.type) {
    case 'External':
      return { by: 'value', target: spec.external?.target, current: status?.external?.current }
    case 'Object':
      return { by: 'value', target: spec.object?.target, current: status?.object?.current }
    case 'Pods':
      return { by: 'mean', target: spec.pods?.target, current: status?.pods?.current }
    case 'Resource':
      return { by: 'utilization', target: spec.resource?.target, current: status?.resource?.current }
    case 'ContainerResource':
      return { by: 'utilization', target: spec.containerResource?.target, current: status?.containerResource?.current }
    default:
      return undefined
  }
}

const percent = (value: number | undefined, missing: string): string => (value === undefined ? missing : `${value}%`)

const textOf = (measure: Measure | undefined): string => {
  if (!measure) return '<unknown type>'
  const { by, target, current } = measure
  if (target?.averageValue !== undefined || by === 'mean')
    return `${current?.averageValue ?? unknown}/${target?.averageValue ?? unknown}${by === 'value' ? ' (avg)' : ''}`
  return by === 'value'
    ? `${current?.value ?? unknown}/${target?.value ?? unknown}`
    : `${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, '<auto>')}`
}

/** What is measured and what is wanted: `20%/50%, 3/10 (avg) + 1 more...` */
export const metricsText = ({ spec, status }: HorizontalPodAutoscaler): string => {
  const texts = (spec.metrics ?? []).map((metric, at) => textOf(measureOf(metric, status?.currentMetrics?.[at])))
  if (texts.length === 0) return '<none>'
  const text = texts.slice(0, shown).join(', ')
  return texts.length > shown ? `${text} + ${texts.length - shown} more...` : text
}
