/** Holds an object against the forms of its fields. */

import type { FieldError } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import type { Format } from '../resources/formats/formats.ts'
import { type FieldType, fieldsOf } from '../schema/types.ts'
import { fieldFormats } from './fields.ts'

type Values = Readonly<Record<string, unknown>>

const isText = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'

/** Go has no fields that are not set: they are empty or zero. */
const isUnset = (value: unknown): boolean => value === undefined || value === null || value === '' || value === 0

const formatOf = (type: string, field: string): Format | undefined => {
  const formats = Object.hasOwn(fieldFormats, type) ? fieldFormats[type] : undefined
  return formats && Object.hasOwn(formats, field) ? formats[field] : undefined
}

const checkScalar = (value: unknown, format: Format | undefined, path: string): readonly FieldError[] =>
  format && 'check' in format && isText(value) ? format.check(value, path) : []

const checkMap = (value: Values, format: Format | undefined, path: string): readonly FieldError[] =>
  format && 'entry' in format
    ? Object.entries(value).flatMap(([key, item]) => format.entry(key, String(item), path))
    : []

const checkField = (
  value: unknown,
  type: FieldType,
  format: Format | undefined,
  path: string,
): readonly FieldError[] => {
  switch (type.kind) {
    case 'scalar':
      if (type.scalar === 'any')
        return value !== undefined && format && 'tree' in format ? format.tree(value, path) : []
      return isUnset(value) ? [] : checkScalar(value, format, path)
    case 'object':
      return isJsonObject(value) ? validateFormats(value, type.type, path) : []
    case 'list': {
      if (!Array.isArray(value)) return []
      const { of } = type
      const isOnList = format && 'onList' in format && format.onList
      return value.flatMap((item, at) => {
        const itemPath = isOnList ? path : `${path}[${at}]`
        // An item is there, even when it is empty.
        return of.kind === 'scalar' ? checkScalar(item, format, itemPath) : checkField(item, of, format, itemPath)
      })
    }
    case 'map':
      return isJsonObject(value) ? checkMap(value, format, path) : []
  }
}

/** Every field of the type that has another form than it should have, with its path below `path`. */
export const validateFormats = (object: Values, type: string, path = ''): readonly FieldError[] => {
  const fields = fieldsOf(type)
  return Object.entries(object).flatMap(([name, value]) => {
    const field = fields.get(name)
    return field ? checkField(value, field.type, formatOf(type, name), path === '' ? name : `${path}.${name}`) : []
  })
}
