/** Lists that are sets or maps hold nothing twice. Pure. */
import { duplicate, type FieldError } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import { type Structural, schemaOfField } from './schema.ts'

const keyOf = (item: unknown, { listType, listKeys, items }: Structural): unknown =>
  listType === 'map' && isJsonObject(item)
    ? Object.fromEntries(
        [...listKeys].sort().map((key) => [key, item[key] ?? items?.properties.get(key)?.default ?? null]),
      )
    : item

const checkList = (value: readonly unknown[], schema: Structural, path: string): readonly FieldError[] => {
  if (schema.listType !== 'set' && schema.listType !== 'map') return []
  const seen = new Set<string>()
  return value.flatMap((item, at) => {
    const key = keyOf(item, schema)
    const text = JSON.stringify(key)
    if (seen.has(text)) return [duplicate(`${path}[${at}]`, key)]
    seen.add(text)
    return []
  })
}

export const validateLists = (value: unknown, schema: Structural, path: string): readonly FieldError[] => {
  const { items } = schema
  if (Array.isArray(value))
    return [
      ...checkList(value, schema, path),
      ...(items ? value.flatMap((item, at) => validateLists(item, items, `${path}[${at}]`)) : []),
    ]
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([name, item]) => {
    const field = schemaOfField(schema, name)
    return field ? validateLists(item, field, path === '' ? name : `${path}.${name}`) : []
  })
}
