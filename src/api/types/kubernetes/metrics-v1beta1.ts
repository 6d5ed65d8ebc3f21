/** Types of metrics/v1beta1, made by scripts/declare-types.ts. */

import type { ObjectMeta } from './meta-v1.ts'

export interface ContainerMetrics {
  readonly name: string
  readonly usage: Readonly<Record<string, string>>
}

export interface NodeMetrics {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly timestamp: string | null
  readonly window: string
  readonly usage: Readonly<Record<string, string>>
}

export interface PodMetrics {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly timestamp: string | null
  readonly window: string
  readonly containers: readonly ContainerMetrics[]
}
