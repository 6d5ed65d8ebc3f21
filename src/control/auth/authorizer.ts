/** Who decides whether a request may go on, and how several who decide stand side by side. */
import type { RequestInfo } from '../request/request-info.ts'
import type { User } from './user.ts'

/** All that an authorizer sees of a request; what is in its body is the matter of admission. */
export interface Attributes {
  readonly user: User
  readonly request: RequestInfo
  /** As they stand in the query; empty when missing. */
  readonly fieldSelector: string
  readonly labelSelector: string
}

/** `reason` tells the caller why somebody who might have allowed it did not. */
export interface Verdict {
  readonly allowed: boolean
  readonly reason?: string
}

/** Allows a request, or has no opinion: nobody can forbid what another one allows. */
export interface Authorizer {
  authorize(attributes: Attributes): Verdict
}

export const allowed: Verdict = { allowed: true }
export const noOpinion: Verdict = { allowed: false }

/** Allows what any of them allows; otherwise with all the reasons that there are. */
export const anyOf = (authorizers: readonly Authorizer[]): Authorizer => ({
  authorize: (attributes) => {
    const reasons: string[] = []
    for (const authorizer of authorizers) {
      const verdict = authorizer.authorize(attributes)
      if (verdict.allowed) return verdict
      if (verdict.reason !== undefined) reasons.push(verdict.reason)
    }
    return reasons.length === 0 ? noOpinion : { allowed: false, reason: reasons.join(', ') }
  },
})
