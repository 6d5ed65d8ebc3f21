/** Fills ClusterRoles that gather the rules of others, by their labels. */
import { deepEqual } from '../../api/deep-equal.ts'
import type { Resource } from '../../api/resources.ts'
import { matchLabelSelector } from '../../api/selectors.ts'
import type { ClusterRole, PolicyRule } from '../../api/types/kubernetes/rbac-v1.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import type { CreateController } from './controller.ts'

const name = 'clusterrole-aggregation-controller'

const clusterRoles: Resource<ClusterRole> = {
  ...{ group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles' },
  ...{ kind: 'ClusterRole', namespaced: false },
}

/** The rules that a ClusterRole is to have; undefined for one that gathers nothing. Pure. */
export const gatheredRules = (role: ClusterRole, all: Iterable<ClusterRole>): readonly PolicyRule[] | undefined => {
  const selectors = role.aggregationRule?.clusterRoleSelectors
  if (!selectors) return undefined
  const others = [...all]
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const gathered: PolicyRule[] = []
  for (const selector of selectors) {
    const matches = matchLabelSelector(selector)
    for (const rule of others.filter(({ metadata }) => matches(metadata.labels)).flatMap(({ rules }) => rules ?? []))
      if (!gathered.some((each) => deepEqual(each, rule))) gathered.push(rule)
  }
  return gathered
}

export const createClusterRoleAggregation: CreateController = (context) => {
  const { client, informers } = context
  const copies = informers.of(clusterRoles)

  const reconcile = async (key: string): Promise<Outcome> => {
    const role = copies.get(key)
    const rules = role && gatheredRules(role, copies.values())
    if (role && rules && !deepEqual(rules, role.rules ?? [])) await client.update(clusterRoles, { ...role, rules })
    return 'done'
  }

  return {
    name,
    run: (signal) => {
      const queue = createQueue(context, name, reconcile)
      const addAll = (): void => {
        for (const { metadata, aggregationRule } of copies.values()) if (aggregationRule) queue.add(metadata.name)
      }
      copies.onChange(addAll)
      addAll()
      return queue.run(signal)
    },
  }
}
