/** Holds an object against the forms of its fields. */

import type { FieldError } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import type { Format } from '../resources/formats/formats.ts'
import { type FieldType, fieldsOf } from '../schema/types.ts'
import { fieldFormats } from './fields.ts'

type Values = Readonly<Record<string, unknown>>

/** Adds what is wrong with a value to `errors`. */
type Check = (value: unknown, path: string, errors: FieldError[]) => void

const isText = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'

/** Go has no fields that are not set: they are empty or zero. */
const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '' || value === 0

const formatOf = (type: string, field: string): Format | undefined => {
  const formats = Object.hasOwn(fieldFormats, type) ? fieldFormats[type] : undefined
  return formats && Object.hasOwn(formats, field) ? formats[field] : undefined
}

/** Of a value that is there, even when it is empty. */
const scalarCheck = (format: Format | undefined): Check | undefined => {
  if (!format || !('check' in format)) return undefined
  return (value, path, errors) => {
    if (isText(value)) errors.push(...format.check(value, path))
  }
}

const treeCheck = (format: Format | undefined): Check | undefined => {
  if (!format || !('tree' in format)) return undefined
  return (value, path, errors) => {
    if (value !== undefined) errors.push(...format.tree(value, path))
  }
}

const mapCheck = (format: Format | undefined): Check | undefined => {
  if (!format || !('entry' in format)) return undefined
  return (value, path, errors) => {
    if (!isJsonObject(value)) return
    for (const [key, item] of Object.entries(value)) errors.push(...format.entry(key, String(item), path))
  }
}

const listCheck = (of: FieldType, format: Format | undefined): Check | undefined => {
  const checkItem = of.kind === 'scalar' ? scalarCheck(format) : checkOf(of, format)
  if (!checkItem) return undefined
  const isOnList = format !== undefined && 'onList' in format && format.onList === true
  return (value, path, errors) => {
    if (Array.isArray(value))
      for (const [at, item] of value.entries()) checkItem(item, isOnList ? path : `${path}[${at}]`, errors)
  }
}

/** Undefined where nothing can be wrong. */
const checkOf = (type: FieldType, format: Format | undefined): Check | undefined => {
  switch (type.kind) {
    case 'scalar': {
      if (type.scalar === 'any') return treeCheck(format)
      const check = scalarCheck(format)
      return (
        check &&
        ((value, path, errors) => {
          if (!isUnset(value)) check(value, path, errors)
        })
      )
    }
    case 'object':
      return (value, path, errors) => {
        if (isJsonObject(value)) checkFields(value, type.type, path, errors)
      }
    case 'list':
      return listCheck(type.of, format)
    case 'map':
      return mapCheck(format)
  }
}

/** By type and field, made when the first object of the type comes. */
const checks = new Map<string, ReadonlyMap<string, Check>>()

const checksOf = (type: string): ReadonlyMap<string, Check> => {
  const known = checks.get(type)
  if (known) return known
  const made = new Map<string, Check>()
  for (const [name, field] of fieldsOf(type)) {
    const check = checkOf(field.type, formatOf(type, name))
    if (check) made.set(name, check)
  }
  checks.set(type, made)
  return made
}

const checkFields = (object: Values, type: string, path: string, errors: FieldError[]): void => {
  const known = checksOf(type)
  for (const [name, value] of Object.entries(object))
    known.get(name)?.(value, path === '' ? name : `${path}.${name}`, errors)
}

/** Every field of the type that has another form than it should have, with its path below `path`. */
export const validateFormats = (object: Values, type: string, path = ''): readonly FieldError[] => {
  const errors: FieldError[] = []
  checkFields(object, type, path, errors)
  return errors
}
