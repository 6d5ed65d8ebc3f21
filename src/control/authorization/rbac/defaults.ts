/** The default roles and bindings as objects. Pure. */
import type { Draft } from '../../../api/client.ts'
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../../api/types/kubernetes/rbac-v1.ts'
import {
  aggregatedRoles,
  aggregatedTo,
  clusterRoleBindings,
  clusterRoles,
  controllerRoles,
  namespacedRoles,
  roleBindings,
} from './default-roles.ts'

const group = 'rbac.authorization.k8s.io'
const controllerPrefix = 'system:controller:'

/** Where it stands, and says anything but `true`, whoever runs the cluster keeps the object as it is. */
export const autoUpdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate'
const annotations = { [autoUpdateAnnotation]: 'true' }
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const aggregateLabel = (name: string): string => `${group}/aggregate-to-${name}`

const ruleOf = (text: string): PolicyRule => {
  const [verbs = [], groups = [], targets = [], names = []] = text.split(' / ').map((part) => part.split(' '))
  if (groups[0] === 'urls') return { verbs, nonResourceURLs: targets }
  return {
    verbs,
    apiGroups: groups.map((each) => (each === 'core' ? '' : each)),
    resources: targets,
    ...(names.length === 0 ? {} : { resourceNames: names }),
  }
}

const labelsOf = (name: string) => {
  const targets = Object.hasOwn(aggregatedTo, name) ? (aggregatedTo[name] ?? []) : []
  return { ...labels, ...Object.fromEntries(targets.map((target) => [aggregateLabel(target), 'true'])) }
}

const clusterRole = (name: string, rules: readonly string[]): Draft<ClusterRole> => ({
  metadata: { name, labels: labelsOf(name), annotations },
  rules: rules.map(ruleOf),
})

const aggregated = (name: string): Draft<ClusterRole> => ({
  ...clusterRole(name, []),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(name)]: 'true' } }] },
})

/** `namespace/name` → its two parts. */
const split = (key: string) => {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

const subjectOf = (text: string): Subject => {
  const space = text.indexOf(' ')
  const [kind, name] = [text.slice(0, space), text.slice(space + 1)]
  return kind === 'ServiceAccount' ? { kind, ...split(name) } : { kind, apiGroup: group, name }
}

const clusterRoleBinding = (name: string, role: string, subjects: readonly string[]): Draft<ClusterRoleBinding> => ({
  metadata: { name, labels, annotations },
  roleRef: { apiGroup: group, kind: 'ClusterRole', name: role },
  subjects: subjects.map(subjectOf),
})

export const defaultClusterRoles: readonly Draft<ClusterRole>[] = [
  ...aggregatedRoles.map(aggregated),
  ...Object.entries(clusterRoles).map(([name, rules]) => clusterRole(name, rules)),
  ...Object.entries(controllerRoles).map(([name, rules]) => clusterRole(`${controllerPrefix}${name}`, rules)),
]

export const defaultRoles: readonly Draft<Role>[] = Object.entries(namespacedRoles).map(([key, rules]) => ({
  metadata: { ...split(key), labels, annotations },
  rules: rules.map(ruleOf),
}))

export const defaultClusterRoleBindings: readonly Draft<ClusterRoleBinding>[] = [
  ...Object.entries(clusterRoleBindings).map(([name, { role, subjects }]) => clusterRoleBinding(name, role, subjects)),
  ...Object.keys(controllerRoles).map((name) =>
    clusterRoleBinding(`${controllerPrefix}${name}`, `${controllerPrefix}${name}`, [
      `ServiceAccount kube-system/${name}`,
    ]),
  ),
]

export const defaultRoleBindings: readonly Draft<RoleBinding>[] = Object.entries(roleBindings).map(
  ([key, { role, subjects }]) => ({
    metadata: { ...split(key), labels, annotations },
    roleRef: { apiGroup: group, kind: 'Role', name: role },
    subjects: subjects.map(subjectOf),
  }),
)
