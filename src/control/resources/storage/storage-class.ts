import { deepEqual } from '../../../api/deep-equal.ts'
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  tooLong,
} from '../../../api/errors.ts'
import { checkQualifiedName, qualifiedNameMessage } from '../../../api/names.ts'
import type { TopologySelectorTerm } from '../../../api/types/kubernetes/core-v1.ts'
import type { StorageClass } from '../../../api/types/kubernetes/storage-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { ifWrong, subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

const bindingModes = ['Immediate', 'WaitForFirstConsumer']
const mostParameters = 512
const parametersLimit = 256 * 1024

const validateProvisioner = (provisioner: string): FieldError[] => {
  if (provisioner === '') return [required('provisioner')]
  return ifWrong(checkQualifiedName(provisioner.toLowerCase()), 'provisioner', provisioner)
}

const validateParameters = (parameters: Readonly<Record<string, string>>): FieldError[] => {
  const entries = Object.entries(parameters)
  if (entries.length > mostParameters) return [tooLong('parameters', mostParameters)]
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return [
    ...(entries.some(([key]) => key === '') ? [invalidValue('parameters', '', 'field can not be empty.')] : []),
    ...(size > parametersLimit ? [tooLong('parameters', parametersLimit)] : []),
  ]
}

const validateTerm = ({ matchLabelExpressions = [] }: TopologySelectorTerm, field: string): FieldError[] => {
  const keys = matchLabelExpressions.map(({ key }) => key)
  return [
    ...matchLabelExpressions.flatMap(({ key, values = [] }, at) => [
      ...(values.length === 0 ? [required(`${field}[${at}].values`)] : []),
      ...repeatedAt(values).map((n) => duplicate(`${field}[${at}].values[${n}]`, values[n])),
      ...(key ? [] : [invalidValue(`${field}[${at}].key`, '', qualifiedNameMessage)]),
    ]),
    ...repeatedAt(keys).map((at) => duplicate(`${field}[${at}].key`, keys[at])),
  ]
}

/** Which labels have which values, in whatever order they are written. */
const meaningOf = ({ matchLabelExpressions = [] }: TopologySelectorTerm): string =>
  JSON.stringify(matchLabelExpressions.map(({ key, values = [] }) => [key, [...values].sort()]).sort())

const validateTopologies = (terms: readonly TopologySelectorTerm[]): FieldError[] => [
  ...terms.flatMap((term, at) => validateTerm(term, `allowedTopologies[${at}].matchLabelExpressions`)),
  ...repeatedAt(terms.map(meaningOf)).map((at) => duplicate(`allowedTopologies[${at}].matchLabelExpressions`, '')),
]

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]

/** Whether claims that name no class get this one. */
export const isDefaultClass = ({ metadata: { annotations } }: StorageClass): boolean =>
  defaultAnnotations.some((name) => annotations?.[name] === 'true')

const nameText = (each: StorageClass): string =>
  isDefaultClass(each) ? `${each.metadata.name} (default)` : each.metadata.name

const fixed = (field: 'parameters' | 'provisioner' | 'reclaimPolicy', now: StorageClass, old: StorageClass) =>
  deepEqual(now[field], old[field]) ? [] : [forbiddenField(field, `updates to ${field} are forbidden.`)]

export const storageClass = define<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'storageclasses',
  singular: 'storageclass',
  kind: 'StorageClass',
  namespaced: false,
  shortNames: ['sc'],
  nameRule: subdomainName,
  columns: [
    { ...nameColumn, cell: nameText },
    column('Provisioner', ({ provisioner }) => provisioner, 'Who makes volumes of this class'),
    column('ReclaimPolicy', (s) => s.reclaimPolicy ?? 'Delete', 'What becomes of a volume that nobody claims'),
    column('VolumeBindingMode', (s) => s.volumeBindingMode ?? 'Immediate', 'When volumes are made'),
    column('AllowVolumeExpansion', (s) => s.allowVolumeExpansion ?? false, 'Whether volumes may grow'),
    ageColumn,
  ],
  defaults: (s) => ({
    ...s,
    reclaimPolicy: s.reclaimPolicy ?? 'Delete',
    volumeBindingMode: s.volumeBindingMode ?? 'Immediate',
  }),
  validate: ({ provisioner = '', parameters = {}, allowedTopologies = [], volumeBindingMode }) => [
    ...validateProvisioner(provisioner),
    ...(volumeBindingMode === '' ? [notSupported('volumeBindingMode', '', bindingModes)] : []),
    ...validateParameters(parameters),
    ...validateTopologies(allowedTopologies),
  ],
  validateUpdate: (now, old) => [
    ...fixed('parameters', now, old),
    ...fixed('provisioner', now, old),
    ...fixed('reclaimPolicy', now, old),
    ...immutable('volumeBindingMode', now.volumeBindingMode, old.volumeBindingMode),
  ],
})
