/** Nobody gives to others what they do not have: roles and bindings are held against what their writer may. */
import { deepEqual } from '../../api/deep-equal.ts'
import { forbidden, notFound } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { ClusterRole, PolicyRule, RoleBinding, RoleRef } from '../../api/types/kubernetes/rbac-v1.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { mastersGroup, type User } from '../auth/user.ts'
import { type RuleResolver, rulesOf } from '../authorization/rbac/resolver.ts'
import { compactRules, missingRules, ruleText } from '../authorization/rbac/rules.ts'
import type { Admission, Review } from '../objects/admission.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { clusterRoleBinding, roleBinding } from '../resources/rbac/binding.ts'
import { clusterRole, role } from '../resources/rbac/role.ts'

const roleKinds: readonly ResourceDefinition[] = [role, clusterRole]
const bindingKinds: readonly ResourceDefinition[] = [roleBinding, clusterRoleBinding]

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Without what the garbage collector changes, and what the server keeps of a write. */
const content = ({ metadata, ...rest }: KubeObject) => {
  const {
    ownerReferences: _owners,
    finalizers: _finalizers,
    managedFields: _fields,
    resourceVersion: _,
    ...kept
  } = metadata
  return { ...rest, metadata: kept }
}

const gathers = (object: KubeObject | undefined): boolean =>
  ((object as ClusterRole | undefined)?.aggregationRule?.clusterRoleSelectors ?? []).length > 0

const quoted = (list: readonly string[]): string => `[${list.map((each) => JSON.stringify(each)).join(' ')}]`

const notHeld = ({ name, groups }: User, missing: readonly PolicyRule[]): string => {
  const lines = [...new Set(compactRules(missing).map(ruleText))].sort()
  return `user ${JSON.stringify(name)} (groups=${quoted(groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
}

export const roleEscalation = (resolver: RuleResolver, authorizer: Authorizer): Admission => {
  const may = async (
    { user, object, operation, definition }: Review,
    verb: 'bind' | 'escalate',
    of: { readonly plural: string; readonly name: string | undefined },
  ): Promise<boolean> => {
    const { namespace } = object.metadata
    const place = { namespace: definition.namespaced ? namespace : undefined, subresource: undefined, version: '*' }
    const name = verb === 'escalate' && operation === 'create' ? undefined : of.name
    const request = { kind: 'resource', verb, group: definition.group, plural: of.plural, name, ...place } as const
    return (await authorizer.authorize({ user, request, labelSelector: '' })).decision === 'allow'
  }

  const missing = ({ user, object }: Review, wanted: readonly PolicyRule[]): readonly PolicyRule[] =>
    missingRules(rulesOf(resolver, user, object.metadata.namespace), wanted)

  const refuse = ({ definition, object }: Review, why: string): never => {
    throw forbidden(definition, object.metadata.name, why)
  }

  const checkRole = async (review: Review): Promise<void> => {
    const { object, old, definition, user } = review
    if (await may(review, 'escalate', { plural: definition.plural, name: object.metadata.name })) return
    const lacking = missing(review, (object as ClusterRole).rules ?? [])
    if (lacking.length > 0) refuse(review, notHeld(user, lacking))
    if ((gathers(object) || gathers(old)) && missing(review, everything).length > 0)
      refuse(review, 'must have cluster-admin privileges to use the aggregationRule')
  }

  const rulesOfRef = (ref: RoleRef, { definition, object }: Review): readonly PolicyRule[] => {
    const rules = resolver.rulesOfRole(ref, object.metadata.namespace)
    if (!rules) throw notFound({ group: definition.group, plural: ref.kind.toLowerCase() }, ref.name)
    return rules
  }

  const checkBinding = async (review: Review): Promise<void> => {
    const { roleRef } = review.object as RoleBinding
    // What is no role is refused as such, when the object is checked.
    if (roleRef?.kind !== 'Role' && roleRef?.kind !== 'ClusterRole') return
    const plural = roleRef.kind === 'Role' ? role.plural : clusterRole.plural
    if (await may(review, 'bind', { plural, name: roleRef.name })) return
    const lacking = missing(review, rulesOfRef(roleRef, review))
    if (lacking.length > 0) refuse(review, notHeld(review.user, lacking))
  }

  return {
    name: 'RoleEscalation',
    admit: async (review) => {
      const { definition, object, old, user } = review
      const [isRole, isBinding] = [roleKinds.includes(definition), bindingKinds.includes(definition)]
      if (!(isRole || isBinding) || user.groups.includes(mastersGroup)) return object
      if (old && deepEqual(content(object), content(old))) return object
      await (isRole ? checkRole(review) : checkBinding(review))
      return object
    },
  }
}
