/** ObjectMeta: what is checked and kept the same for every kind. */
import { type FieldError, forbiddenField, invalidValue, required } from '../../api/errors.ts'
import { isLabelValue, isQualifiedName } from '../../api/selectors.ts'
import type { KubeObject, LabelSelector, ObjectMeta, StringMap } from '../../api/types/index.ts'
import { deepEqual } from '../deep-equal.ts'
import type { ResourceDefinition } from './definition.ts'

const qualifiedNameMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const annotationsLimit = 256 * 1024

export const validateLabels = (labels: StringMap | undefined, field: string): FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...(isQualifiedName(key) ? [] : [invalidValue(field, key, qualifiedNameMessage)]),
    ...(isLabelValue(value) ? [] : [invalidValue(field, value, labelValueMessage)]),
  ])

const validateAnnotations = (annotations: StringMap | undefined): FieldError[] => {
  const entries = Object.entries(annotations ?? {})
  const size = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  return [
    ...entries
      .filter(([key]) => !isQualifiedName(key.toLowerCase()))
      .map(([key]) => invalidValue('metadata.annotations', key, qualifiedNameMessage)),
    ...(size > annotationsLimit
      ? [
          {
            reason: 'FieldValueTooLong' as const,
            field: 'metadata.annotations',
            message: `Too long: may not be more than ${annotationsLimit} bytes`,
          },
        ]
      : []),
  ]
}

const validateOwners = (metadata: ObjectMeta): FieldError[] =>
  (metadata.ownerReferences ?? []).flatMap((owner, at) => {
    const field = `metadata.ownerReferences[${at}]`
    return (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((name) => !owner[name])
      .map((name) => required(`${field}.${name}`, 'must not be empty'))
  })

/** Everything wrong with an object's metadata on its own. */
export const validateMetadata = (definition: ResourceDefinition, metadata: ObjectMeta): FieldError[] => {
  const nameError = metadata.name ? definition.nameRule.check(metadata.name) : undefined
  return [
    ...(metadata.name ? [] : [required('metadata.name', 'name or generateName is required')]),
    ...(nameError === undefined ? [] : [invalidValue('metadata.name', metadata.name, nameError)]),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata),
    ...(metadata.finalizers ?? [])
      .filter((name) => !isQualifiedName(name))
      .map((name) => invalidValue('metadata.finalizers', name, qualifiedNameMessage)),
  ]
}

/** What is wrong with a change of metadata. Server-owned fields have been carried over before. */
export const validateMetadataUpdate = (metadata: ObjectMeta, old: ObjectMeta): FieldError[] => {
  const added = (metadata.finalizers ?? []).filter((name) => !old.finalizers?.includes(name))
  return old.deletionTimestamp !== undefined && added.length > 0
    ? [
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`,
        ),
      ]
    : []
}

const serverOwned = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
] as const

/** The client's metadata, with everything that is the server's to say taken from the old object. */
export const carryMetadata = (metadata: ObjectMeta, old: ObjectMeta): ObjectMeta => {
  const kept = Object.fromEntries(serverOwned.flatMap((name) => (old[name] === undefined ? [] : [[name, old[name]]])))
  const given = Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !(serverOwned as readonly string[]).includes(name)),
  )
  const merged = { ...given, ...kept, name: old.name }
  return old.namespace === undefined ? merged : { ...merged, namespace: old.namespace }
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist']

/** A LabelSelector in its object form. */
export const validateSelector = (selector: LabelSelector | undefined, field: string): FieldError[] => [
  ...validateLabels(selector?.matchLabels, `${field}.matchLabels`),
  ...(selector?.matchExpressions ?? []).flatMap(({ key, operator, values = [] }, at) => {
    const path = `${field}.matchExpressions[${at}]`
    const setBased = operator === 'In' || operator === 'NotIn'
    return [
      ...(isQualifiedName(key) ? [] : [invalidValue(`${path}.key`, key, qualifiedNameMessage)]),
      ...(operators.includes(operator)
        ? []
        : [invalidValue(`${path}.operator`, operator, 'not a valid selector operator')]),
      ...(setBased && values.length === 0
        ? [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []),
      ...(!setBased && values.length > 0
        ? [forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : []),
    ]
  }),
]

export const immutable = (field: string, value: unknown, old: unknown): FieldError[] =>
  deepEqual(value, old) ? [] : [invalidValue(field, value, 'field is immutable')]

/** True when nothing but metadata and status differs: the change is not one of the wish. */
export const sameWish = (a: KubeObject, b: KubeObject): boolean => {
  const wish = (object: KubeObject) => ({ ...object, metadata: undefined, status: undefined })
  return deepEqual(wish(a), wish(b))
}
