/** Types of events/v1, made by scripts/declare-types.ts. */

import type { EventSource, ObjectReference } from './core-v1.ts'
import type { ObjectMeta } from './meta-v1.ts'

export interface Event {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ObjectMeta
  readonly eventTime: string | null
  readonly series?: EventSeries
  readonly reportingController?: string
  readonly reportingInstance?: string
  readonly action?: string
  readonly reason?: string
  readonly regarding: ObjectReference
  readonly related?: ObjectReference
  readonly note?: string
  readonly type?: string
  readonly deprecatedSource: EventSource
  readonly deprecatedFirstTimestamp?: string | null
  readonly deprecatedLastTimestamp?: string | null
  readonly deprecatedCount?: number
}

export interface EventSeries {
  readonly count: number
  readonly lastObservedTime: string | null
}
