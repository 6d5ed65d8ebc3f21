/** One PriorityClass at most is the default of pods, and those of the system stay. */
import { forbidden } from '../../api/errors.ts'
import type { PriorityClass } from '../../api/types/kubernetes/scheduling-v1.ts'
import type { Admission } from '../objects/admission.ts'
import { bucketOf } from '../resources/definition.ts'
import { priorityClass as kind, systemPriorityClasses } from '../resources/scheduling/priority-class.ts'
import type { Store } from '../storage/store.ts'

export const priorityClasses = (store: Store): Admission => ({
  name: 'Priority',
  admit: ({ definition, object }) => {
    if (definition !== kind || !(object as PriorityClass).globalDefault) return object
    const classes = store.list(bucketOf(kind)).entries.map((entry) => entry.object as PriorityClass)
    const other = classes.find(({ globalDefault, metadata }) => globalDefault && metadata.name !== object.metadata.name)
    if (other)
      throw forbidden(
        kind,
        object.metadata.name,
        `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
      )
    return object
  },
  admitDeletion: ({ definition, object: { metadata } }) => {
    if (definition === kind && systemPriorityClasses.some(({ name }) => name === metadata.name))
      throw forbidden(kind, metadata.name, 'this is a system priority class and cannot be deleted')
  },
})
