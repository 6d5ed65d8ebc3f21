/**
 * The older versions of a HorizontalPodAutoscaler. v2beta2 is v2 but for what came later; v2beta1 tells of metrics in
 * another shape and nothing of behaviour; v1 knows of the CPU alone. The rest goes along in annotations.
 */
import { deepEqual } from '../../../api/deep-equal.ts'
import type { KubeObject } from '../../../api/types/index.ts'
import type { HorizontalPodAutoscaler as V1 } from '../../../api/types/kubernetes/autoscaling-v1.ts'
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  HPAScalingRules,
  MetricSpec,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'
import { conversion } from '../conversion.ts'
import { type Carried, carriedList, carriedObject, withCarried, withLargeKeys, withoutCarried } from './carried.ts'
import { fromLegacySpec, fromLegacyStatus, type Legacy, toLegacySpec, toLegacyStatus } from './legacy-metrics.ts'

type Kept = HorizontalPodAutoscaler

const behaviorType = 'autoscaling/v2.HorizontalPodAutoscalerBehavior'
const conditionType = 'autoscaling/v2.HorizontalPodAutoscalerCondition'
const legacySpecType = 'autoscaling/v2beta1.MetricSpec'
const legacyStatusType = 'autoscaling/v2beta1.MetricStatus'

const carriedBehavior = (object: KubeObject) =>
  carriedObject(object, 'behavior', behaviorType) as HorizontalPodAutoscalerBehavior | undefined
const carriedConditions = (object: KubeObject) =>
  carriedList(object, 'conditions', conditionType) as readonly HorizontalPodAutoscalerCondition[] | undefined

const withoutGeneration = ({ observedGeneration: _, ...condition }: HorizontalPodAutoscalerCondition) => condition

/** Only those conditions say less in an older version that say what they have seen. */
const conditionsToCarry = ({ status }: Kept) =>
  status.conditions?.some(({ observedGeneration }) => observedGeneration !== undefined) ? status.conditions : undefined

/** The betas show none as an empty list. */
const shownConditions = ({ status }: Kept) => (status.conditions ?? []).map(withoutGeneration)

/** A condition that has not been changed since has still seen what it had seen. */
const keptStatus = (shown: KubeObject, status: Kept['status']): Kept['status'] => {
  const { conditions = [], ...rest } = status
  const carried = carriedConditions(shown) ?? []
  if (conditions.length === 0) return rest
  const seen = (condition: HorizontalPodAutoscalerCondition) =>
    carried.find((each) => deepEqual(withoutGeneration(each), condition)) ?? condition
  return { ...rest, conditions: conditions.map(seen) }
}

const withoutTolerance = (rules: HPAScalingRules | undefined) => {
  if (!rules) return undefined
  const { tolerance: _, ...rest } = rules
  return rest
}

const withTolerance = (rules: HPAScalingRules | undefined, from: HPAScalingRules | undefined) =>
  rules && from?.tolerance !== undefined ? { ...rules, tolerance: from.tolerance } : rules

/** The two sides of a behaviour, those that there are. */
const bothSides = (
  { scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior,
  change: (rules: HPAScalingRules | undefined, side: 'scaleUp' | 'scaleDown') => HPAScalingRules | undefined,
): HorizontalPodAutoscalerBehavior => {
  const [up, down] = [change(scaleUp, 'scaleUp'), change(scaleDown, 'scaleDown')]
  return { ...(up ? { scaleUp: up } : {}), ...(down ? { scaleDown: down } : {}) }
}

const given = (behavior: HorizontalPodAutoscalerBehavior | undefined) =>
  behavior && (behavior.scaleUp || behavior.scaleDown) ? { behavior } : {}

const carry = <T extends KubeObject>(object: T, carried: Carried): T => ({
  ...object,
  metadata: withCarried(object.metadata, carried),
})
const clean = <T extends KubeObject>(object: T): T => ({ ...object, metadata: withoutCarried(object.metadata) })

export const v2beta2 = conversion<Kept, Kept>({
  fromStored: (kept) => {
    const { behavior } = kept.spec
    const isTolerant = [behavior?.scaleUp, behavior?.scaleDown].some((rules) => rules?.tolerance !== undefined)
    const shown = {
      ...kept,
      spec: { ...kept.spec, ...(behavior ? { behavior: bothSides(behavior, withoutTolerance) } : {}) },
      status: { currentReplicas: 0, ...kept.status, conditions: shownConditions(kept) },
    }
    return carry(shown, {
      behavior: isTolerant ? withLargeKeys(behavior) : undefined,
      conditions: conditionsToCarry(kept),
    })
  },
  toStored: (shown) => {
    const { behavior } = shown.spec
    const carried = carriedBehavior(shown)
    return clean({
      ...shown,
      spec: {
        ...shown.spec,
        ...(behavior ? { behavior: bothSides(behavior, (rules, side) => withTolerance(rules, carried?.[side])) } : {}),
      },
      status: keptStatus(shown, shown.status),
    })
  },
})

interface Beta1 extends KubeObject {
  readonly spec: Omit<Kept['spec'], 'metrics' | 'behavior'> & { readonly metrics?: readonly Legacy[] }
  readonly status: Omit<Kept['status'], 'currentMetrics'> & { readonly currentMetrics?: readonly Legacy[] }
}

export const v2beta1 = conversion<Beta1, Kept>({
  fromStored: (kept) => {
    const { behavior, metrics, ...spec } = kept.spec
    const shown = {
      ...kept,
      spec: { ...spec, ...(metrics ? { metrics: metrics.map(toLegacySpec) } : {}) },
      status: {
        currentReplicas: 0,
        ...kept.status,
        conditions: shownConditions(kept),
        currentMetrics: (kept.status.currentMetrics ?? []).map(toLegacyStatus),
      },
    }
    return carry(shown, { behavior: withLargeKeys(behavior), conditions: conditionsToCarry(kept) })
  },
  toStored: (shown) => {
    const { metrics, ...spec } = shown.spec
    const status = { ...shown.status, currentMetrics: (shown.status.currentMetrics ?? []).map(fromLegacyStatus) }
    return clean({
      ...shown,
      spec: { ...spec, ...(metrics ? { metrics: metrics.map(fromLegacySpec) } : {}), ...given(carriedBehavior(shown)) },
      status: keptStatus(shown, status),
    })
  },
})

const isCpu = ({ type, resource }: MetricSpec): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined

const currentCpu = ({ status }: Kept): number | undefined =>
  status.currentMetrics?.find(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu')?.resource
    ?.current.averageUtilization

export const v1 = conversion<V1, Kept>({
  fromStored: (kept) => {
    const { behavior, metrics = [], ...spec } = kept.spec
    const { currentMetrics = [], conditions, currentReplicas = 0, ...status } = kept.status
    const cpu = metrics.find(isCpu)
    const percent = cpu?.resource?.target.averageUtilization
    const current = currentCpu(kept)
    const shown = {
      ...kept,
      spec: { ...spec, ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }) },
      status: {
        ...status,
        currentReplicas,
        ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
      },
    }
    return carry(shown, {
      metrics: metrics.filter((metric) => metric !== cpu).map(toLegacySpec),
      'current-metrics': currentMetrics.map(toLegacyStatus),
      conditions,
      behavior: withLargeKeys(behavior),
    })
  },
  toStored: (shown) => {
    const { targetCPUUtilizationPercentage: percent, ...spec } = shown.spec
    const { currentCPUUtilizationPercentage: current, ...status } = shown.status
    const others = (carriedList(shown, 'metrics', legacySpecType) ?? []) as readonly Legacy[]
    const statuses = carriedList(shown, 'current-metrics', legacyStatusType) as readonly Legacy[] | undefined
    const conditions = carriedConditions(shown)
    const metrics = [
      ...others.map(fromLegacySpec),
      ...(percent === undefined
        ? []
        : [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } },
            },
          ]),
    ]
    const onlyCpu =
      current === undefined
        ? []
        : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }]
    return clean({
      ...shown,
      spec: { ...spec, ...(metrics.length > 0 ? { metrics } : {}), ...given(carriedBehavior(shown)) },
      status: {
        ...status,
        currentMetrics: statuses ? statuses.map(fromLegacyStatus) : onlyCpu,
        ...(conditions ? { conditions } : {}),
      },
    })
  },
})
