/** Types of node/v1, made by scripts/declare-types.ts. */

import type { Toleration } from './core-v1.ts'
import type { ObjectMeta } from './meta-v1.ts'

export interface Overhead {
  readonly podFixed?: Readonly<Record<string, string>>
}

export interface RuntimeClass {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly handler: string
  readonly overhead?: Overhead
  readonly scheduling?: Scheduling
}

export interface Scheduling {
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: readonly Toleration[]
}
