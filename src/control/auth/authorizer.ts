/** Who decides whether a request may go on, and how several who decide stand one after the other. */
import type { User } from './user.ts'

/** What somebody wants to do with a resource. Verbs are those of requests, and others that reviews ask for: `use`, `bind`. */
export interface ResourceAccess {
  readonly kind: 'resource'
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly subresource: string | undefined
  /** Undefined for cluster-scoped requests and lists over all namespaces. */
  readonly namespace: string | undefined
  readonly name: string | undefined
}

export interface PathAccess {
  readonly kind: 'path'
  /** The method in lower case. */
  readonly verb: string
  readonly path: string
}

export type Access = ResourceAccess | PathAccess

/** All that an authorizer sees of a request; what is in its body is the matter of admission. */
export interface Attributes {
  readonly user: User
  readonly request: Access
  /** As it stands in the query; empty when missing. */
  readonly labelSelector: string
}

/** `reason` tells the caller why somebody who might have allowed it did not, and the audit log why somebody did. */
export interface Verdict {
  readonly decision: 'allow' | 'deny' | 'none'
  readonly reason?: string
}

/** What somebody may do in a namespace, as far as it can be told. */
export interface Rules {
  readonly resourceRules: readonly ResourceRule[]
  readonly nonResourceRules: readonly NonResourceRule[]
  /** Why there may be more, or less. */
  readonly problems: readonly string[]
}

export interface ResourceRule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface NonResourceRule {
  readonly verbs: readonly string[]
  readonly nonResourceURLs: readonly string[]
}

/** Allows a request, denies it for good, or has no opinion. */
export interface Authorizer {
  authorize(attributes: Attributes): Verdict | Promise<Verdict>
  /** Missing: it has no rules that could be told. */
  rules?(user: User, namespace: string): Rules
}

export const allowed: Verdict = { decision: 'allow' }
export const noOpinion: Verdict = { decision: 'none' }

export const noRules: Rules = { resourceRules: [], nonResourceRules: [], problems: [] }

/** The first who allows or denies counts. When nobody has an opinion, all their reasons are told. */
export const createAuthorizerChain = (
  authorizers: readonly Authorizer[],
): Authorizer & Required<Pick<Authorizer, 'rules'>> => ({
  authorize: async (attributes) => {
    const reasons: string[] = []
    for (const authorizer of authorizers) {
      const verdict = await authorizer.authorize(attributes)
      if (verdict.decision !== 'none') return verdict
      if (verdict.reason !== undefined) reasons.push(verdict.reason)
    }
    return reasons.length === 0 ? noOpinion : { decision: 'none', reason: reasons.join(', ') }
  },
  rules: (user, namespace) => {
    const all = authorizers.map((authorizer) => authorizer.rules?.(user, namespace) ?? noRules)
    return {
      resourceRules: all.flatMap(({ resourceRules }) => resourceRules),
      nonResourceRules: all.flatMap(({ nonResourceRules }) => nonResourceRules),
      problems: all.flatMap(({ problems }) => problems),
    }
  },
})
