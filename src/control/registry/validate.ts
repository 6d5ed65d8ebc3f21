/** Everything wrong with an object, defaults filled: by its kind, and by the forms of its fields. */
import type { FieldError } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { kindOf, type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import { validateFinalizers, validateMetadata } from '../resources/metadata.ts'
import { validateFormats } from './validate-formats.ts'

const formatErrors = (definition: ResourceDefinition, object: KubeObject): readonly FieldError[] =>
  // A kind with a schema of its own checks its texts itself; metadata is everybody's.
  definition.schema
    ? validateFormats({ ...object.metadata }, 'meta/v1.ObjectMeta', 'metadata')
    : validateFormats({ ...object }, schemaTypeOf(kindOf(definition)))

const keyOf = ({ field, message }: FieldError): string => `${field} ${message}`

/** Those that are not among the ones of before, which may stay, so that the object can still be changed. */
export const newErrors = (
  errors: readonly FieldError[],
  before: () => readonly FieldError[],
): readonly FieldError[] => {
  if (errors.length === 0) return errors
  const known = new Set(before().map(keyOf))
  return errors.filter((error) => !known.has(keyOf(error)))
}

/** Kubernetes names some fields of list items without their places. */
const withoutPlaces = (field: string): string => field.replaceAll(/\[\d+\]/g, '')

const placesIn = (field: string): number => field.match(/\[\d+\]/g)?.length ?? 0

/** Those of the errors whose field, or what holds it, the others do not name. That all of something is forbidden says nothing of its fields. */
const besides = (errors: readonly FieldError[], others: readonly FieldError[]): readonly FieldError[] => {
  const named = others.map(({ field, of = field, reason }) => ({
    ...{ path: withoutPlaces(of), places: placesIn(of), isHolder: reason !== 'FieldValueForbidden' },
  }))
  return errors.filter(({ field }) => {
    const [held, most] = [withoutPlaces(field), placesIn(field)]
    // The place of an item may be missing in the others, but not here.
    return !named.some(
      ({ path, places, isHolder }) => places <= most && (path === held || (isHolder && held.startsWith(`${path}.`))),
    )
  })
}

/** The errors as clients of that version know the fields. */
export const asShown = ({ stored }: ResourceDefinition, errors: readonly FieldError[]): readonly FieldError[] => {
  const shownField = stored?.convert?.shownField
  return shownField ? errors.map((error) => ({ ...error, field: shownField(error.field) })) : errors
}

/**
 * `object` and `old` are as they are kept, `definition` is the row they are written through. `old` is what an update replaces:
 * a text that was accepted before a form was known for it stays, so that the object can still be changed and deleted. What the
 * kind says of a field, or of what holds it, goes before what its form says.
 */
export const validateObject = (
  definition: ResourceDefinition,
  object: KubeObject,
  old?: KubeObject,
): readonly FieldError[] => {
  const own = [
    ...validateMetadata(definition, object.metadata),
    ...(definition.validate?.(object, old) ?? []),
    ...(old
      ? []
      : [...validateFinalizers(definition, object.metadata), ...(definition.validateCreate?.(object) ?? [])]),
  ]
  const formats = besides(formatErrors(definition, object), own)
  return [...own, ...(old ? newErrors(formats, () => formatErrors(definition, old)) : formats)]
}
