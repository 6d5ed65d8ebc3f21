/** Types of metrics/v1beta1, made by scripts/declare-types.ts. */
import type { KubeObject } from '../meta.ts'

export interface ContainerMetrics {
  readonly name: string
  readonly usage: Readonly<Record<string, string>>
}

export interface NodeMetrics extends KubeObject {
  readonly timestamp: string
  readonly window: string
  readonly usage: Readonly<Record<string, string>>
}

export interface PodMetrics extends KubeObject {
  readonly timestamp: string
  readonly window: string
  readonly containers: readonly ContainerMetrics[]
}
