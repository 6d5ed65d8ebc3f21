/** What all connections of one relay share. */
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../../api/clock.ts'
import type { Heartbeat } from '../../../host/heartbeat.ts'
import type { HeadLimits } from '../http/limits.ts'
import type { Outside } from '../names/ask-outside.ts'
import type { Balancer } from './balancer.ts'
import type { Deadlines } from './deadlines.ts'
import type { OnFault } from './guard.ts'
import type { H2Sessions } from './h2-sessions.ts'
import type { Limiter } from './limiter.ts'
import type { Observe } from './observe.ts'
import type { Pool } from './pool.ts'
import type { Timeouts } from './timeouts.ts'

export interface RelayContext {
  /** No connection is kept for a further request. */
  draining: boolean
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly balancer: Balancer
  readonly pool: Pool
  readonly sessions: H2Sessions
  readonly limiter: Limiter
  readonly lookup: LookupFunction
  readonly outside: Pick<Outside, 'ask'>
  /** The port that plain HTTP is redirected to. */
  readonly httpsPort: number
  /** Addresses whose word on where a request came from is taken. */
  readonly isTrusted: (address: string) => boolean
  /** From 0 to 1. */
  readonly random: () => number
  readonly counts: { retries: number; faults: number }
  /** Now, for a Date field. */
  readonly date: () => string
  readonly newRequestId: () => string
  readonly observe: Observe
  /** Told which request is being decided. */
  readonly heartbeat: Heartbeat | undefined
  /** Told what a backend did wrong. */
  readonly report: (problem: string) => void
  /** Told of what was thrown and is nobody's refusal. */
  readonly fault: OnFault
}
