/** Pods have the priority of their class; one class at most is the default, and those of the system stay. */
import { type ApiError, forbidden } from '../../api/errors.ts'
import type { Pod } from '../../api/types/index.ts'
import type { PriorityClass } from '../../api/types/kubernetes/scheduling-v1.ts'
import type { Admission } from '../objects/admission.ts'
import { pod as pods } from '../resources/core/pod.ts'
import { bucketOf } from '../resources/definition.ts'
import { priorityClass as kind, systemPriorityClasses } from '../resources/scheduling/priority-class.ts'
import type { Store } from '../storage/store.ts'

const usualPolicy = 'PreemptLowerPriority'

/** What pods without a class have when there is no default one. */
const noClass = { name: undefined, value: 0, preemptionPolicy: usualPolicy }

export const priorityClasses = (store: Store): Admission => {
  const bucket = bucketOf(kind)
  const all = (): readonly PriorityClass[] => store.list(bucket).entries.map((entry) => entry.object as PriorityClass)

  const checkClass = (object: PriorityClass): PriorityClass => {
    const other = all().find(({ globalDefault, metadata }) => globalDefault && metadata.name !== object.metadata.name)
    if (object.globalDefault && other)
      throw forbidden(
        kind,
        object.metadata.name,
        `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
      )
    return object
  }

  const refuse = (pod: Pod, why: string): ApiError => forbidden(pods, pod.metadata.name, why)

  const classOf = (pod: Pod) => {
    const name = pod.spec.priorityClassName
    const found = name
      ? (store.get({ bucket, name })?.object as PriorityClass | undefined)
      : all().find(({ globalDefault }) => globalDefault)
    if (name && !found) throw refuse(pod, `no PriorityClass with name ${name} was found`)
    return found
      ? { name: found.metadata.name, value: found.value, preemptionPolicy: found.preemptionPolicy ?? usualPolicy }
      : noClass
  }

  const withPriority = (pod: Pod): Pod => {
    const { name, value, preemptionPolicy } = classOf(pod)
    const { priority = value, preemptionPolicy: policy = preemptionPolicy } = pod.spec
    const given = (what: string, wanted: string | number, computed: string | number): string =>
      `the ${what} (${wanted}) must not be provided in pod spec; priority admission controller computed ${computed} from the given PriorityClass name`
    if (priority !== value) throw refuse(pod, given('integer value of priority', priority, value))
    if (policy !== preemptionPolicy)
      throw refuse(pod, given('string value of PreemptionPolicy', policy, preemptionPolicy))
    const spec = { ...pod.spec, priority, preemptionPolicy }
    return { ...pod, spec: name === undefined ? spec : { ...spec, priorityClassName: name } }
  }

  /** Who writes the whole pod need not know what was decided when it was made. */
  const kept = (pod: Pod, old: Pod): Pod => {
    const { priority = old.spec.priority, preemptionPolicy = old.spec.preemptionPolicy } = pod.spec
    return {
      ...pod,
      spec: {
        ...pod.spec,
        ...(priority === undefined ? {} : { priority }),
        ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
      },
    }
  }

  return {
    name: 'Priority',
    admit: ({ operation, definition, object, old }) => {
      if (definition === kind) return checkClass(object as PriorityClass)
      if (definition !== pods) return object
      return operation === 'create' ? withPriority(object as Pod) : kept(object as Pod, old as Pod)
    },
    admitDeletion: ({ definition, object: { metadata } }) => {
      if (definition === kind && systemPriorityClasses.some(({ name }) => name === metadata.name))
        throw forbidden(kind, metadata.name, 'this is a system priority class and cannot be deleted')
    },
  }
}
