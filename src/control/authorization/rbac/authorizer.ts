/** Allows what the roles allow that are bound to the caller. */
import { type Authorizer, noOpinion } from '../../auth/authorizer.ts'
import type { RuleResolver } from './resolver.ts'
import { ruleAllows } from './rules.ts'

/** Several failures as Kubernetes lists them. */
const listed = (texts: readonly string[]): string => {
  const [only] = texts
  return texts.length === 1 && only !== undefined ? only : `[${texts.join(', ')}]`
}

export const createRbacAuthorizer = (resolver: RuleResolver): Authorizer => ({
  authorize: ({ user, request }) => {
    const missing: string[] = []
    for (const { rules, describe } of resolver.grants(user, request.kind === 'path' ? undefined : request.namespace)) {
      if (rules === undefined) missing.push(describe())
      else if (rules.some((rule) => ruleAllows(rule, request)))
        return { decision: 'allow', reason: `RBAC: allowed by ${describe()}` }
    }
    return missing.length === 0 ? noOpinion : { decision: 'none', reason: `RBAC: ${listed(missing)}` }
  },
  rules: (user, namespace) => {
    const grants = [...resolver.grants(user, namespace)]
    const rules = grants.flatMap((grant) => grant.rules ?? [])
    return {
      resourceRules: rules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames }) =>
        resources.length === 0
          ? []
          : [{ verbs, apiGroups, resources, ...(resourceNames === undefined ? {} : { resourceNames }) }],
      ),
      nonResourceRules: rules.flatMap(({ verbs, nonResourceURLs = [] }) =>
        nonResourceURLs.length === 0 ? [] : [{ verbs, nonResourceURLs }],
      ),
      problems: grants.flatMap(({ rules, describe }) => (rules ? [] : [describe()])),
    }
  },
})
