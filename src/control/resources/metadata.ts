/** ObjectMeta: what is checked and kept the same for every kind. */

import { deepEqual } from '../../api/deep-equal.ts'
import { type FieldError, forbiddenField, invalidValue, required } from '../../api/errors.ts'
import { checkLabelValue, checkQualifiedName, isLabelValue } from '../../api/names.ts'
import type {
  KubeObject,
  LabelSelector,
  LabelSelectorRequirement,
  ObjectMeta,
  OwnerReference,
  StringMap,
} from '../../api/types/index.ts'
import type { ResourceDefinition } from './definition.ts'
import { ifWrong } from './names.ts'

const annotationsLimit = 256 * 1024

export const validateLabels = (labels: StringMap | undefined, field: string): FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...ifWrong(checkQualifiedName(key), field, key),
    ...ifWrong(checkLabelValue(value), field, value),
  ])

const validateAnnotations = (annotations: StringMap | undefined): FieldError[] => {
  const entries = Object.entries(annotations ?? {})
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  return [
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

/** What `apiVersion` names besides a group; nothing when it is none. */
const versionOf = (apiVersion: string): string => {
  const parts = apiVersion.split('/')
  return parts.length > 2 ? '' : (parts.at(-1) ?? '')
}

const ownersField = 'metadata.ownerReferences'

const validateOwner = ({ apiVersion = '', kind = '', name = '', uid = '' }: OwnerReference): FieldError[] => {
  const wrong = (field: string, value: string, what = field) =>
    invalidValue(`${ownersField}.${field}`, value, `${what} must not be empty`)
  return [
    ...(versionOf(apiVersion) === '' ? [wrong('apiVersion', apiVersion, 'version')] : []),
    ...(kind === '' ? [wrong('kind', kind)] : []),
    ...(name === '' ? [wrong('name', name)] : []),
    ...(uid === '' ? [wrong('uid', uid)] : []),
    ...(apiVersion === 'v1' && kind === 'Event'
      ? [
          invalidValue(
            ownersField,
            { apiVersion, kind, name, uid },
            '/v1, Kind=Event is disallowed from being an owner',
          ),
        ]
      : []),
  ]
}

const validateOwners = ({ ownerReferences = [] }: ObjectMeta): FieldError[] => {
  const [first, ...more] = ownerReferences.filter(({ controller }) => controller)
  return [
    ...ownerReferences.flatMap(validateOwner),
    ...more.map((other) =>
      invalidValue(
        ownersField,
        ownerReferences,
        `Only one reference can have Controller set to true. Found "true" in references for ${first?.name} and ${other.name}`,
      ),
    ),
  ]
}

const standardFinalizers = ['foregroundDeletion', 'kubernetes', 'orphan']

export const validateFinalizerNames = (finalizers: readonly string[], fieldAt: (at: number) => string): FieldError[] =>
  finalizers.flatMap((name, at) =>
    name.includes('/') || standardFinalizers.includes(name)
      ? []
      : [invalidValue(fieldAt(at), name, 'name is neither a standard finalizer name nor is it fully qualified')],
  )

/** Kinds of other groups may be held by any name. */
const groupsWithAnyFinalizer = [...['admissionregistration.k8s.io', 'coordination.k8s.io', 'node.k8s.io', 'policy']]

/** Whoever takes a finalizer off again has to be known by its name. For new objects. */
export const validateFinalizers = (
  { group, custom }: ResourceDefinition,
  { finalizers = [] }: ObjectMeta,
): FieldError[] =>
  custom || groupsWithAnyFinalizer.includes(group)
    ? []
    : validateFinalizerNames(finalizers, (at) => `metadata.finalizers[${at}]`)

/** What stands before the five characters that make a name of it. */
const validateGenerateName = ({ nameRule }: ResourceDefinition, { generateName }: ObjectMeta): FieldError[] => {
  const message = generateName ? nameRule.check(generateName.replace(/-+$/, 'a')) : undefined
  return message === undefined ? [] : [invalidValue('metadata.generateName', generateName, message)]
}

/** Everything wrong with an object's metadata on its own. */
export const validateMetadata = (definition: ResourceDefinition, metadata: ObjectMeta): FieldError[] => {
  const nameError = metadata.name ? definition.nameRule.check(metadata.name) : undefined
  return [
    ...(metadata.name ? [] : [required('metadata.name', 'name or generateName is required')]),
    ...validateGenerateName(definition, metadata),
    ...(nameError === undefined ? [] : [invalidValue('metadata.name', metadata.name, nameError)]),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata),
  ]
}

/** What is wrong with a change of metadata. Server-owned fields have been carried over before. */
export const validateMetadataUpdate = (metadata: ObjectMeta, old: ObjectMeta): FieldError[] => {
  const before = new Set(old.finalizers)
  const added = (metadata.finalizers ?? []).filter((name) => !before.has(name))
  return old.deletionTimestamp !== undefined && added.length > 0
    ? [
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`,
        ),
      ]
    : []
}

/** Nobody is deleted by being told so. */
export const validateDeletionTime = ({ deletionTimestamp: given }: ObjectMeta, old: ObjectMeta): FieldError[] =>
  given === undefined ? [] : immutable('metadata.deletionTimestamp', given, old.deletionTimestamp)

const serverOwned = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
] as const

/** The client's metadata, with everything that is the server's to say taken from the old object. */
export const carryMetadata = (metadata: ObjectMeta, old: ObjectMeta): ObjectMeta => {
  const kept = Object.fromEntries(serverOwned.flatMap((name) => (old[name] === undefined ? [] : [[name, old[name]]])))
  // What is of the whole cluster is in no namespace, whatever a client says.
  const notGiven: readonly string[] = [...serverOwned, 'namespace']
  const given = Object.fromEntries(Object.entries(metadata).filter(([name]) => !notGiven.includes(name)))
  const merged = { ...given, ...kept, name: old.name }
  return old.namespace === undefined ? merged : { ...merged, namespace: old.namespace }
}

const validateRequirement = (requirement: LabelSelectorRequirement, path: string): FieldError[] => {
  const { key = '', operator, values = [] } = requirement
  const keyErrors = ifWrong(checkQualifiedName(key), `${path}.key`, key)
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
        ? keyErrors
        : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"), ...keyErrors]
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? keyErrors
        : [
            forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
            ...keyErrors,
          ]
    default:
      return [invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator'), ...keyErrors]
  }
}

/** A LabelSelector in its object form. */
export const validateSelector = (selector: LabelSelector | undefined, field: string): FieldError[] => [
  ...validateLabels(selector?.matchLabels, `${field}.matchLabels`),
  ...(selector?.matchExpressions ?? []).flatMap((requirement, at) =>
    validateRequirement(requirement, `${field}.matchExpressions[${at}]`),
  ),
]

/** Whether objects can be chosen by it at all. */
export const isSelector = (selector: LabelSelector): boolean =>
  validateSelector(selector, '').length === 0 &&
  (selector.matchExpressions ?? []).every(({ values = [] }) => values.every(isLabelValue))

export const immutable = (field: string, value: unknown, old: unknown): FieldError[] =>
  deepEqual(value, old) ? [] : [invalidValue(field, value, 'field is immutable')]

/** True when nothing but metadata and status differs: the change is not one of the wish. `hasStatus`: a status is none of it. */
export const sameWish = (a: KubeObject, b: KubeObject, hasStatus = true): boolean => {
  const wish = (object: KubeObject) => ({ ...object, metadata: undefined, ...(hasStatus ? { status: undefined } : {}) })
  return deepEqual(wish(a), wish(b))
}
