/** Types of scheduling/v1, made by scripts/declare-types.ts. */

import type { ObjectMeta } from './meta-v1.ts'

export interface PriorityClass {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly value: number
  readonly globalDefault?: boolean
  readonly description?: string
  readonly preemptionPolicy?: string
}
