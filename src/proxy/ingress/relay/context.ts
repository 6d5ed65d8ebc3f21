/** What all connections of one relay share. */
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../../api/clock.ts'
import type { Heartbeat } from '../../../host/heartbeat.ts'
import type { DecideContext } from '../decide/decide.ts'
import type { HeadLimits } from '../http/limits.ts'
import type { Deadlines } from './deadlines.ts'
import type { OnFault } from './guard.ts'
import type { H2Sessions } from './h2-sessions.ts'
import type { Observe } from './observe.ts'
import type { Pool } from './pool.ts'
import type { Timeouts } from './timeouts.ts'

export interface RelayContext extends DecideContext {
  /** No connection is kept for a further request. */
  draining: boolean
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly pool: Pool
  readonly sessions: H2Sessions
  readonly lookup: LookupFunction
  /** Addresses whose word on where a request came from is taken. */
  readonly isTrusted: (address: string) => boolean
  readonly counts: { retries: number; faults: number }
  /** Now, for a Date field. */
  readonly date: () => string
  readonly newRequestId: () => string
  readonly observe: Observe
  /** Told which request is being decided. */
  readonly heartbeat: Heartbeat | undefined
  /** Told of what was thrown and is nobody's refusal. */
  readonly fault: OnFault
}
