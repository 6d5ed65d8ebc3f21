/** Which rules hold for whom: the bindings by their subjects, kept up to date with the store. */
import type { KubeObject } from '../../../api/types/index.ts'
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../../api/types/kubernetes/rbac-v1.ts'
import type { User } from '../../auth/user.ts'
import { follow } from '../../storage/follow.ts'
import type { Store } from '../../storage/store.ts'
import { accountUserName } from '../../tokens/claims.ts'

const group = 'rbac.authorization.k8s.io'
type Binding = RoleBinding | ClusterRoleBinding

/** What a binding gives to a user. */
export interface Grant {
  /** Undefined when the role is not there. */
  readonly rules: readonly PolicyRule[] | undefined
  /** `ClusterRoleBinding "a" of ClusterRole "b" to User "c"`, or which role is missing. */
  readonly describe: () => string
}

export interface RuleResolver {
  /** What holds in a namespace; for undefined, what holds everywhere. */
  grants(user: User, namespace: string | undefined): Iterable<Grant>
  /** The rules of a role, as a binding of this namespace refers to it; undefined when there is no such role. */
  rulesOfRole(ref: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined
}

/** Everything that a user may by roles. */
export const rulesOf = (resolver: RuleResolver, user: User, namespace: string | undefined): readonly PolicyRule[] =>
  [...resolver.grants(user, namespace)].flatMap(({ rules = [] }) => rules)

/** By which name of a user a subject is found; undefined for what nobody can be. */
const memberOf = (
  { kind, name, namespace: own }: Subject,
  bindingNamespace: string | undefined,
): string | undefined => {
  const namespace = own || bindingNamespace
  switch (kind) {
    case 'User':
      return `user ${name}`
    case 'Group':
      return `group ${name}`
    case 'ServiceAccount':
      return namespace === undefined ? undefined : `user ${accountUserName(namespace, name)}`
    default:
      return undefined
  }
}

const subjectText = ({ kind, name, namespace: own }: Subject, bindingNamespace: string | undefined): string =>
  kind === 'ServiceAccount'
    ? `${kind} ${JSON.stringify(`${name}/${own || (bindingNamespace ?? '')}`)}`
    : `${kind} ${JSON.stringify(name)}`

const grantText = ({ metadata, roleRef }: Binding, subject: Subject): string => {
  const { name, namespace } = metadata
  const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding'
  const key = namespace === undefined ? name : `${name}/${namespace}`
  const role = `${roleRef.kind} ${JSON.stringify(roleRef.name)}`
  return `${kind} ${JSON.stringify(key)} of ${role} to ${subjectText(subject, namespace)}`
}

/** Bindings of one kind, by where they hold and whom they are for. */
const createIndex = () => {
  const keysOf = new Map<string, readonly string[]>()
  const found = new Map<string, Map<string, readonly [Binding, Subject]>>()

  const remove = (id: string): void => {
    for (const key of keysOf.get(id) ?? []) {
      const bindings = found.get(key)
      bindings?.delete(id)
      if (bindings?.size === 0) found.delete(key)
    }
    keysOf.delete(id)
  }

  return {
    see: (id: string, binding: Binding | undefined): void => {
      remove(id)
      if (!binding) return
      const { namespace } = binding.metadata
      const keys = (binding.subjects ?? []).flatMap((subject) => {
        const member = memberOf(subject, namespace)
        if (member === undefined) return []
        const key = `${namespace ?? ''} ${member}`
        const bindings = found.get(key) ?? new Map<string, readonly [Binding, Subject]>()
        found.set(key, bindings.set(id, [binding, subject]))
        return [key]
      })
      keysOf.set(id, keys)
    },
    /** Each binding once. */
    of: ({ name, groups }: User, namespace: string | undefined): readonly (readonly [Binding, Subject])[] => {
      const all = new Map<string, readonly [Binding, Subject]>()
      for (const member of [`user ${name}`, ...groups.map((each) => `group ${each}`)])
        for (const [id, bound] of found.get(`${namespace ?? ''} ${member}`) ?? []) if (!all.has(id)) all.set(id, bound)
      return [...all.values()]
    },
  }
}

export const createRuleResolver = (store: Store): RuleResolver => {
  const everywhere = createIndex()
  const inNamespaces = createIndex()
  follow<ClusterRoleBinding>(store, { group, plural: 'clusterrolebindings' }, everywhere.see)
  follow<RoleBinding>(store, { group, plural: 'rolebindings' }, inNamespaces.see)

  const rulesOfRole = ({ kind, name }: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined => {
    const key =
      kind === 'ClusterRole'
        ? { bucket: `clusterroles.${group}`, name }
        : { bucket: `roles.${group}`, name: `${namespace}/${name}` }
    const role: KubeObject | undefined = store.get(key)?.object
    return role && ((role as ClusterRole).rules ?? [])
  }

  return {
    rulesOfRole,
    grants: function* (user, namespace) {
      const bound = [...everywhere.of(user, undefined), ...(namespace ? inNamespaces.of(user, namespace) : [])]
      for (const [binding, subject] of bound) {
        const { roleRef } = binding
        const rules = rulesOfRole(roleRef, binding.metadata.namespace)
        const describe = () =>
          rules
            ? grantText(binding, subject)
            : `${roleRef.kind.toLowerCase()}.${group} ${JSON.stringify(roleRef.name)} not found`
        yield { rules, describe }
      }
    },
  }
}
