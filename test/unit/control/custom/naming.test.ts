/** The names that a CustomResourceDefinition gets among the others, and what its conditions say. */
import t from 'tap'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames as Names,
} from '../../../../src/api/types/kubernetes/apiextensions-v1.ts'
import { statusOf } from '../../../../src/control/custom/naming.ts'

const pandas: Names = {
  ...{ plural: 'pandas', singular: 'panda', kind: 'Panda', listKind: 'PandaList' },
  ...{ shortNames: ['pd', 'bear'], categories: ['all'] },
}
const nothing: Names = { plural: '', kind: '' }

interface Made {
  readonly names?: Partial<Names>
  readonly group?: string
  readonly accepted?: Names
  readonly conditions?: CustomResourceDefinition['status']['conditions']
  readonly annotations?: Readonly<Record<string, string>>
  readonly deletionTimestamp?: string
  readonly isFreeForm?: boolean
}

const definition = (made: Made = {}): CustomResourceDefinition => {
  const { names = {}, group = 'zoo.example', accepted = nothing, conditions = [], annotations = {}, isFreeForm } = made
  const schema = { openAPIV3Schema: isFreeForm ? { properties: { a: {} } } : { type: 'object' } }
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: {
      ...{ name: `pandas.${group}`, annotations },
      ...(made.deletionTimestamp === undefined ? {} : { deletionTimestamp: made.deletionTimestamp }),
    },
    spec: {
      ...{ group, names: { ...pandas, ...names }, scope: 'Namespaced' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
      ...(isFreeForm ? { preserveUnknownFields: true } : {}),
    },
    status: { acceptedNames: accepted, conditions, storedVersions: ['v1'] },
  }
}
const taken = (names: Partial<Names>, group = 'zoo.example') =>
  definition({ accepted: { ...nothing, ...names }, group })

const now = Date.UTC(2026, 0, 1)
const said = ({ conditions }: CustomResourceDefinition['status']) =>
  conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)
const established = 'Established=True InitialNamesAccepted: the initial names have been accepted'
const refused = 'Established=False NotAccepted: not all names are accepted'

t.test('names that nobody has are taken', async (t) => {
  const status = statusOf(definition(), [taken({ plural: 'pandas', kind: 'Panda' }, 'other.example')], now)
  t.same(status.acceptedNames, pandas, 'those of another group are of no matter')
  t.same(said(status), ['NamesAccepted=True NoConflicts: no conflicts found', established])
  t.same(status.storedVersions, ['v1'])
  const { shortNames: _, categories: __, ...plain } = pandas
  const bare = { ...definition(), spec: { ...definition().spec, names: plain } }
  t.strictSame(statusOf(bare, [], now).acceptedNames, plain)
})

t.test('a name that another of the group has is refused, and the rest is taken', async (t) => {
  const cases: readonly (readonly [string, Partial<Names>, Partial<Names>, string])[] = [
    ['PluralConflict', { plural: 'pandas' }, { plural: '' }, '"pandas" is already in use'],
    ['PluralConflict', { singular: 'pandas' }, { plural: '' }, '"pandas" is already in use'],
    ['PluralConflict', { shortNames: ['x', 'pandas'] }, { plural: '' }, '"pandas" is already in use'],
    ['SingularConflict', { plural: 'panda' }, { singular: '' }, '"panda" is already in use'],
    ['KindConflict', { kind: 'Panda' }, { kind: '' }, '"Panda" is already in use'],
    ['KindConflict', { listKind: 'Panda' }, { kind: '' }, '"Panda" is already in use'],
    ['ListKindConflict', { kind: 'PandaList' }, { listKind: '' }, '"PandaList" is already in use'],
  ]
  for (const [reason, theirs, ours, message] of cases) {
    const status = statusOf(definition(), [taken(theirs)], now)
    t.same(status.acceptedNames, { ...pandas, ...ours }, reason)
    t.same(said(status), [`NamesAccepted=False ${reason}: ${message}`, refused])
  }
  const { shortNames: _, ...withoutShort } = pandas
  const one = statusOf(definition(), [taken({ plural: 'bear' })], now)
  t.same(one.acceptedNames, withoutShort, 'short names are taken all, or none')
  t.equal(said(one)[0], 'NamesAccepted=False ShortNamesConflict: "bear" is already in use')
  const two = statusOf(definition(), [taken({ plural: 'bear', shortNames: ['pd'] })], now)
  t.equal(said(two)[0], 'NamesAccepted=False ShortNamesConflict: ["pd" is already in use, "bear" is already in use]')
})

t.test('what it has it keeps, where it wishes for what others have', async (t) => {
  const before = { ...pandas, plural: 'oldpandas', shortNames: ['pd'] }
  const conditions = [
    { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', lastTransitionTime: '2025-01-01T00:00:00Z' },
  ] as CustomResourceDefinition['status']['conditions']
  const own = definition({ accepted: before, conditions })
  const status = statusOf(own, [taken({ plural: 'pandas', shortNames: ['bear'] }), own], now)
  t.same(status.acceptedNames, before)
  t.same(
    said(status).map((line) => line.split(':')[0]),
    ['NamesAccepted=False ShortNamesConflict', 'Established=True InitialNamesAccepted'],
  )
  t.equal(status.conditions[1]?.lastTransitionTime, '2025-01-01T00:00:00Z', 'and it stays established')
  const same = statusOf(definition({ accepted: pandas }), [definition({ accepted: pandas })], now)
  t.same(same.acceptedNames, pandas, 'its own names are no conflict')
})

t.test(
  'times move with the status alone; conditions of others stay; what is as it was is the same object',
  async (t) => {
    const first = definition()
    const theirs = { type: 'Audited', status: 'True', reason: 'X', message: '', lastTransitionTime: 'then' }
    const status = statusOf(
      { ...first, status: { ...first.status, conditions: [theirs] } as typeof first.status },
      [],
      now,
    )
    t.same(
      status.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
      [
        ['NamesAccepted', '2026-01-01T00:00:00Z'],
        ['Established', '2026-01-01T00:00:00Z'],
        ['Audited', 'then'],
      ],
    )
    const later = now + 60_000
    t.equal(statusOf({ ...first, status }, [], later), status)
    const lost = statusOf(
      { ...first, status: { ...status, acceptedNames: nothing } },
      [taken({ kind: 'Panda' })],
      later,
    )
    t.same(
      lost.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
      [
        ['NamesAccepted', '2026-01-01T00:01:00Z'],
        ['Established', '2026-01-01T00:00:00Z'],
        ['Audited', 'then'],
      ],
    )
  },
)

t.test('protected groups tell who has approved of them', async (t) => {
  const approval = (annotation: string | undefined, group = 'zoo.k8s.io') => {
    const annotations: Record<string, string> =
      annotation === undefined ? {} : { 'api-approved.kubernetes.io': annotation }
    return said(statusOf(definition({ group, annotations }), [], now)).find((line) => line.startsWith('KubernetesAPI'))
  }
  const type = 'KubernetesAPIApprovalPolicyConformant'
  const url = 'https://github.com/kubernetes/kubernetes/pull/1'
  t.equal(approval(url), `${type}=True ApprovedAnnotation: approved in ${url}`)
  t.equal(approval('unapproved, testing'), `${type}=False UnapprovedAnnotation: unapproved, testing`)
  t.match(approval(undefined), new RegExp(`${type}=False MissingAnnotation: protected groups must have`))
  t.equal(approval('nonsense'), `${type}=False InvalidAnnotation: nonsense`)
  t.equal(approval(undefined, 'zoo.example'), undefined)
})

t.test('a schema that is not structural, and the end of a kind, are told', async (t) => {
  const free = said(statusOf(definition({ isFreeForm: true }), [], now))[2]
  t.match(
    free,
    /^NonStructuralSchema=True Violations: \[spec.preserveUnknownFields: .*must be false, spec.versions\[0\]/,
  )
  t.equal(
    said(statusOf(definition({ deletionTimestamp: '2026-01-01T00:00:00Z' }), [], now))[2],
    'Terminating=True InstanceDeletionInProgress: CustomResource deletion is in progress',
  )
})
