/** The options of the autoscaler, as kube-controller-manager names them. */
import type { Command } from 'commander'
import { type AutoscalerSettings, defaultAutoscalerSettings } from '../control/controllers/autoscaler-settings.ts'
import { durationOption, shareOption } from './options.ts'
import { UsageError } from './usage-error.ts'

/** Durations in seconds. */
export interface AutoscalerOptions {
  readonly horizontalPodAutoscalerSyncPeriod: number
  readonly horizontalPodAutoscalerTolerance: number
  readonly horizontalPodAutoscalerDownscaleStabilization: number
  readonly horizontalPodAutoscalerUpscaleDelay: number
  readonly horizontalPodAutoscalerDownscaleDelay: number
  readonly horizontalPodAutoscalerCpuInitializationPeriod: number
  readonly horizontalPodAutoscalerInitialReadinessDelay: number
}

const defaults = defaultAutoscalerSettings

export const autoscalerOptions = (command: Command): Command =>
  command
    .optionsGroup('Horizontal pod autoscaling (durations such as 15s or 5m):')
    .option(
      '--horizontal-pod-autoscaler-sync-period <duration>',
      'how often each autoscaler is looked at',
      durationOption,
      defaults.syncPeriodSeconds,
    )
    .option(
      '--horizontal-pod-autoscaler-tolerance <share>',
      'a metric so near to its target changes nothing',
      shareOption,
      defaults.tolerance,
    )
    .option(
      '--horizontal-pod-autoscaler-downscale-stabilization <duration>',
      'on the way down the highest recommendation of so long counts',
      durationOption,
      defaults.downscaleStabilizationSeconds,
    )
    .option(
      '--horizontal-pod-autoscaler-upscale-delay <duration>',
      'no growth so long after the last change, as until Kubernetes 1.11 (there 3m), where the autoscaler has no behavior',
      durationOption,
      defaults.upscaleDelaySeconds,
    )
    .option(
      '--horizontal-pod-autoscaler-downscale-delay <duration>',
      'the same for shrinking (there 5m)',
      durationOption,
      defaults.downscaleDelaySeconds,
    )
    .option(
      '--horizontal-pod-autoscaler-cpu-initialization-period <duration>',
      'the CPU of a pod may not count for so long after its start',
      durationOption,
      defaults.cpuInitializationSeconds,
    )
    .option(
      '--horizontal-pod-autoscaler-initial-readiness-delay <duration>',
      'a pod unready since so soon after its start has never been ready',
      durationOption,
      defaults.initialReadinessSeconds,
    )

/** Throws UsageError. */
export const autoscalerSettings = (options: AutoscalerOptions): AutoscalerSettings => {
  const syncPeriodSeconds = options.horizontalPodAutoscalerSyncPeriod
  if (syncPeriodSeconds < 1)
    throw new UsageError('--horizontal-pod-autoscaler-sync-period: expected one second or more, such as 15s')
  return {
    syncPeriodSeconds,
    tolerance: options.horizontalPodAutoscalerTolerance,
    downscaleStabilizationSeconds: options.horizontalPodAutoscalerDownscaleStabilization,
    upscaleDelaySeconds: options.horizontalPodAutoscalerUpscaleDelay,
    downscaleDelaySeconds: options.horizontalPodAutoscalerDownscaleDelay,
    cpuInitializationSeconds: options.horizontalPodAutoscalerCpuInitializationPeriod,
    initialReadinessSeconds: options.horizontalPodAutoscalerInitialReadinessDelay,
  }
}
