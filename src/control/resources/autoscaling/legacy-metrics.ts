/** Metrics in the shape of v2beta1, which v1 carries in its annotations, too: one field for each way to name a number. */

import type { LabelSelector } from '../../../api/types/index.ts'
import type {
  CrossVersionObjectReference,
  MetricSpec,
  MetricStatus,
  MetricTarget,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'

interface LegacySource {
  readonly name?: string
  readonly container?: string
  readonly target?: CrossVersionObjectReference
  readonly metricName?: string
  readonly metricSelector?: LabelSelector
  readonly selector?: LabelSelector
  readonly targetValue?: string
  readonly targetAverageValue?: string
  readonly targetAverageUtilization?: number
  readonly averageValue?: string
  readonly currentValue?: string
  readonly currentAverageValue?: string
  readonly currentAverageUtilization?: number
}

export interface Legacy {
  readonly type: string
  readonly object?: LegacySource
  readonly pods?: LegacySource
  readonly resource?: LegacySource
  readonly containerResource?: LegacySource
  readonly external?: LegacySource
}

/** Without what is not there. */
const some = <T extends object>(fields: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: Exclude<T[K], undefined>
  }

const nothing = '0'
const noReference: CrossVersionObjectReference = { kind: '', name: '' }

/** A number that has to be there has stood for none. */
const unlessNothing = (quantity: string | undefined, isOther: boolean): string | undefined =>
  isOther && quantity === nothing ? undefined : quantity

const utilization = (target: MetricTarget) => ({
  targetAverageUtilization: target.averageUtilization,
  targetAverageValue: target.averageValue,
})

export const toLegacySpec = ({ type, object, pods, resource, containerResource, external }: MetricSpec): Legacy =>
  some({
    type,
    object: object && {
      ...some({ target: object.describedObject, metricName: object.metric.name, selector: object.metric.selector }),
      ...some({ targetValue: object.target.value ?? nothing, averageValue: object.target.averageValue }),
    },
    pods:
      pods &&
      some({
        ...{ metricName: pods.metric.name, selector: pods.metric.selector },
        targetAverageValue: pods.target.averageValue ?? nothing,
      }),
    resource: resource && some({ name: resource.name, ...utilization(resource.target) }),
    containerResource:
      containerResource &&
      some({
        ...{ name: containerResource.name, container: containerResource.container },
        ...utilization(containerResource.target),
      }),
    external:
      external &&
      some({
        ...{ metricName: external.metric.name, metricSelector: external.metric.selector },
        ...{ targetValue: external.target.value, targetAverageValue: external.target.averageValue },
      }),
  }) as Legacy

const metricOf = (source: LegacySource, selector: LabelSelector | undefined) =>
  some({ name: source.metricName ?? '', selector })

const utilizationTarget = ({ targetAverageUtilization: percent, targetAverageValue }: LegacySource) =>
  some({
    type: percent === undefined ? 'AverageValue' : 'Utilization',
    ...{ averageUtilization: percent, averageValue: targetAverageValue },
  })

export const fromLegacySpec = ({ type, object, pods, resource, containerResource, external }: Legacy): MetricSpec =>
  some({
    type,
    object: object && {
      describedObject: object.target ?? noReference,
      metric: metricOf(object, object.selector),
      target: some({
        type: object.averageValue === undefined ? 'Value' : 'AverageValue',
        value: unlessNothing(object.targetValue, object.averageValue !== undefined),
        averageValue: object.averageValue,
      }),
    },
    pods: pods && {
      metric: metricOf(pods, pods.selector),
      target: some({ type: 'AverageValue', averageValue: pods.targetAverageValue }),
    },
    resource: resource && { name: resource.name ?? '', target: utilizationTarget(resource) },
    containerResource: containerResource && {
      ...{ name: containerResource.name ?? '', container: containerResource.container ?? '' },
      target: utilizationTarget(containerResource),
    },
    external: external && {
      metric: metricOf(external, external.metricSelector),
      target: some({
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        ...{ value: external.targetValue, averageValue: external.targetAverageValue },
      }),
    },
  }) as MetricSpec

export const toLegacyStatus = ({ type, object, pods, resource, containerResource, external }: MetricStatus): Legacy =>
  some({
    type,
    object: object && {
      ...some({ target: object.describedObject, metricName: object.metric.name, selector: object.metric.selector }),
      ...some({ currentValue: object.current.value ?? nothing, averageValue: object.current.averageValue }),
    },
    pods:
      pods &&
      some({
        ...{ metricName: pods.metric.name, selector: pods.metric.selector },
        currentAverageValue: pods.current.averageValue ?? nothing,
      }),
    resource:
      resource &&
      some({
        ...{ name: resource.name, currentAverageUtilization: resource.current.averageUtilization },
        currentAverageValue: resource.current.averageValue ?? nothing,
      }),
    containerResource:
      containerResource &&
      some({
        ...{ name: containerResource.name, container: containerResource.container },
        currentAverageUtilization: containerResource.current.averageUtilization,
        currentAverageValue: containerResource.current.averageValue ?? nothing,
      }),
    external:
      external &&
      some({
        ...{ metricName: external.metric.name, metricSelector: external.metric.selector },
        currentValue: external.current.value ?? nothing,
        currentAverageValue: external.current.averageValue,
      }),
  }) as Legacy

const meanOf = ({ currentAverageUtilization: averageUtilization, currentAverageValue }: LegacySource) =>
  some({
    averageUtilization,
    averageValue: unlessNothing(currentAverageValue, averageUtilization !== undefined),
  })

export const fromLegacyStatus = ({ type, object, pods, resource, containerResource, external }: Legacy): MetricStatus =>
  some({
    type,
    object: object && {
      metric: metricOf(object, object.selector),
      current: some({
        value: unlessNothing(object.currentValue, object.averageValue !== undefined),
        averageValue: object.averageValue,
      }),
      describedObject: object.target ?? noReference,
    },
    pods: pods && {
      metric: metricOf(pods, pods.selector),
      current: some({ averageValue: pods.currentAverageValue }),
    },
    resource: resource && { name: resource.name ?? '', current: meanOf(resource) },
    containerResource: containerResource && {
      name: containerResource.name ?? '',
      current: meanOf(containerResource),
      container: containerResource.container ?? '',
    },
    external: external && {
      metric: metricOf(external, external.metricSelector),
      current: some({
        value: unlessNothing(external.currentValue, external.currentAverageValue !== undefined),
        averageValue: external.currentAverageValue,
      }),
    },
  }) as MetricStatus
