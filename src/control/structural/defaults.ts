/** The defaults of a schema are values that it would take itself. Pure. */
import { deepEqual } from '../../api/deep-equal.ts'
import { type FieldError, invalidValue } from '../../api/errors.ts'
import { prune } from './prune.ts'
import type { Structural } from './schema.ts'
import { validateValue } from './validate.ts'

const nothing = (): undefined => undefined

export const defaultErrors = (schema: Structural, path: string): readonly FieldError[] => {
  const { default: given, items, properties } = schema
  const pruned = given === undefined ? undefined : prune(given, schema, '', nothing)
  return [
    ...(given === undefined
      ? []
      : deepEqual(pruned, given)
        ? validateValue(given, schema, '').map((error) => ({
            ...error,
            field: error.field === '' ? `${path}.default` : `${path}.default.${error.field}`,
          }))
        : [invalidValue(`${path}.default`, given, 'must not have unknown fields')]),
    ...(items ? defaultErrors(items, `${path}.items`) : []),
    ...[...properties].flatMap(([name, each]) => defaultErrors(each, `${path}.properties[${name}]`)),
  ]
}
