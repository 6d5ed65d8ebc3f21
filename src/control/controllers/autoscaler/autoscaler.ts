/** Scales what can be scaled by what its pods do. */
import { formatTime } from '../../../api/clock.ts'
import { withCondition } from '../../../api/conditions.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import { errorText } from '../../../api/errors.ts'
import { type EventType, referenceTo } from '../../../api/event-recorder.ts'
import { quantityMilli } from '../../../api/quantity.ts'
import { horizontalPodAutoscalers, pods } from '../../../api/resources.ts'
import { type LabelMatcher, parseLabelSelector } from '../../../api/selectors.ts'
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createCountedStatus } from '../../../controller/own-writes.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { AutoscalerSettings } from '../autoscaler-settings.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { catchUpMs } from '../pod-control/pod-control.ts'
import { findScaled, type Scaled } from '../scaled.ts'
import { delayOf, limit, type Past, remember, stabilize } from './limits.ts'
import { computeMetric, MetricFailure, type MetricResult, type Target } from './metrics.ts'
import type { Tolerance } from './proposal.ts'
import { createReadings } from './readings.ts'

const name = 'horizontal-pod-autoscaler-controller'
/** Who tells of it in Events. */
const source = 'horizontal-pod-autoscaler'

type Finding = Pick<HorizontalPodAutoscalerCondition, 'type' | 'status' | 'reason' | 'message'>

const finding = (type: string, isTrue: boolean, reason: string, message: string): Finding => ({
  ...{ type, status: isTrue ? 'True' : 'False' },
  ...{ reason, message },
})

const withFindings = (
  conditions: readonly HorizontalPodAutoscalerCondition[] | undefined,
  findings: readonly Finding[],
  now: number,
): readonly HorizontalPodAutoscalerCondition[] =>
  findings.reduce<readonly HorizontalPodAutoscalerCondition[]>(
    (before, found) => withCondition(before, found, now),
    conditions ?? [],
  )

const toleranceOf = ({ spec }: HorizontalPodAutoscaler, { tolerance }: AutoscalerSettings): Tolerance => {
  const of = (text: string | undefined): number => (text === undefined ? tolerance : quantityMilli(text) / 1000)
  return { up: of(spec.behavior?.scaleUp?.tolerance), down: of(spec.behavior?.scaleDown?.tolerance) }
}

/** What one look has come to. */
interface Look {
  readonly findings: readonly Finding[]
  /** Undefined: they stay as they are. */
  readonly metrics?: readonly MetricStatus[]
  readonly desired?: number
  readonly isRescaled?: boolean
}

export const createAutoscalerController: CreateController = (context) => {
  const { client, informers, clock } = context
  const settings = context.settings.autoscaler
  const periodMs = settings.syncPeriodSeconds * 1000
  const copies = informers.of(horizontalPodAutoscalers)
  const podCopies = informers.of(pods)
  const events = recorderFor(context, source)
  const readings = createReadings(client, informers)
  const statuses = createCountedStatus(client, horizontalPodAutoscalers)
  const pasts = new Map<string, Past>()

  const tell = (autoscaler: HorizontalPodAutoscaler, type: EventType, reason: string, message: string): void =>
    events.record(referenceTo(autoscaler), type, reason, message)

  const pastOf = (uid: string, current: number): Past =>
    pasts.get(uid) ?? { recommendations: [{ replicas: current, at: clock.now() }], changes: [] }

  const targetOf = (autoscaler: HorizontalPodAutoscaler, { view }: Scaled, matches: LabelMatcher): Target => {
    const namespace = autoscaler.metadata.namespace ?? ''
    return {
      ...{ namespace, selector: view.selector, replicas: view.replicas, observed: view.observed },
      pods: podCopies.by('namespace', namespace).filter(({ metadata }) => matches(metadata.labels)),
      ...{ tolerance: toleranceOf(autoscaler, settings), startTimes: settings, now: clock.now() },
    }
  }

  interface Measured {
    readonly best: MetricResult | undefined
    readonly statuses: readonly MetricStatus[]
    readonly failures: readonly MetricFailure[]
  }

  const measure = async (autoscaler: HorizontalPodAutoscaler, target: Target): Promise<Measured> => {
    const results: MetricResult[] = []
    const failures: MetricFailure[] = []
    for (const spec of autoscaler.spec.metrics ?? [])
      try {
        results.push(await computeMetric(spec, target, readings))
      } catch (error) {
        if (!(error instanceof MetricFailure)) throw error
        tell(autoscaler, 'Warning', error.reason, error.message)
        failures.push(error)
      }
    const best = results.toSorted((a, b) => b.replicas - a.replicas)[0]
    return { best, statuses: results.map(({ status }) => status), failures }
  }

  const rescale = async (
    autoscaler: HorizontalPodAutoscaler,
    { definition, object, view }: Scaled,
    replicas: number,
    reason: string,
  ): Promise<Finding> => {
    const { name: target, namespace, uid, resourceVersion } = object.metadata
    const metadata = { name: target, namespace: namespace ?? '', uid, resourceVersion }
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata, spec: { replicas } }
    try {
      // The version: what was decided is for the number that was seen.
      await client.update(definition, scale, 'scale')
    } catch (error) {
      const message = `New size: ${replicas}; reason: ${reason}; error: ${errorText(error)}`
      tell(autoscaler, 'Warning', 'FailedRescale', message)
      throw error
    }
    tell(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`)
    const own = autoscaler.metadata.uid ?? ''
    const past = pastOf(own, view.replicas)
    const change = { by: replicas - view.replicas, at: clock.now() }
    pasts.set(own, { ...past, changes: [...past.changes, change] })
    const message = `the HPA controller was able to update the target scale to ${replicas}`
    return finding('AbleToScale', true, 'SucceededRescale', message)
  }

  /** The number is within its bounds: what is measured decides. */
  const lookAtMetrics = async (
    autoscaler: HorizontalPodAutoscaler,
    scaled: Scaled,
    matches: LabelMatcher,
  ): Promise<Look> => {
    const { spec } = autoscaler
    const current = scaled.view.replicas
    const target = targetOf(autoscaler, scaled, matches)
    const { best, statuses, failures } = await measure(autoscaler, target)
    const count = spec.metrics?.length ?? 0
    const [first] = failures
    // What could not be measured might have asked for more.
    if (!best || (first && best.replicas < current)) {
      const why = first?.message ?? 'no metrics'
      const message = `the HPA was unable to compute the replica count: ${why}`
      const failure = `invalid metrics (${failures.length} invalid out of ${count}), first error is: ${why}`
      tell(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', failure)
      const findings = [finding('ScalingActive', false, first?.reason ?? 'FailedComputeMetricsReplicas', message)]
      return { findings, metrics: statuses }
    }
    const { now } = target
    const uid = autoscaler.metadata.uid ?? ''
    const past = remember(spec, pastOf(uid, current), now, settings)
    const stable = stabilize(spec, best.replicas, current, past, now, settings)
    const limited = limit(spec, stable.replicas, current, past, now)
    pasts.set(uid, {
      ...past,
      recommendations: [...past.recommendations, { replicas: best.replicas, at: now }],
    })
    const delay = delayOf(autoscaler, now, settings)
    const able = delay
      ? finding('AbleToScale', false, delay.reason, delay.message)
      : finding('AbleToScale', true, stable.reason, stable.message)
    const active = `the HPA was able to successfully calculate a replica count from ${best.name}`
    const findings = [
      able,
      finding('ScalingActive', true, 'ValidMetricFound', active),
      finding('ScalingLimited', limited.isLimited, limited.reason, limited.message),
    ]
    const isUp = limited.replicas > current
    if (limited.replicas === current || (isUp ? delay?.up : delay?.down))
      return { findings, metrics: statuses, desired: current }
    const reason = isUp ? `${best.name} above target` : 'All metrics below target'
    const done = await rescale(autoscaler, scaled, limited.replicas, reason)
    return { findings: [...findings, done], metrics: statuses, desired: limited.replicas, isRescaled: true }
  }

  /** Whoever made a kind says in which field of its objects the selector is: it may be anything. */
  const readSelector = (text: string): LabelMatcher | { readonly wrong: string } => {
    try {
      return parseLabelSelector(text)
    } catch (error) {
      return { wrong: `couldn't convert selector into a corresponding internal selector object: ${errorText(error)}` }
    }
  }

  const look = async (autoscaler: HorizontalPodAutoscaler, scaled: Scaled): Promise<Look> => {
    const { minReplicas = 1, maxReplicas } = autoscaler.spec
    const { replicas: current, selector } = scaled.view
    if (current === 0 && minReplicas !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero'
      return { findings: [finding('ScalingActive', false, 'ScalingDisabled', message)], metrics: [], desired: 0 }
    }
    if (selector === '') {
      tell(autoscaler, 'Warning', 'SelectorRequired', 'selector is required')
      const message = "the HPA target's scale is missing a selector"
      return { findings: [finding('ScalingActive', false, 'InvalidSelector', message)] }
    }
    const matches = readSelector(selector)
    if ('wrong' in matches) {
      tell(autoscaler, 'Warning', 'InvalidSelector', matches.wrong)
      return { findings: [finding('ScalingActive', false, 'InvalidSelector', matches.wrong)] }
    }
    const bound = current > maxReplicas ? maxReplicas : current < minReplicas ? minReplicas : undefined
    if (bound === undefined) return lookAtMetrics(autoscaler, scaled, matches)
    const side = current > maxReplicas ? 'above Spec.MaxReplicas' : 'below Spec.MinReplicas'
    const done = await rescale(autoscaler, scaled, bound, `Current number of replicas ${side}`)
    return { findings: [done], desired: bound, isRescaled: true }
  }

  const write = async (autoscaler: HorizontalPodAutoscaler, current: number | undefined, result: Look) => {
    const { status } = autoscaler
    const now = clock.now()
    const found: HorizontalPodAutoscalerStatus = {
      ...status,
      ...(current === undefined ? {} : { currentReplicas: current }),
      desiredReplicas: result.desired ?? status.desiredReplicas,
      currentMetrics: result.metrics ?? status.currentMetrics,
      ...(result.isRescaled ? { lastScaleTime: formatTime(now) } : {}),
      conditions: withFindings(status.conditions, result.findings, now),
    }
    await statuses.write(autoscaler, found)
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const autoscaler = copies.get(key)
    if (!autoscaler || autoscaler.metadata.deletionTimestamp !== undefined) return 'done'
    if (!statuses.isCurrent(autoscaler)) return { againInMs: catchUpMs }
    const { scaleTargetRef } = autoscaler.spec
    const scaled = findScaled(informers, scaleTargetRef, autoscaler.metadata.namespace ?? '')
    if (!scaled) {
      const why = `${scaleTargetRef.kind} ${JSON.stringify(scaleTargetRef.name)} is not there, or cannot be scaled`
      tell(autoscaler, 'Warning', 'FailedGetScale', why)
      const message = `the HPA controller was unable to get the target's current scale: ${why}`
      await write(autoscaler, undefined, { findings: [finding('AbleToScale', false, 'FailedGetScale', message)] })
      return { againInMs: periodMs }
    }
    const able = "the HPA controller was able to get the target's current scale"
    const result = await look(autoscaler, scaled)
    const findings = [finding('AbleToScale', true, 'SucceededGetScale', able), ...result.findings]
    await write(autoscaler, scaled.view.replicas, { ...result, findings })
    return { againInMs: periodMs }
  }

  const queue = createQueue(context, name, reconcile)
  return {
    name,
    run: (signal) => {
      copies.onChange((key, current, previous) => {
        if (!current) statuses.forget(key)
        if (!current && previous) pasts.delete(previous.metadata.uid ?? '')
        if (!current || !previous || !deepEqual(current.spec, previous.spec)) queue.add(key)
      })
      return queue.run(signal)
    },
  }
}
