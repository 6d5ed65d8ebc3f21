/** Everybody who may allow a request, in the order in which they are asked. A further one is one more line here. */
import { type Authorizer, allowed, createAuthorizerChain, noOpinion } from '../auth/authorizer.ts'
import { mastersGroup } from '../auth/user.ts'
import type { Store } from '../storage/store.ts'
import { createCertificateAuthorizer } from './certificate-authorizer.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createNodeGraph, type NodeGraphOptions } from './node-graph.ts'
import { createRbacAuthorizer } from './rbac/authorizer.ts'
import { createRuleResolver, type RuleResolver } from './rbac/resolver.ts'

/** As `--authorization-mode` names them. */
export type AuthorizationMode = 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny'

export interface AuthorizationSettings extends NodeGraphOptions {
  readonly modes?: readonly AuthorizationMode[]
}

export interface Authorization {
  readonly authorizer: Authorizer
  /** What roles give to whom, in whatever mode: nobody writes a role that says more. */
  readonly resolver: RuleResolver
}

/** Administrators, and the control plane's own parts: whatever the mode is, they are not locked out. */
const masters: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(mastersGroup) ? allowed : noOpinion),
}

const everybody: Authorizer = { authorize: () => allowed }
const nobody: Authorizer = { authorize: () => ({ decision: 'none', reason: 'Everything is forbidden.' }) }

export const createAuthorization = (
  store: Store,
  { modes = ['Node', 'RBAC'], ...graph }: AuthorizationSettings = {},
): Authorization => {
  const resolver = createRuleResolver(store)
  const authorizers: Readonly<Record<AuthorizationMode, () => readonly Authorizer[]>> = {
    Node: () => [createNodeAuthorizer(createNodeGraph(store, graph)), createCertificateAuthorizer(store)],
    RBAC: () => [createRbacAuthorizer(resolver)],
    AlwaysAllow: () => [everybody],
    AlwaysDeny: () => [nobody],
  }
  const authorizer = createAuthorizerChain([masters, ...modes.flatMap((mode) => authorizers[mode]())])
  return { authorizer, resolver }
}
