/** What the metrics of an autoscaler ask for, each by itself. */
import { errorText } from '../../../api/errors.ts'
import { quantityMilli } from '../../../api/quantity.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { MetricSpec, MetricStatus, MetricTarget } from '../../../api/types/kubernetes/autoscaling-v2.ts'
import {
  type PodTarget,
  type Proposal,
  proposeByPods,
  proposeByTotal,
  requestsOf,
  type Samples,
  type StartTimes,
  type Tolerance,
} from './proposal.ts'
import type { MetricReadings } from './readings.ts'

export interface Target {
  readonly namespace: string
  /** In the text form. */
  readonly selector: string
  readonly pods: readonly Pod[]
  readonly replicas: number
  readonly observed: number
  readonly tolerance: Tolerance
  readonly startTimes: StartTimes
  readonly now: number
}

export interface MetricResult {
  readonly replicas: number
  /** As Events name it. */
  readonly name: string
  readonly status: MetricStatus
}

/** A metric that cannot be had: `reason` is what conditions and Events call it. */
export class MetricFailure extends Error {
  override readonly name = 'MetricFailure'
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

const byPods = (target: Target, samples: Samples, wanted: PodTarget, isCpu: boolean): Proposal =>
  proposeByPods({ ...target, samples, isCpu, target: wanted })

const resourceTarget = (
  { averageValue, averageUtilization }: MetricTarget,
  pods: readonly Pod[],
  resource: string,
  container: string | undefined,
): PodTarget => {
  if (averageValue !== undefined) return { average: quantityMilli(averageValue) }
  if (averageUtilization === undefined)
    throw new Error('invalid resource metric source: neither a utilization target nor a value target was set')
  return { utilization: averageUtilization, requests: requestsOf(pods, resource, container) }
}

const resourceName = (resource: string, container: string | undefined, target: PodTarget): string => {
  const what = container === undefined ? `${resource} resource` : `${resource} container resource`
  return 'average' in target ? what : `${what} utilization (percentage of request)`
}

const totalTarget = ({ value, averageValue }: MetricTarget, what: string) => {
  if (averageValue !== undefined) return { average: quantityMilli(averageValue) }
  if (value !== undefined) return { value: quantityMilli(value) }
  throw new Error(`invalid ${what} metric source: neither a value target nor an average value target was set`)
}

const reasons: Readonly<Record<string, string>> = {
  Resource: 'FailedGetResourceMetric',
  ContainerResource: 'FailedGetContainerResourceMetric',
  Pods: 'FailedGetPodsMetric',
  Object: 'FailedGetObjectMetric',
  External: 'FailedGetExternalMetric',
}

const compute = async (spec: MetricSpec, target: Target, readings: MetricReadings): Promise<MetricResult> => {
  const { namespace, selector, pods: all } = target
  const { type, resource, containerResource, pods, object, external } = spec
  const measured = containerResource ?? resource
  if (measured) {
    const container = containerResource?.container
    const { name } = measured
    const samples = await readings.resource(namespace, selector, name, container)
    const wanted = resourceTarget(measured.target, all, name, container)
    const { replicas, current } = byPods(target, samples, wanted, name === 'cpu')
    const status = containerResource
      ? { type, containerResource: { name, container: containerResource.container, current } }
      : { type, resource: { name, current } }
    return { replicas, name: resourceName(name, container, wanted), status }
  }
  if (pods) {
    const samples = await readings.pods(namespace, selector, pods.metric)
    const average = quantityMilli(pods.target.averageValue)
    const { replicas, current } = byPods(target, samples, { average }, false)
    return {
      replicas,
      name: `pods metric ${pods.metric.name}`,
      status: { type, pods: { metric: pods.metric, current } },
    }
  }
  if (object) {
    const { describedObject, metric } = object
    const milli = await readings.object(namespace, describedObject, metric)
    const { replicas, current } = proposeByTotal({ ...target, milli, target: totalTarget(object.target, 'object') })
    const name = `${describedObject.kind} metric ${metric.name}`
    return { replicas, name, status: { type, object: { describedObject, metric, current } } }
  }
  if (external) {
    const { metric } = external
    const milli = await readings.external(namespace, metric)
    const { replicas, current } = proposeByTotal({ ...target, milli, target: totalTarget(external.target, 'external') })
    return { replicas, name: `external metric ${metric.name}`, status: { type, external: { metric, current } } }
  }
  throw new Error(`unknown metric source type ${JSON.stringify(type)}`)
}

/** Rejects with a MetricFailure. */
export const computeMetric = async (
  spec: MetricSpec,
  target: Target,
  readings: MetricReadings,
): Promise<MetricResult> => {
  try {
    return await compute(spec, target, readings)
  } catch (error) {
    const what = spec.resource?.name ?? spec.containerResource?.name
    const message = what === undefined ? errorText(error) : `failed to get ${what} utilization: ${errorText(error)}`
    throw new MetricFailure(reasons[spec.type] ?? 'InvalidMetricSourceType', message)
  }
}
