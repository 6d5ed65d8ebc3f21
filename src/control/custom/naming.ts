/** Which names a CustomResourceDefinition gets, and what its conditions say. Pure. */
import { formatTime } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import type {
  CustomResourceDefinitionCondition as Condition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames as Names,
} from '../../api/types/kubernetes/apiextensions-v1.ts'
import { approvalOf, isFreeForm } from '../resources/apiextensions/validation.ts'
import { structuralErrors } from '../structural/rules.ts'

type State = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

const approvals = {
  approved: { status: 'True', reason: 'ApprovedAnnotation' },
  bypassed: { status: 'False', reason: 'UnapprovedAnnotation' },
  missing: { status: 'False', reason: 'MissingAnnotation' },
  invalid: { status: 'False', reason: 'InvalidAnnotation' },
} as const

const approvalAnnotation = 'api-approved.kubernetes.io'

const approvalState = (definition: CustomResourceDefinition): readonly State[] => {
  const approval = approvalOf(definition)
  if (approval === undefined) return []
  const text = definition.metadata.annotations?.[approvalAnnotation] ?? ''
  return [
    {
      type: 'KubernetesAPIApprovalPolicyConformant',
      ...approvals[approval],
      message:
        approval === 'approved'
          ? `approved in ${text}`
          : approval === 'missing'
            ? `protected groups must have approval annotation "${approvalAnnotation}"`
            : text.slice(0, 256),
    },
  ]
}

/** What keeps a schema from being structural, which only definitions of before v1 may have. */
const structureState = ({ spec }: CustomResourceDefinition): readonly State[] => {
  if (!isFreeForm(spec)) return []
  const errors = spec.versions.flatMap(({ schema }, at) =>
    schema?.openAPIV3Schema
      ? structuralErrors({ ...schema.openAPIV3Schema }, `spec.versions[${at}].schema.openAPIV3Schema`)
      : [],
  )
  const lines = [
    'spec.preserveUnknownFields: Invalid value: true: must be false',
    ...errors.map(({ field, message }) => `${field}: ${message}`),
  ]
  const message = lines.length === 1 ? `${lines[0]}` : `[${lines.slice(0, 20).join(', ')}]`
  return [{ type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message }]
}

interface Taken {
  readonly resources: ReadonlySet<string>
  readonly kinds: ReadonlySet<string>
}

const takenBy = (others: readonly CustomResourceDefinition[], group: string): Taken => {
  const names = others.filter(({ spec }) => spec.group === group).map(({ status }) => status.acceptedNames)
  return {
    resources: new Set(
      names.flatMap(({ plural, singular = '', shortNames = [] }) => [plural, singular, ...shortNames]),
    ),
    kinds: new Set(names.flatMap(({ kind, listKind = '' }) => [kind, listKind])),
  }
}

interface Naming {
  readonly names: Names
  readonly problem: { readonly reason: string; readonly message: string } | undefined
}

/** Names that nobody else of the group has; the ones from before where somebody has. */
const acceptNames = ({ spec, status }: CustomResourceDefinition, { resources, kinds }: Taken): Naming => {
  const wanted = spec.names
  const { acceptedNames: accepted } = status
  let problem: Naming['problem']
  const accept = (name: string, before: string, taken: ReadonlySet<string>, reason: string): string => {
    if (name === before || !taken.has(name)) return name
    problem = { reason, message: `${JSON.stringify(name)} is already in use` }
    return before
  }
  const plural = accept(wanted.plural, accepted.plural, resources, 'PluralConflict')
  const singular = accept(wanted.singular ?? '', accepted.singular ?? '', resources, 'SingularConflict')
  const mine = new Set(accepted.shortNames)
  const clashes = (wanted.shortNames ?? []).filter((name) => !mine.has(name) && resources.has(name))
  if (clashes.length > 0) {
    const lines = clashes.map((name) => `${JSON.stringify(name)} is already in use`)
    problem = { reason: 'ShortNamesConflict', message: lines.length === 1 ? `${lines[0]}` : `[${lines.join(', ')}]` }
  }
  const shortNames = clashes.length > 0 ? accepted.shortNames : wanted.shortNames
  const kind = accept(wanted.kind, accepted.kind, kinds, 'KindConflict')
  const listKind = accept(wanted.listKind ?? '', accepted.listKind ?? '', kinds, 'ListKindConflict')
  const names = {
    ...{ plural, singular, kind, listKind },
    ...(shortNames ? { shortNames } : {}),
    ...(wanted.categories ? { categories: wanted.categories } : {}),
  }
  return { names, problem }
}

const isTrue = ({ status }: CustomResourceDefinition, type: string): boolean =>
  status.conditions.some((each) => each.type === type && each.status === 'True')

const namingStates = (definition: CustomResourceDefinition, { problem }: Naming): readonly State[] => {
  const accepted: State = problem
    ? { type: 'NamesAccepted', status: 'False', ...problem }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  if (isTrue(definition, 'Established') || !problem)
    return [
      accepted,
      {
        ...{ type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
        message: 'the initial names have been accepted',
      },
    ]
  return [
    accepted,
    { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
  ]
}

const terminatingState = ({ metadata }: CustomResourceDefinition): readonly State[] =>
  metadata.deletionTimestamp === undefined
    ? []
    : [
        {
          ...{ type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress' },
          message: 'CustomResource deletion is in progress',
        },
      ]

const own = [
  ...['NamesAccepted', 'Established', 'NonStructuralSchema', 'Terminating'],
  'KubernetesAPIApprovalPolicyConformant',
]

/** The conditions with these states; one that says what it said keeps its time. Those of others stay. */
const conditionsWith = (before: readonly Condition[], states: readonly State[], now: number): readonly Condition[] => {
  const withTime = (state: State): Condition => {
    const known = before.find(({ type }) => type === state.type)
    const isSame = known?.status === state.status
    return { ...state, lastTransitionTime: (isSame ? known?.lastTransitionTime : undefined) ?? formatTime(now) }
  }
  return [...states.map(withTime), ...before.filter(({ type }) => !own.includes(type))]
}

/** The status that the definition has to have among the others. */
export const statusOf = (
  definition: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: number,
): CustomResourceDefinition['status'] => {
  const { status, spec } = definition
  const naming = acceptNames(definition, takenBy(others, spec.group))
  const states = [
    ...namingStates(definition, naming),
    ...structureState(definition),
    ...approvalState(definition),
    ...terminatingState(definition),
  ]
  const conditions = conditionsWith(status.conditions, states, now)
  const next = { ...status, acceptedNames: naming.names, conditions }
  return deepEqual(next, status) ? status : next
}
