/** Objects live only in namespaces that exist and are not on their way out. */
import { forbidden, notFound } from '../../api/errors.ts'
import type { Namespace } from '../../api/types/index.ts'
import type { Admission } from '../objects/admission.ts'
import { bucketOf } from '../registry/definition.ts'
import { namespace as namespaces } from '../registry/namespace.ts'
import type { Store } from '../store/store.ts'

export const namespaceLifecycle = (store: Store): Admission => ({
  name: 'NamespaceLifecycle',
  admit: ({ operation, definition, object }) => {
    const { namespace, name } = object.metadata
    if (!definition.namespaced || operation !== 'create' || namespace === undefined) return object
    const found = store.get({ bucket: bucketOf(namespaces), name: namespace })?.object as Namespace | undefined
    if (!found) throw notFound(namespaces, namespace)
    if (found.metadata.deletionTimestamp !== undefined)
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
    return object
  },
})
