/** Everybody who may allow a request. A further one, such as RBAC, is one more line here. */

import type { Store } from '../storage/store.ts'
import { type Authorizer, allowed, createAuthorizerChain, noOpinion } from './authorizer.ts'
import { createCertificateAuthorizer } from './certificate-authorizer.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createNodeGraph, type NodeGraphOptions } from './node-graph.ts'
import { authenticatedGroup, isBootstrapper, mastersGroup } from './user.ts'

/** Administrators, and the control plane's own parts. */
const masters: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(mastersGroup) ? allowed : noOpinion),
}

const isDiscovery = (path: string): boolean => /^\/(api|apis|openapi)(\/|$)/.test(path)
const isPublic = (path: string): boolean => /^\/(healthz|livez|readyz|version)(\/|$)/.test(path)

/** Paths that tell nothing worth protecting: how the server is, to everybody; what it serves, to whoever is known. */
const discovery: Authorizer = {
  authorize: ({ user, request }) =>
    request.kind === 'path' &&
    request.verb === 'get' &&
    (isPublic(request.path) ||
      (isDiscovery(request.path) && user.groups.includes(authenticatedGroup) && !isBootstrapper(user)))
      ? allowed
      : noOpinion,
}

export const createAuthorizer = (store: Store, options: NodeGraphOptions = {}): Authorizer =>
  createAuthorizerChain([
    masters,
    discovery,
    createCertificateAuthorizer(store),
    createNodeAuthorizer(createNodeGraph(store, options)),
  ])
