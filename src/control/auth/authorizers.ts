/** Everybody who may allow a request. A further one, such as RBAC, is one more line here. */

import type { Store } from '../storage/store.ts'
import { type Authorizer, allowed, anyOf, noOpinion } from './authorizer.ts'
import { createCertificateAuthorizer } from './certificate-authorizer.ts'
import { createNodeAuthorizer } from './node-authorizer.ts'
import { createNodeGraph, type NodeGraphOptions } from './node-graph.ts'
import { isBootstrapper, mastersGroup } from './user.ts'

/** Administrators, and the control plane's own parts. */
const masters: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(mastersGroup) ? allowed : noOpinion),
}

const isDiscovery = (path: string): boolean => /^\/(api|apis|openapi|version|healthz|livez|readyz)(\/|$)/.test(path)

/** Paths that tell nothing worth protecting and everything a client needs to find its way. */
const discovery: Authorizer = {
  authorize: ({ user, request }) =>
    request.kind === 'path' && !isBootstrapper(user) && request.verb === 'get' && isDiscovery(request.path)
      ? allowed
      : noOpinion,
}

export const createAuthorizer = (store: Store, options: NodeGraphOptions = {}): Authorizer =>
  anyOf([masters, discovery, createCertificateAuthorizer(store), createNodeAuthorizer(createNodeGraph(store, options))])
