/** What whoever runs the autoscaler decides for all HorizontalPodAutoscalers: kube-controller-manager's flags of these names. */

export interface AutoscalerSettings {
  /** How often each is looked at. */
  readonly syncPeriodSeconds: number
  /** By how much the ratio of what is measured to what is wanted may differ from 1. */
  readonly tolerance: number
  /** On the way down the highest of what was wanted within so long counts. */
  readonly downscaleStabilizationSeconds: number
  /** So long after the last change it does not grow again (until Kubernetes 1.11: 3 minutes). */
  readonly upscaleDelaySeconds: number
  /** So long after the last change it does not shrink again (until Kubernetes 1.11: 5 minutes). */
  readonly downscaleDelaySeconds: number
  /** What a pod burns while it starts says nothing of its load. */
  readonly cpuInitializationSeconds: number
  /** A pod that becomes unready so soon has never been ready. */
  readonly initialReadinessSeconds: number
}

export const defaultAutoscalerSettings: AutoscalerSettings = {
  syncPeriodSeconds: 15,
  tolerance: 0.1,
  downscaleStabilizationSeconds: 300,
  upscaleDelaySeconds: 0,
  downscaleDelaySeconds: 0,
  cpuInitializationSeconds: 300,
  initialReadinessSeconds: 30,
}
