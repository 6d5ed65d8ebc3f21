/** Everybody who may allow a request, in the order in which they are asked. A further one is one more line here. */
import type { Clock } from '../../api/clock.ts'
import { openReviewWebhook } from '../../api/review-webhook.ts'
import type { Logger } from '../../host/log.ts'
import { type Authorizer, allowed, createAuthorizerChain, noOpinion } from '../auth/authorizer.ts'
import { mastersGroup } from '../auth/user.ts'
import type { Store } from '../storage/store.ts'
import { createAbacAuthorizer, readPolicies } from './abac.ts'
import { createCertificateAuthorizer } from './certificate-authorizer.ts'
import { type AuthorizationMode, type AuthorizationSettings, defaultModes } from './modes.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createNodeGraph } from './node-graph.ts'
import { createRbacAuthorizer } from './rbac/authorizer.ts'
import { createRuleResolver, type RuleResolver } from './rbac/resolver.ts'
import { createWebhookAuthorizer } from './webhook.ts'

export interface Authorization {
  readonly authorizer: ReturnType<typeof createAuthorizerChain>
  /** What roles give to whom, in whatever mode: nobody writes a role that says more. */
  readonly resolver: RuleResolver
}

/** Administrators, and the control plane's own parts: whatever the mode is, they are not locked out. */
const masters: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(mastersGroup) ? allowed : noOpinion),
}

const everybody: Authorizer = {
  authorize: () => allowed,
  rules: () => ({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    problems: [],
  }),
}
const nobody: Authorizer = { authorize: () => ({ decision: 'none', reason: 'Everything is forbidden.' }) }

/** Rejects for a policy file or a webhook's configuration that cannot be used. */
export const createAuthorization = async (
  { store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Logger },
  { modes = defaultModes, policyFile = '', webhook, ...graph }: AuthorizationSettings = {},
): Promise<Authorization> => {
  const resolver = createRuleResolver(store)
  const byWebhook = async (): Promise<readonly Authorizer[]> => {
    if (!webhook) throw new Error('authorization mode Webhook needs --authorization-webhook-config-file')
    return [
      createWebhookAuthorizer({ ...webhook, ask: await openReviewWebhook(webhook.configFile, clock), clock, log }),
    ]
  }
  const authorizers: Readonly<Record<AuthorizationMode, () => Promise<readonly Authorizer[]>>> = {
    Node: async () => [createNodeAuthorizer(createNodeGraph(store, graph)), createCertificateAuthorizer(store)],
    RBAC: async () => [createRbacAuthorizer(resolver)],
    ABAC: async () => [createAbacAuthorizer(await readPolicies(policyFile))],
    Webhook: byWebhook,
    AlwaysAllow: async () => [everybody],
    AlwaysDeny: async () => [nobody],
  }
  if (!modes.includes('Node') && !modes.includes('AlwaysAllow'))
    log.warn({ modes }, 'without the authorization mode Node, agents may only what the other modes allow them')
  const chosen = await Promise.all(modes.map((mode) => authorizers[mode]()))
  return { authorizer: createAuthorizerChain([masters, ...chosen.flat()]), resolver }
}
