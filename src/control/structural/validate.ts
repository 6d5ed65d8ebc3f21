/** Holds a value against a schema, in the words of Kubernetes' validator. Pure. */
import { deepEqual } from '../../api/deep-equal.ts'
import { type FieldError, invalidValue, notSupported, required, tooLong, tooMany } from '../../api/errors.ts'
import { type Integer, isJsonObject, type JsonObject } from '../../api/json.ts'
import { matchesPattern } from '../cel/functions/pattern.ts'
import { hasFormat } from './formats.ts'
import { type JsonType, metaFields, type Structural, schemaOfField, type ValueRules } from './schema.ts'

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'bigint' || Number.isInteger(value) ? 'integer' : typeof value
}

const fits = (value: unknown, type: JsonType): boolean => {
  const given = typeOf(value)
  return given === type || (type === 'number' && given === 'integer')
}

/** `spec.size in body`: how the validator begins its sentences. */
const subject = (path: string): string => `${path} in body`

const wrongType = (path: string, value: unknown, wanted: string): FieldError => {
  const given = typeOf(value)
  return {
    reason: 'FieldValueTypeInvalid',
    field: path,
    message: `Invalid value: ${JSON.stringify(given)}: ${subject(path)} must be of type ${wanted}: ${JSON.stringify(given)}`,
  }
}

const checkNumber = (value: Integer, values: ValueRules, path: string): readonly FieldError[] => {
  const { maximum, minimum, multipleOf } = values
  const refuse = (what: string): FieldError => invalidValue(path, value, `${subject(path)} should be ${what}`)
  return [
    ...(maximum !== undefined && (values.exclusiveMaximum ? value >= maximum : value > maximum)
      ? [refuse(`less than ${values.exclusiveMaximum ? '' : 'or equal to '}${maximum}`)]
      : []),
    ...(minimum !== undefined && (values.exclusiveMinimum ? value <= minimum : value < minimum)
      ? [refuse(`greater than ${values.exclusiveMinimum ? '' : 'or equal to '}${minimum}`)]
      : []),
    ...(multipleOf !== undefined && !Number.isInteger(Number(value) / multipleOf)
      ? [refuse(`a multiple of ${multipleOf}`)]
      : []),
    ...(values.format === 'int32' && (value < -(2 ** 31) || value > 2 ** 31 - 1)
      ? [invalidValue(path, value, `Checked value must be of type integer with format int32 in ${path}`)]
      : []),
  ]
}

const checkText = (value: string, values: ValueRules, path: string): readonly FieldError[] => {
  const length = [...value].length
  const { maxLength, minLength, pattern, format } = values
  const refuse = (what: string): FieldError => invalidValue(path, value, `${subject(path)} ${what}`)
  return [
    ...(maxLength !== undefined && length > maxLength ? [tooLong(path, maxLength)] : []),
    ...(minLength !== undefined && length < minLength ? [refuse(`should be at least ${minLength} chars long`)] : []),
    ...(pattern !== '' && !matchesPattern(value, pattern) ? [refuse(`should match '${pattern}'`)] : []),
    ...(format !== '' && !hasFormat(value, format)
      ? [refuse(`must be of type ${format}: ${JSON.stringify(value)}`)]
      : []),
  ]
}

const checkList = (value: readonly unknown[], schema: Structural, path: string): readonly FieldError[] => {
  const { maxItems, minItems } = schema.values
  const { items } = schema
  return [
    ...(minItems !== undefined && value.length < minItems
      ? [invalidValue(path, value.length, `${subject(path)} should have at least ${minItems} items`)]
      : []),
    ...(maxItems === undefined ? [] : tooMany(path, value.length, maxItems)),
    ...(items ? value.flatMap((item, at) => validateValue(item, items, `${path}[${at}]`)) : []),
  ]
}

const checkObject = (value: JsonObject, schema: Structural, path: string): readonly FieldError[] => {
  const { maxProperties, minProperties, required: wanted } = schema.values
  const names = Object.keys(value)
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  return [
    ...wanted.filter((name) => value[name] === undefined).map((name) => required(at(name))),
    ...(minProperties !== undefined && names.length < minProperties
      ? [invalidValue(path, names.length, `${subject(path)} should have at least ${minProperties} properties`)]
      : []),
    ...(maxProperties !== undefined && names.length > maxProperties
      ? [invalidValue(path, names.length, `${subject(path)} should have at most ${maxProperties} properties`)]
      : []),
    ...names.flatMap((name) => {
      const field = schemaOfField(schema, name)
      // What metadata has to be is the same for everybody.
      const isMeta = (path === '' || schema.embedded) && metaFields.includes(name) && name !== 'metadata'
      return field && !isMeta ? validateValue(value[name], field, at(name)) : []
    }),
  ]
}

const checkEnum = (value: unknown, { enum: allowed }: ValueRules, path: string): readonly FieldError[] => {
  if (!allowed || allowed.some((each) => deepEqual(each, value))) return []
  return [
    notSupported(
      path,
      value,
      allowed.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))),
    ),
  ]
}

/** How many fields of the value a schema speaks of. */
const reachOf = (value: unknown, { properties }: Structural): number =>
  isJsonObject(value) ? [...properties.keys()].filter((name) => value[name] !== undefined).length : 0

/** What is wrong by the alternative that says most about the value; the first one of several. */
const closest = (
  value: unknown,
  alternatives: readonly Structural[],
  errors: readonly (readonly FieldError[])[],
): readonly FieldError[] => {
  const reaches = alternatives.map((each) => reachOf(value, each))
  return errors[reaches.indexOf(Math.max(...reaches))] ?? []
}

const checkAlternatives = (value: unknown, values: ValueRules, path: string): readonly FieldError[] => {
  const errorsOf = (each: Structural): readonly FieldError[] => validateValue(value, each, path)
  const refuse = (what: string): FieldError => invalidValue(path, '', `${JSON.stringify(path)} must ${what}`)
  const errors: FieldError[] = []
  if (values.anyOf.length > 0) {
    const found = values.anyOf.map(errorsOf)
    if (!found.some((each) => each.length === 0))
      errors.push(refuse('validate at least one schema (anyOf)'), ...closest(value, values.anyOf, found))
  }
  if (values.oneOf.length > 0) {
    const found = values.oneOf.map(errorsOf)
    const valid = found.filter((each) => each.length === 0).length
    if (valid === 0)
      errors.push(
        refuse('validate one and only one schema (oneOf). Found none valid'),
        ...closest(value, values.oneOf, found),
      )
    else if (valid > 1)
      errors.push(refuse(`validate one and only one schema (oneOf). Found ${valid} valid alternatives`))
  }
  if (values.allOf.length > 0) {
    const found = values.allOf.map(errorsOf)
    if (found.some((each) => each.length > 0)) errors.push(refuse('validate all the schemas (allOf)'), ...found.flat())
  }
  if (values.not && errorsOf(values.not).length === 0) errors.push(refuse('not validate the schema (not)'))
  return errors
}

const checkType = (value: unknown, schema: Structural, path: string): readonly FieldError[] | undefined => {
  if (value === null && schema.nullable) return []
  if (schema.intOrString)
    return typeOf(value) === 'integer' || typeof value === 'string'
      ? undefined
      : [wrongType(path, value, 'integer,string')]
  if (schema.type !== undefined && !fits(value, schema.type)) return [wrongType(path, value, schema.type)]
  return undefined
}

/** Everything that is wrong with a value by its schema, without its CEL rules. */
export const validateValue = (value: unknown, schema: Structural, path: string): readonly FieldError[] => {
  const wrong = checkType(value, schema, path)
  if (wrong) return wrong
  const { values } = schema
  return [
    ...(typeof value === 'number' || typeof value === 'bigint' ? checkNumber(value, values, path) : []),
    ...(typeof value === 'string' ? checkText(value, values, path) : []),
    ...(Array.isArray(value) ? checkList(value, schema, path) : []),
    ...(isJsonObject(value) ? checkObject(value, schema, path) : []),
    ...checkEnum(value, values, path),
    ...checkAlternatives(value, values, path),
  ]
}
