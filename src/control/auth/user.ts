import { bootstrappersGroup } from '../../api/bootstrap-token.ts'
import { controlUserName, nodesGroup, nodeUserPrefix } from '../../api/users.ts'

/** Who makes a request. Groups say what kind of caller it is; the authorizers decide by them. */
export interface User {
  readonly name: string
  readonly groups: readonly string[]
  /** Tells users of one name apart who are not there at the same time. */
  readonly uid?: string
  /** What else is known of it, such as the pod that a token is for. */
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** May do everything: administrators, and the control plane's own parts. */
export const mastersGroup = 'system:masters'
/** Everybody who has shown who they are, and everybody who has shown nothing. */
export const authenticatedGroup = 'system:authenticated'
export const unauthenticatedGroup = 'system:unauthenticated'

/** Whoever shows nothing: may do what it is allowed, like anybody else. */
export const anonymous: User = { name: 'system:anonymous', groups: [unauthenticatedGroup] }

/** The user as it goes on: one of those who are known. */
export const asAuthenticated = (user: User): User =>
  user.groups.includes(authenticatedGroup) || user.groups.includes(unauthenticatedGroup)
    ? user
    : { ...user, groups: [...user.groups, authenticatedGroup] }

/** The control plane itself, as its controllers and scheduler appear. */
export const controlUser: User = { name: controlUserName, groups: [mastersGroup, authenticatedGroup] }

/** As a review tells it. */
export const infoOf = ({ name, uid, groups, extra }: User) => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra && Object.keys(extra).length > 0 ? { extra } : {}),
})

/** The node that a user speaks for, or undefined when it is no node. */
export const nodeOf = (user: User): string | undefined =>
  user.groups.includes(nodesGroup) && user.name.startsWith(nodeUserPrefix)
    ? user.name.slice(nodeUserPrefix.length)
    : undefined

/** The holder of a bootstrap token: it may ask for a node's client certificate and nothing else. */
export const isBootstrapper = (user: User): boolean => user.groups.includes(bootstrappersGroup)
