/** What is to be done with a request, once everything about it is decided. */

import type { Balancer, PickBy } from '../balance/balancer.ts'
import type { Changes } from '../http/changes.ts'
import type { RequestHead } from '../http/request-head.ts'
import type { Outgoing, Via } from '../http/request-text.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { BackendProtocol, RoutePolicy } from '../policy/policy.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import type { Origin } from '../routes/rule.ts'

export interface Plan {
  readonly request: RequestHead
  readonly origin: Origin
  readonly policy: RoutePolicy
  readonly backend: BackendKey
  readonly outgoing: Outgoing
  readonly via: Via
  /** `viaFields` of `via`. */
  readonly viaText: string
  readonly pickBy: PickBy
  /** Chunks of the body come without their framing: somebody needs their content. */
  readonly content: boolean
  /** What is changed of the answer of this endpoint. */
  readonly responseChanges?: ((head: ResponseHead, endpoint: Endpoint) => Changes | undefined) | undefined
  /** Whom else to ask when the answer has this status, or when nobody was asked; undefined: it is passed on. */
  readonly errorPlan?: (status: number, nobodyAsked: boolean) => Plan | undefined
}

/** What the route says its backend speaks, or else what the Service port says. */
export const protocolOf = (
  { policy, backend }: Pick<Plan, 'policy' | 'backend'>,
  balancer: Balancer,
): BackendProtocol => (policy.protocol === 'http' ? balancer.protocolOf(backend) : policy.protocol)
