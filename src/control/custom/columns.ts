/** The columns of `kubectl get` that a CustomResourceDefinition names. Pure. */
import { isJsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { CustomResourceColumnDefinition } from '../../api/types/kubernetes/apiextensions-v1.ts'
import { ageColumn, nameColumn, since } from '../resources/columns.ts'
import type { Cell, Column } from '../resources/definition.ts'
import { parseJsonPath, valuesAt } from '../structural/json-path.ts'

const textOf = (value: unknown): string =>
  isJsonObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value)

/** A value as its column's type shows it; null when it is not of that type. */
const cellOf = (value: unknown, type: string, now: number): Cell => {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'integer':
      if (typeof value === 'bigint') return value
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value !== 'string' || Number.isNaN(Date.parse(value)) ? '<invalid>' : since(value, now)
    default:
      return textOf(value)
  }
}

/** `read`: an object as the columns' version shows it. */
export const columnsOf = (
  given: readonly CustomResourceColumnDefinition[] = [],
  read: (object: KubeObject) => KubeObject,
): readonly Column[] => [
  nameColumn,
  ...(given.length === 0
    ? [ageColumn]
    : given.map(({ name, type, format, description, priority = 0, jsonPath }): Column => {
        const path = parseJsonPath(jsonPath) ?? []
        return {
          ...{ name, type, priority },
          ...(format === undefined ? {} : { format }),
          description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
          cell: (object, now) => cellOf(valuesAt(read(object), path)[0], type, now),
        }
      })),
]
