/** Makes the default roles and bindings when the control plane starts, and adds what is missing in them. */
import type { Client, Draft } from '../../api/client.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../api/errors.ts'
import { objectKey, type Resource } from '../../api/resources.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../api/types/kubernetes/rbac-v1.ts'
import {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
} from '../authorization/rbac/defaults.ts'
import { type AnyRole, reconciledBinding, reconciledRole } from '../authorization/rbac/reconcile.ts'

const resource = <T extends KubeObject>(plural: string, kind: string, namespaced: boolean): Resource<T> => ({
  ...{ group: 'rbac.authorization.k8s.io', version: 'v1' },
  ...{ plural, kind, namespaced },
})

/** Another control plane may be at the same work, or somebody who changes the object just now: the next start sees. */
const unlessRaced = (error: unknown): void => {
  if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error
}

const keepAll = async <T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  wanted: readonly Draft<T>[],
  keep: (found: T, wanted: Draft<T>) => Promise<unknown>,
): Promise<void> => {
  const { items } = await client.list(resource)
  const found = new Map(items.map((item) => [objectKey(item), item]))
  // All at once: the store commits together what comes together, and a first start makes about a hundred.
  await Promise.all(
    wanted.map((draft) => {
      const there = found.get(objectKey(draft))
      return (there ? keep(there, draft) : client.create(resource, draft)).catch(unlessRaced)
    }),
  )
}

const keepRoles = <T extends AnyRole>(client: Client, resource: Resource<T>, wanted: readonly Draft<T>[]) =>
  keepAll(client, resource, wanted, async (found, draft) => {
    const next = reconciledRole(found, draft)
    if (next) await client.update(resource, next)
  })

const keepBindings = <T extends RoleBinding | ClusterRoleBinding>(
  client: Client,
  resource: Resource<T>,
  wanted: readonly Draft<T>[],
) =>
  keepAll(client, resource, wanted, async (found, draft) => {
    const next = reconciledBinding(found, draft)
    if (!next) return
    if (!next.replace) return void (await client.update(resource, next.binding))
    await client.delete(resource, found)
    const { name, namespace, labels, annotations } = next.binding.metadata
    const metadata = { name, labels, annotations, ...(namespace === undefined ? {} : { namespace }) }
    await client.create(resource, { ...next.binding, metadata })
  })

export const keepDefaultRoles = async (client: Client): Promise<void> => {
  await keepRoles<ClusterRole>(client, resource('clusterroles', 'ClusterRole', false), defaultClusterRoles)
  await keepBindings<ClusterRoleBinding>(
    client,
    resource('clusterrolebindings', 'ClusterRoleBinding', false),
    defaultClusterRoleBindings,
  )
  await keepRoles<Role>(client, resource('roles', 'Role', true), defaultRoles)
  await keepBindings<RoleBinding>(client, resource('rolebindings', 'RoleBinding', true), defaultRoleBindings)
}
