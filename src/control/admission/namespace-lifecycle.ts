/** Objects live only in namespaces that exist and are not on their way out; some namespaces never go. */
import { forbidden, notFound } from '../../api/errors.ts'
import type { Namespace } from '../../api/types/index.ts'
import type { Admission } from '../objects/admission.ts'
import { namespace as namespaces } from '../resources/core/namespace.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import type { Store } from '../storage/store.ts'

/** What every cluster has and every client counts on. */
const immortal: readonly string[] = ['default', 'kube-system', 'kube-public']

/** Throws NotFound, or Forbidden in one that is on its way out. */
const checkNamespace = (
  store: Store,
  definition: ResourceDefinition,
  namespace: string | undefined,
  name: string,
): void => {
  if (!definition.namespaced || namespace === undefined) return
  const found = store.get({ bucket: bucketOf(namespaces), name: namespace })?.object as Namespace | undefined
  if (!found) throw notFound(namespaces, namespace)
  if (found.metadata.deletionTimestamp === undefined) return
  throw forbidden(
    definition,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  )
}

export const namespaceLifecycle = (store: Store): Admission => ({
  name: 'NamespaceLifecycle',
  admit: ({ operation, definition, object }) => {
    const { namespace, name } = object.metadata
    if (operation === 'create') checkNamespace(store, definition, namespace, name)
    return object
  },
  admitRequest: ({ operation, definition, object, namespace, name }) => {
    // What somebody may do can be asked of any namespace.
    if (operation === 'create' && definition.group !== 'authorization.k8s.io')
      checkNamespace(store, definition, namespace, name)
    return object
  },
  admitDeletion: ({ definition, object: { metadata } }) => {
    if (definition === namespaces && immortal.includes(metadata.name))
      throw forbidden(definition, metadata.name, 'this namespace may not be deleted')
  },
})
