import { type FieldError, forbiddenField, required } from '../../../api/errors.ts'
import type { PriorityClass } from '../../../api/types/kubernetes/scheduling-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define, withMetadata } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'

/** What users may give at most; above it is the system's own. */
export const highestUserPriority = 1_000_000_000
const systemCritical = 2 * highestUserPriority
const systemPrefix = 'system-'

/** Those of every cluster: what it cannot do without is not pushed aside by anything else. */
export const systemPriorityClasses = [
  {
    name: 'system-node-critical',
    value: systemCritical + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: systemCritical,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
] as const

/** Why a class with a name of the system's is none of them. */
const wrongSystemClass = ({ metadata: { name }, value, globalDefault }: PriorityClass): string | undefined => {
  const known = systemPriorityClasses.find((each) => each.name === name)
  if (!known) return `${name} is not a known system priority class`
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

const validate = (priority: PriorityClass): FieldError[] => [
  ...(priority.preemptionPolicy === '' ? [required('preemptionPolicy')] : []),
  ...validateName(priority),
]

const validateName = (priority: PriorityClass): FieldError[] => {
  if ((priority.metadata.name ?? '').startsWith(systemPrefix)) {
    const wrong = wrongSystemClass(priority)
    return wrong === undefined
      ? []
      : [
          forbiddenField(
            'metadata.name',
            `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${wrong}`,
          ),
        ]
  }
  return priority.value > highestUserPriority
    ? [forbiddenField('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`)]
    : []
}

export const priorityClass = define<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'priorityclasses',
  singular: 'priorityclass',
  kind: 'PriorityClass',
  namespaced: false,
  shortNames: ['pc'],
  nameRule: subdomainName,
  columns: [
    nameColumn,
    column('Value', ({ value }) => value, 'The priority of pods of this class', 'integer'),
    column('Global-Default', ({ globalDefault }) => globalDefault ?? false, 'Pods without a class have it', 'boolean'),
    ageColumn,
  ],
  defaults: (priority) => ({ ...priority, preemptionPolicy: priority.preemptionPolicy ?? 'PreemptLowerPriority' }),
  onCreate: (priority) => withMetadata(priority, { generation: 1 }),
  validate,
  validateUpdate: (now, old) => [
    ...(now.value === old.value ? [] : [forbiddenField('Value', 'may not be changed in an update.')]),
    ...immutable('preemptionPolicy', now.preemptionPolicy, old.preemptionPolicy),
  ],
})
