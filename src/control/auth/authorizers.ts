/** Everybody who may allow a request. A further one, such as RBAC, is one more line here. */
import { type Authorizer, allowed, anyOf, noOpinion } from './authorizer.ts'
import { createNodeAuthorizer, type NodeGraph } from './node-authorizer.ts'
import { joinersGroup, mastersGroup } from './user.ts'

/** Administrators, and the control plane's own parts. */
const masters: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(mastersGroup) ? allowed : noOpinion),
}

const isDiscovery = (path: string): boolean => /^\/(api|apis|openapi|version|healthz|livez|readyz)(\/|$)/.test(path)

/** Paths that tell nothing worth protecting and everything a client needs to find its way. */
const discovery: Authorizer = {
  authorize: ({ user, request }) =>
    request.kind === 'path' &&
    !user.groups.includes(joinersGroup) &&
    request.verb === 'get' &&
    isDiscovery(request.path)
      ? allowed
      : noOpinion,
}

const joiners: Authorizer = {
  authorize: ({ user, request }) =>
    request.kind === 'path' && user.groups.includes(joinersGroup) && request.path.startsWith('/podway/v1/join')
      ? allowed
      : noOpinion,
}

export const createAuthorizer = (graph: NodeGraph): Authorizer =>
  anyOf([masters, discovery, joiners, createNodeAuthorizer(graph)])
