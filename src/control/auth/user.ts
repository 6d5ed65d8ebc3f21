import { bootstrappersGroup } from '../../api/bootstrap-token.ts'
import { controlUserName, nodesGroup, nodeUserPrefix } from '../../api/users.ts'

/** Who makes a request. Groups say what kind of caller it is; the authorizers decide by them. */
export interface User {
  readonly name: string
  readonly groups: readonly string[]
}

/** May do everything: administrators, and the control plane's own parts. */
export const mastersGroup = 'system:masters'

/** The control plane itself, as its controllers and scheduler appear. */
export const controlUser: User = { name: controlUserName, groups: [mastersGroup] }

/** The node that a user speaks for, or undefined when it is no node. */
export const nodeOf = (user: User): string | undefined =>
  user.groups.includes(nodesGroup) && user.name.startsWith(nodeUserPrefix)
    ? user.name.slice(nodeUserPrefix.length)
    : undefined

/** The holder of a bootstrap token: it may ask for a node's client certificate and nothing else. */
export const isBootstrapper = (user: User): boolean => user.groups.includes(bootstrappersGroup)
