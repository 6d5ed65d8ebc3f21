/** Types of node/v1, made by scripts/declare-types.ts. */

import type { Toleration } from '../core.ts'
import type { KubeObject } from '../meta.ts'

export interface Overhead {
  readonly podFixed?: Readonly<Record<string, string>>
}

export interface RuntimeClass extends KubeObject {
  readonly handler: string
  readonly overhead?: Overhead
  readonly scheduling?: Scheduling
}

export interface Scheduling {
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: readonly Toleration[]
}
