/** What makes a HorizontalPodAutoscaler unacceptable, with the field's path and Kubernetes' words. */
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingPolicy,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'
import { validateCounts } from '../apps/workload.ts'
import { checkLabel, checkPathSegment } from '../names.ts'

const segment = (value: string, field: string, detail = ''): FieldError[] => {
  if (!value) return [required(field, detail)]
  const message = checkPathSegment(value)
  return message === undefined ? [] : [invalidValue(field, value, message)]
}

const validateReference = ({ kind, name }: CrossVersionObjectReference, path: string): FieldError[] => [
  ...segment(kind, `${path}.kind`),
  ...segment(name, `${path}.name`),
]

const isPositive = (quantity: string): boolean => (parseQuantity(quantity) ?? 0n) > 0n

const validateTarget = (target: MetricTarget, path: string): FieldError[] => {
  const { type, averageUtilization } = target
  return [
    ...(type ? [] : [required(`${path}.type`, 'must specify a metric target type')]),
    ...(['Utilization', 'Value', 'AverageValue'].includes(type)
      ? []
      : [invalidValue(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
    ...(['value', 'averageValue'] as const).flatMap((name) => {
      const quantity = target[name]
      return quantity === undefined || isPositive(quantity)
        ? []
        : [invalidValue(`${path}.${name}`, quantity, 'must be positive')]
    }),
    ...(averageUtilization !== undefined && averageUtilization < 1
      ? [invalidValue(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0')]
      : []),
  ]
}

const validateIdentifier = ({ name }: MetricIdentifier, path: string): FieldError[] =>
  segment(name, `${path}.name`, 'must specify a metric name')

const validateUtilization = (target: MetricTarget, path: string): FieldError[] => {
  const { averageUtilization, averageValue } = target
  return [
    ...validateTarget(target, path),
    ...(averageUtilization === undefined && averageValue === undefined
      ? [required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')]
      : []),
    ...(averageUtilization !== undefined && averageValue !== undefined
      ? [forbiddenField(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')]
      : []),
  ]
}

/** In the order in which they are looked at. */
const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const
type Source = (typeof sources)[number]

const validators: { readonly [S in Source]: (source: NonNullable<MetricSpec[S]>, path: string) => FieldError[] } = {
  object: ({ describedObject, metric, target }, path) => [
    ...validateReference(describedObject, `${path}.describedObject`),
    ...validateIdentifier(metric, `${path}.metric`),
    ...validateTarget(target, `${path}.target`),
    ...(target.value === undefined && target.averageValue === undefined
      ? [required(`${path}.target.averageValue`, 'must set either a target value or averageValue')]
      : []),
  ],
  external: ({ metric, target }, path) => [
    ...validateIdentifier(metric, `${path}.metric`),
    ...validateTarget(target, `${path}.target`),
    ...(target.value === undefined && target.averageValue === undefined
      ? [required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target')]
      : []),
    ...(target.value !== undefined && target.averageValue !== undefined
      ? [forbiddenField(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target')]
      : []),
  ],
  pods: ({ metric, target }, path) => [
    ...validateIdentifier(metric, `${path}.metric`),
    ...validateTarget(target, `${path}.target`),
    ...(target.averageValue === undefined
      ? [required(`${path}.target.averageValue`, 'must specify a positive target averageValue')]
      : []),
  ],
  resource: ({ name, target }, path) => [
    ...(name ? [] : [required(`${path}.name`, 'must specify a resource name')]),
    ...validateUtilization(target, `${path}.target`),
  ],
  containerResource: ({ name, container, target }, path) => {
    const message = container ? checkLabel(container) : undefined
    return [
      ...(name ? [] : [required(`${path}.name`, 'must specify a resource name')]),
      ...(container ? [] : [required(`${path}.container`, 'must specify a container')]),
      ...(message === undefined ? [] : [invalidValue(`${path}.container`, container, message)]),
      ...validateUtilization(target, `${path}.target`),
    ]
  },
}

const validateSource = <S extends Source>(metric: MetricSpec, name: S, path: string): FieldError[] => {
  const source: MetricSpec[S] = metric[name]
  return source ? validators[name](source, `${path}.${name}`) : []
}

const types: Readonly<Record<string, Source>> = {
  ...({ ContainerResource: 'containerResource', External: 'external', Object: 'object' } as const),
  ...({ Pods: 'pods', Resource: 'resource' } as const),
}

const validateMetric = (metric: MetricSpec, path: string): FieldError[] => {
  const present = sources.filter((name) => metric[name] !== undefined)
  const expected = Object.hasOwn(types, metric.type) ? types[metric.type] : undefined
  const [first] = present
  return [
    ...(metric.type ? [] : [required(`${path}.type`, 'must specify a metric source type')]),
    ...(expected ? [] : [notSupported(`${path}.type`, metric.type, Object.keys(types))]),
    ...(first ? validateSource(metric, first, path) : []),
    ...(expected && metric[expected] === undefined
      ? [required(`${path}.${expected}`, 'must populate information for the given metric source')]
      : []),
    ...(present.length === 1
      ? []
      : present
          .filter((name) => name !== expected)
          .map((name) => forbiddenField(`${path}.${name}`, 'must populate the given metric source only'))),
  ]
}

const longestPeriod = 1800
const longestWindow = 3600

const validatePolicy = ({ type, value, periodSeconds }: HPAScalingPolicy, path: string): FieldError[] => [
  ...(['Percent', 'Pods'].includes(type) ? [] : [notSupported(`${path}.type`, type, ['Percent', 'Pods'])]),
  ...(value > 0 ? [] : [invalidValue(`${path}.value`, value, 'must be greater than zero')]),
  ...(periodSeconds > 0 ? [] : [invalidValue(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero')]),
  ...(periodSeconds > longestPeriod
    ? [invalidValue(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${longestPeriod}`)]
    : []),
]

const selections = ['Disabled', 'Max', 'Min']

const validateRules = (rules: HPAScalingRules | undefined, path: string): FieldError[] => {
  if (!rules) return []
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies = [], tolerance } = rules
  const field = `${path}.stabilizationWindowSeconds`
  return [
    ...(seconds !== undefined && seconds < 0
      ? [invalidValue(field, seconds, 'must be greater than or equal to zero')]
      : []),
    ...(seconds !== undefined && seconds > longestWindow
      ? [invalidValue(field, seconds, `must be less than or equal to ${longestWindow}`)]
      : []),
    ...(selectPolicy === undefined || selections.includes(selectPolicy)
      ? []
      : [notSupported(`${path}.selectPolicy`, selectPolicy, selections)]),
    ...(policies.length === 0 ? [required(`${path}.policies`, 'must specify at least one Policy')] : []),
    ...policies.flatMap((policy, at) => validatePolicy(policy, `${path}.policies[${at}]`)),
    ...(tolerance !== undefined && (parseQuantity(tolerance) ?? 0n) < 0n
      ? [invalidValue(`${path}.tolerance`, tolerance, 'must be greater than or equal to zero')]
      : []),
  ]
}

export const validateAutoscaler = ({ spec, status }: HorizontalPodAutoscaler): FieldError[] => {
  const { minReplicas, maxReplicas, scaleTargetRef, metrics = [], behavior } = spec
  return [
    ...(minReplicas !== undefined && minReplicas < 1
      ? [invalidValue('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')]
      : []),
    ...(maxReplicas < 1 ? [invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than 0')] : []),
    ...(minReplicas !== undefined && maxReplicas < minReplicas
      ? [invalidValue('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')]
      : []),
    ...validateReference(scaleTargetRef, 'spec.scaleTargetRef'),
    ...(minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')
      ? [
          forbiddenField(
            'spec.metrics',
            'must specify at least one Object or External metric to support scaling to zero replicas',
          ),
        ]
      : []),
    ...metrics.flatMap((metric, at) => validateMetric(metric, `spec.metrics[${at}]`)),
    ...validateRules(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...validateRules(behavior?.scaleDown, 'spec.behavior.scaleDown'),
    ...validateCounts(status, ['currentReplicas', 'desiredReplicas']),
  ]
}
