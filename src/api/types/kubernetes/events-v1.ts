/** Types of events/v1, made by scripts/declare-types.ts. */
import type { KubeObject, ObjectReference } from '../meta.ts'
import type { EventSource } from './core-v1.ts'

export interface Event extends KubeObject {
  readonly eventTime: string
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
  readonly deprecatedFirstTimestamp?: string
  readonly deprecatedLastTimestamp?: string
  readonly deprecatedCount?: number
}

export interface EventSeries {
  readonly count: number
  readonly lastObservedTime: string
}
