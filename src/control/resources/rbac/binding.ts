import { deepEqual } from '../../../api/deep-equal.ts'
import { type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../../../api/types/kubernetes/rbac-v1.ts'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { checkPathSegment, ifWrong, pathSegmentName } from '../names.ts'

type Binding = RoleBinding | ClusterRoleBinding

const group = 'rbac.authorization.k8s.io'
const subjectKinds = ['ServiceAccount', 'User', 'Group'] as const

const validateRoleRef = ({ apiGroup = '', kind = '', name = '' }: RoleRef, kinds: readonly string[]): FieldError[] => [
  ...(apiGroup === group ? [] : [notSupported('roleRef.apiGroup', apiGroup, [group])]),
  ...(kinds.includes(kind) ? [] : [notSupported('roleRef.kind', kind, kinds)]),
  ...(name === '' ? [required('roleRef.name')] : ifWrong(checkPathSegment(name), 'roleRef.name', name)),
]

const validateSubject = (subject: Subject, namespaced: boolean, field: string): FieldError[] => {
  const { kind = '', name = '', apiGroup = '', namespace = '' } = subject
  const noName = name === '' ? [required(`${field}.name`)] : []
  const wrongGroup = (wanted: string) =>
    apiGroup === wanted ? [] : [notSupported(`${field}.apiGroup`, apiGroup, [wanted])]
  switch (kind) {
    case 'ServiceAccount':
      return [
        ...noName,
        ...(name === '' ? [] : ifWrong(checkSubdomain(name), `${field}.name`, name)),
        ...wrongGroup(''),
        ...(!namespaced && namespace === '' ? [required(`${field}.namespace`)] : []),
      ]
    case 'User':
    case 'Group':
      return [...noName, ...wrongGroup(group)]
    default:
      return [...noName, notSupported(`${field}.kind`, kind, subjectKinds)]
  }
}

const validate =
  (namespaced: boolean, roleKinds: readonly string[]) =>
  ({ roleRef, subjects = [] }: Binding): FieldError[] => [
    ...validateRoleRef(roleRef, roleKinds),
    ...subjects.flatMap((subject, at) => validateSubject(subject, namespaced, `subjects[${at}]`)),
  ]

const withGroup = (subject: Subject): Subject =>
  !subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group') ? { ...subject, apiGroup: group } : subject

const withDefaults = <T extends Binding>(binding: T): T => ({
  ...binding,
  roleRef: { ...binding.roleRef, apiGroup: binding.roleRef.apiGroup || group },
  ...(binding.subjects ? { subjects: binding.subjects.map(withGroup) } : {}),
})

const subjectsOf =
  (wanted: (typeof subjectKinds)[number]) =>
  ({ subjects = [] }: Binding): string =>
    subjects
      .filter(({ kind }) => kind === wanted)
      .map(({ name, namespace = '' }) => (wanted === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ')

const common = {
  group,
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  nameRule: pathSegmentName,
  columns: [
    nameColumn,
    column<Binding>('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`, 'What it grants'),
    ageColumn,
    wide<Binding>('Users', subjectsOf('User'), 'Users that it grants it to'),
    wide<Binding>('Groups', subjectsOf('Group'), 'Groups that it grants it to'),
    wide<Binding>('ServiceAccounts', subjectsOf('ServiceAccount'), 'ServiceAccounts that it grants it to'),
  ],
  defaults: withDefaults,
  validateUpdate: ({ roleRef }: Binding, old: Binding): FieldError[] =>
    deepEqual(roleRef, old.roleRef) ? [] : [invalidValue('roleRef', roleRef, 'cannot change roleRef')],
}

export const roleBinding = define<RoleBinding>({
  ...common,
  plural: 'rolebindings',
  singular: 'rolebinding',
  kind: 'RoleBinding',
  namespaced: true,
  validate: validate(true, ['Role', 'ClusterRole']),
})

export const clusterRoleBinding = define<ClusterRoleBinding>({
  ...common,
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  kind: 'ClusterRoleBinding',
  namespaced: false,
  validate: validate(false, ['ClusterRole']),
})
