/** What all connections of one relay share. */
import type { HeadLimits } from '../http/limits.ts'
import type { RouteTable } from '../routes/match.ts'
import type { Balancer } from './balancer.ts'
import type { Deadlines } from './deadlines.ts'
import type { Pool } from './pool.ts'
import type { Timeouts } from './timeouts.ts'

export interface RelayContext {
  /** Looked up once by each request, when it begins. */
  table: RouteTable
  /** No connection is kept for a further request. */
  draining: boolean
  readonly timeouts: Timeouts
  readonly limits: HeadLimits
  readonly deadlines: Deadlines
  readonly balancer: Balancer
  readonly pool: Pool
  /** Now, for a Date field. */
  readonly date: () => string
  readonly newRequestId: () => string
  /** Told what a backend did wrong. */
  readonly report: (problem: string) => void
}
