/** Questions what somebody may: answered, and kept nowhere. */
import { type FieldError, invalidValue } from '../../../api/errors.ts'
import type { ObjectMeta } from '../../../api/types/index.ts'
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectAccessReviewSpec,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../../api/types/kubernetes/authorization-v1.ts'
import { nameColumn } from '../columns.ts'
import { conversion } from '../conversion.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'

const common = {
  group: 'authorization.k8s.io',
  version: 'v1',
  namespaced: false,
  verbs: ['create'],
  nameRule: subdomainName,
  columns: [nameColumn],
} as const

type BetaSpec = Omit<SubjectAccessReviewSpec, 'groups'> & { readonly group?: readonly string[] }
type OfSubject = SubjectAccessReview | LocalSubjectAccessReview
type Beta = Omit<OfSubject, 'spec'> & { readonly spec: BetaSpec }

/** v1beta1 calls the groups `group`. */
const ofSubject = conversion<Beta, OfSubject>({
  toStored: ({ spec = {}, ...rest }) => {
    const { group, ...others } = spec
    return { ...rest, spec: { ...others, ...(group ? { groups: group } : {}) } }
  },
  fromStored: ({ spec = {}, ...rest }) => {
    const { groups, ...others } = spec
    return { ...rest, spec: { ...others, ...(groups ? { group: groups } : {}) } }
  },
  shownField: (path) => (path === 'spec.groups' ? 'spec.group' : path),
})

const isEmptyBut = (metadata: ObjectMeta | undefined, ...allowed: readonly string[]): boolean =>
  Object.entries(metadata ?? {}).every(
    ([name, value]) => value === undefined || value === '' || name === 'managedFields' || allowed.includes(name),
  )

const validateAttributes = ({
  resourceAttributes,
  nonResourceAttributes,
}: SelfSubjectAccessReviewSpec): FieldError[] => [
  ...(resourceAttributes && nonResourceAttributes
    ? [
        invalidValue(
          'spec.nonResourceAttributes',
          nonResourceAttributes,
          'cannot be specified in combination with resourceAttributes',
        ),
      ]
    : []),
  ...(resourceAttributes || nonResourceAttributes
    ? []
    : [
        invalidValue(
          'spec.resourceAttributes',
          null,
          'exactly one of nonResourceAttributes or resourceAttributes must be specified',
        ),
      ]),
]

const validateSubject = (spec: SubjectAccessReviewSpec): FieldError[] => [
  ...validateAttributes(spec),
  ...(spec.user || (spec.groups ?? []).length > 0
    ? []
    : [invalidValue('spec.user', spec.user ?? '', 'at least one of user or group must be specified')]),
]

const validateMetadata = (metadata: ObjectMeta): FieldError[] =>
  isEmptyBut(metadata) ? [] : [invalidValue('metadata', metadata, 'must be empty')]

export const subjectAccessReview = define<SubjectAccessReview>({
  ...common,
  otherVersions: [{ version: 'v1beta1', convert: ofSubject }],
  plural: 'subjectaccessreviews',
  singular: 'subjectaccessreview',
  kind: 'SubjectAccessReview',
  validate: ({ metadata, spec = {} }) => [...validateSubject(spec), ...validateMetadata(metadata)],
})

export const selfSubjectAccessReview = define<SelfSubjectAccessReview>({
  ...common,
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  kind: 'SelfSubjectAccessReview',
  validate: ({ metadata, spec = {} }) => [...validateAttributes(spec), ...validateMetadata(metadata)],
})

export const localSubjectAccessReview = define<LocalSubjectAccessReview>({
  ...common,
  otherVersions: [{ version: 'v1beta1', convert: ofSubject }],
  plural: 'localsubjectaccessreviews',
  singular: 'localsubjectaccessreview',
  kind: 'LocalSubjectAccessReview',
  namespaced: true,
  validate: ({ metadata, spec = {} }) => {
    const { resourceAttributes, nonResourceAttributes } = spec
    const { namespace = '' } = resourceAttributes ?? {}
    return [
      ...validateSubject(spec),
      ...(isEmptyBut(metadata, 'namespace')
        ? []
        : [invalidValue('metadata', metadata, 'must be empty except for namespace')]),
      ...(resourceAttributes && namespace !== (metadata.namespace ?? '')
        ? [invalidValue('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace')]
        : []),
      ...(nonResourceAttributes
        ? [invalidValue('spec.nonResourceAttributes', nonResourceAttributes, 'disallowed on this kind of request')]
        : []),
    ]
  },
})

export const selfSubjectRulesReview = define<SelfSubjectRulesReview>({
  ...common,
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
  kind: 'SelfSubjectRulesReview',
})
