/** How far and how fast a number of pods may change. Pure: kube-controller-manager's rules. */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerSpec,
  HPAScalingRules,
} from '../../../api/types/kubernetes/autoscaling-v2.ts'
import type { AutoscalerSettings } from '../autoscaler-settings.ts'

export interface Recommendation {
  readonly replicas: number
  readonly at: number
}

export interface Change {
  /** By how many pods; fewer are negative. */
  readonly by: number
  readonly at: number
}

/** What an autoscaler has wanted and done of late. */
export interface Past {
  readonly recommendations: readonly Recommendation[]
  readonly changes: readonly Change[]
}

interface Verdict {
  readonly replicas: number
  readonly reason: string
  readonly message: string
}

/** For so long what was wanted counts, in seconds. */
interface Windows {
  readonly up: number
  readonly down: number
}

/** Those of its own, or those of all autoscalers. */
const windowsOf = (
  behavior: HorizontalPodAutoscalerBehavior | undefined,
  { downscaleStabilizationSeconds }: Pick<AutoscalerSettings, 'downscaleStabilizationSeconds'>,
): Windows => ({
  up: behavior?.scaleUp?.stabilizationWindowSeconds ?? 0,
  down: behavior?.scaleDown?.stabilizationWindowSeconds ?? downscaleStabilizationSeconds,
})

/** On the way up the lowest, on the way down the highest of what was wanted within the window. */
export const stabilize = (
  { behavior }: HorizontalPodAutoscalerSpec,
  wanted: number,
  current: number,
  { recommendations }: Past,
  now: number,
  settings: AutoscalerSettings,
): Verdict => {
  const windows = windowsOf(behavior, settings)
  const within = (seconds: number): readonly number[] =>
    recommendations.filter(({ at }) => at > now - seconds * 1000).map(({ replicas }) => replicas)
  const isUp = wanted >= current
  const replicas = isUp ? Math.min(wanted, ...within(windows.up)) : Math.max(wanted, ...within(windows.down))
  if (replicas === wanted)
    return { replicas, reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
  return isUp
    ? {
        ...{ replicas, reason: 'ScaleUpStabilized' },
        message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
      }
    : {
        ...{ replicas, reason: 'ScaleDownStabilized' },
        message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
      }
}

/** Why it may not change yet; which ways those are. */
export interface Delay {
  readonly up: boolean
  readonly down: boolean
  readonly reason: string
  readonly message: string
}

const delayReasons = {
  both: ['BackoffBoth', 'both the downscale and upscale forbidden windows'],
  up: ['BackoffUpscale', 'the upscale forbidden window'],
  down: ['BackoffDownscale', 'the downscale forbidden window'],
} as const

/** What it waits for since its last change; where it says itself how fast it may go, it does not. */
export const delayOf = (
  { spec: { behavior }, status }: Pick<HorizontalPodAutoscaler, 'spec' | 'status'>,
  now: number,
  { upscaleDelaySeconds, downscaleDelaySeconds }: AutoscalerSettings,
): Delay | undefined => {
  const last = Date.parse(status.lastScaleTime ?? '')
  const isWithin = (seconds: number): boolean => seconds > 0 && last + seconds * 1000 >= now
  const up = behavior?.scaleUp === undefined && isWithin(upscaleDelaySeconds)
  const down = behavior?.scaleDown === undefined && isWithin(downscaleDelaySeconds)
  if (!up && !down) return undefined
  const [reason, windows] = delayReasons[up && down ? 'both' : up ? 'up' : 'down']
  return { up, down, reason, message: `the time since the previous scale is still within ${windows}` }
}

const changedIn = (seconds: number, changes: readonly Change[], now: number, sign: 1 | -1): number =>
  changes
    .filter(({ by, at }) => by * sign > 0 && at > now - seconds * 1000)
    .reduce((sum, { by }) => sum + Math.abs(by), 0)

const byPolicies = (
  { policies = [], selectPolicy }: HPAScalingRules,
  current: number,
  changes: readonly Change[],
  now: number,
  sign: 1 | -1,
): number => {
  if (selectPolicy === 'Disabled' || policies.length === 0) return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = current - sign * changedIn(periodSeconds, changes, now, sign)
    if (type === 'Pods') return start + sign * value
    return sign > 0 ? Math.ceil(start * (1 + value / 100)) : Math.floor(start * (1 - value / 100))
  })
  // The largest change is the highest number on the way up, and the lowest on the way down.
  const isHighest = (selectPolicy === 'Min') !== sign > 0
  return isHighest ? Math.max(...limits) : Math.min(...limits)
}

/** Where it has no rules, a number at most doubles, and may always be four. */
const upLimit = ({ behavior }: HorizontalPodAutoscalerSpec, current: number, past: Past, now: number): number =>
  behavior?.scaleUp
    ? Math.max(current, byPolicies(behavior.scaleUp, current, past.changes, now, 1))
    : Math.max(2 * current, 4)

const downLimit = ({ behavior }: HorizontalPodAutoscalerSpec, current: number, past: Past, now: number): number =>
  behavior?.scaleDown ? Math.min(current, byPolicies(behavior.scaleDown, current, past.changes, now, -1)) : 0

/** Within the least and the most, and no faster than the rules allow. */
export const limit = (
  spec: HorizontalPodAutoscalerSpec,
  wanted: number,
  current: number,
  past: Past,
  now: number,
): Verdict & { readonly isLimited: boolean } => {
  const least = spec.minReplicas ?? 1
  const highest = upLimit(spec, current, past, now)
  const lowest = downLimit(spec, current, past, now)
  const of = (replicas: number, reason: string, message: string) => ({ isLimited: true, replicas, reason, message })
  const most = wanted > current ? Math.min(spec.maxReplicas, highest) : spec.maxReplicas
  if (wanted > most)
    return most === spec.maxReplicas
      ? of(most, 'TooManyReplicas', 'the desired replica count is more than the maximum replica count')
      : of(most, 'ScaleUpLimit', 'the desired replica count is increasing faster than the maximum scale rate')
  const floor = wanted < current ? Math.max(least, lowest) : least
  if (wanted < floor)
    return floor === least
      ? of(floor, 'TooFewReplicas', 'the desired replica count is less than the minimum replica count')
      : of(floor, 'ScaleDownLimit', 'the desired replica count is decreasing faster than the maximum scale rate')
  const message = 'the desired count is within the acceptable range'
  return { isLimited: false, replicas: wanted, reason: 'DesiredWithinRange', message }
}

/** What need not be known any longer is left out. */
export const remember = (
  { behavior }: HorizontalPodAutoscalerSpec,
  { recommendations, changes }: Past,
  now: number,
  settings: AutoscalerSettings,
): Past => {
  const windows = windowsOf(behavior, settings)
  const periods = [behavior?.scaleUp, behavior?.scaleDown].flatMap((rules) =>
    (rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds),
  )
  const isWithin =
    (seconds: number) =>
    ({ at }: { readonly at: number }) =>
      at > now - seconds * 1000
  return {
    recommendations: recommendations.filter(isWithin(Math.max(windows.up, windows.down))),
    changes: changes.filter(isWithin(Math.max(0, ...periods))),
  }
}
