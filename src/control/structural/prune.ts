/** Untrusted JSON in, an object of a structural schema out: what is not known goes, and defaults stand for what is missing. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { metaFields, type Structural, schemaOfField } from './schema.ts'

/** Told of the path of everything that goes. */
type Dropped = (path: string) => void

const isKnown = (schema: Structural, name: string): boolean =>
  schema.properties.has(name) || schema.additional !== undefined || schema.preserves

const pruneObject = (
  object: JsonObject,
  schema: Structural,
  isRoot: boolean,
  path: string,
  dropped: Dropped,
): JsonObject => {
  const entries: [string, unknown][] = []
  let isSame = true
  for (const [name, value] of Object.entries(object)) {
    const at = path === '' ? name : `${path}.${name}`
    const isMeta = (isRoot || schema.embedded) && metaFields.includes(name)
    if (!isMeta && !isKnown(schema, name)) {
      dropped(at)
      isSame = false
      continue
    }
    const field = isMeta ? undefined : schemaOfField(schema, name)
    const pruned = field ? prune(value, field, at, dropped) : value
    isSame &&= pruned === value
    entries.push([name, pruned])
  }
  return isSame ? object : Object.fromEntries(entries)
}

/** The same list when no item of it changes. */
const mapItems = (list: readonly unknown[], change: (item: unknown, at: number) => unknown): readonly unknown[] => {
  const changed = list.map(change)
  return changed.every((item, at) => item === list[at]) ? list : changed
}

/** The value without the fields that its schema does not know; the same one when there are none. */
export const prune = (value: unknown, schema: Structural, path: string, dropped: Dropped, isRoot = false): unknown => {
  if (isJsonObject(value)) return pruneObject(value, schema, isRoot, path, dropped)
  const { items } = schema
  return Array.isArray(value) && items
    ? mapItems(value, (item, at) => prune(item, items, `${path}[${at}]`, dropped))
    : value
}

/** Whether a schema has a default anywhere: most have none. */
const hasDefaults = ({ default: given, properties, items, additional }: Structural): boolean =>
  given !== undefined ||
  [...properties.values()].some(hasDefaults) ||
  (items !== undefined && hasDefaults(items)) ||
  (additional !== undefined && additional !== true && hasDefaults(additional))

const withDefaults = new WeakMap<Structural, boolean>()
const mayDefault = (schema: Structural): boolean => {
  const known = withDefaults.get(schema) ?? hasDefaults(schema)
  withDefaults.set(schema, known)
  return known
}

const fillField = (value: unknown, schema: Structural): unknown => {
  // A null that may not be is what was not said, where a default stands for it.
  const isMissing = value === undefined || (value === null && !schema.nullable && schema.default !== undefined)
  return fill(isMissing && schema.default !== undefined ? structuredClone(schema.default) : value, schema)
}

/** The value with defaults, and the same one where there are none. */
export const fill = (value: unknown, schema: Structural): unknown => {
  if (!mayDefault(schema)) return value
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? mapItems(value, (item) => fillField(item, items)) : value
  }
  if (!isJsonObject(value)) return value
  const filled = new Map(Object.entries(value))
  for (const [name, field] of schema.properties) {
    const result = fillField(filled.get(name), field)
    if (result !== undefined) filled.set(name, result)
  }
  const { additional } = schema
  if (additional !== undefined && additional !== true)
    for (const [name, item] of filled) if (!schema.properties.has(name)) filled.set(name, fillField(item, additional))
  const isSame = [...filled].every(([name, item]) => value[name] === item)
  return isSame ? value : Object.fromEntries(filled)
}
