/**
 * Strategic merge patch: a merge patch that knows which lists are sets of items with a key, and a few directives
 * (`$patch`, `$retainKeys`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x`). The schema says which list is which.
 */

import { badRequest } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { type FieldType, fieldsOf, type MergeRule } from '../schema/types.ts'

const directive = '$patch'
const retainKeys = '$retainKeys'
const orderPrefix = '$setElementOrder/'
const deletePrefix = '$deleteFromPrimitiveList/'

const listOf = (value: unknown, where: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw badRequest(`strategic merge patch: ${where} must be a list`)
  return value
}

const without = (object: JsonObject, ...names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))

/**
 * The merged items of a list in their order: those that the patch names as it orders them, the others as they were. Where
 * nothing says which of two comes first, it is the one that the patch names: what is new goes in front.
 */
const arrange = (
  items: readonly unknown[],
  keyOf: (item: unknown) => unknown,
  order: readonly unknown[],
  before: readonly unknown[],
): readonly unknown[] => {
  const rank = new Map(order.map((key, at) => [key, at]))
  const was = new Map(before.map((item, at) => [keyOf(item), at]))
  const [named = [], others = []] = [true, false].map((isNamed) =>
    items.filter((item) => rank.has(keyOf(item)) === isNamed),
  )
  named.sort((a, b) => (rank.get(keyOf(a)) ?? 0) - (rank.get(keyOf(b)) ?? 0))
  const result: unknown[] = []
  let next = 0
  for (const item of named) {
    const place = was.get(keyOf(item)) ?? -1
    for (; next < others.length && (was.get(keyOf(others[next])) ?? place) < place; next++) result.push(others[next])
    result.push(item)
  }
  return [...result, ...others.slice(next)]
}

/** What of `items` is not in `others`. */
const outside = (items: readonly unknown[], others: readonly unknown[]): readonly unknown[] => {
  const known = new Set(others)
  return items.filter((item) => !known.has(item))
}

const mergePrimitives = (target: readonly unknown[], patch: readonly unknown[]): readonly unknown[] => [
  ...target,
  ...outside([...new Set(patch)], target),
]

const itemType = (type: FieldType | undefined): FieldType | undefined => (type?.kind === 'list' ? type.of : undefined)

const mergeItems = (
  target: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  type: FieldType | undefined,
  path: string,
): readonly unknown[] => {
  const replaceAll = patch.some(
    (item) => isJsonObject(item) && item[directive] === 'replace' && Object.keys(item).length === 1,
  )
  const idOf = (item: unknown): string => JSON.stringify(isJsonObject(item) ? (item[key] ?? null) : null)
  const result: (unknown | undefined)[] = replaceAll ? [] : [...target]
  /** Where the items of each key are; one that goes leaves its place empty until the end. */
  const places = new Map<string, number[]>()
  const put = (id: string, at: number): void => {
    const known = places.get(id)
    if (known) known.push(at)
    else places.set(id, [at])
  }
  for (const [at, item] of result.entries()) put(idOf(item), at)
  for (const item of patch) {
    if (!isJsonObject(item)) throw badRequest(`strategic merge patch: ${path} must hold objects`)
    if (item[directive] === 'replace' && Object.keys(item).length === 1) continue
    if (item[key] === undefined) throw badRequest(`strategic merge patch: an item of ${path} has no merge key ${key}`)
    const id = idOf(item)
    const [first, ...others] = places.get(id) ?? []
    if (item[directive] === 'delete') {
      for (const at of [first, ...others]) if (at !== undefined) result[at] = undefined
      places.delete(id)
    } else {
      const at = first ?? result.length
      const merged = mergeValue(result[at], item, type, `${path}[${String(item[key])}]`)
      if (first === undefined) put(id, at)
      result[at] = merged
    }
  }
  return result.filter((item) => item !== undefined)
}

/** What identifies an item: its merge key, or itself. */
const keyReader =
  (key: string | undefined) =>
  (item: unknown): unknown =>
    key !== undefined && isJsonObject(item) ? item[key] : item

const mergeList = (
  existing: readonly unknown[] = [],
  patch: readonly unknown[],
  rule: MergeRule | undefined,
  type: FieldType | undefined,
  path: string,
): readonly unknown[] => {
  if (!rule) return patch.filter((item) => !isJsonObject(item) || item[directive] === undefined)
  const { key } = rule
  const keyOf = keyReader(key)
  const merged =
    key === undefined ? mergePrimitives(existing, patch) : mergeItems(existing, patch, key, itemType(type), path)
  return arrange(merged, keyOf, patch.map(keyOf), existing)
}

/** What a patch adds is itself cleaned of directives by merging it into nothing. */
const mergeValue = (target: unknown, patch: unknown, type: FieldType | undefined, path: string): unknown =>
  isJsonObject(patch) ? mergeObject(isJsonObject(target) ? target : {}, patch, type, path) : patch

const keepOnly = (object: JsonObject, names: readonly unknown[]): JsonObject => {
  const kept = new Set(names)
  return Object.fromEntries(Object.entries(object).filter(([name]) => kept.has(name)))
}

const typeOfField = (type: FieldType | undefined, name: string): FieldType | undefined => {
  if (type?.kind === 'map') return type.of
  return type?.kind === 'object' ? fieldsOf(type.type).get(name)?.type : undefined
}

const mergeObject = (
  target: JsonObject,
  patch: JsonObject,
  type: FieldType | undefined,
  path: string,
): JsonObject | undefined => {
  const mode = patch[directive]
  if (mode === 'delete') return undefined
  if (mode === 'replace') return without(patch, directive)
  if (mode !== undefined && mode !== 'merge')
    throw badRequest(`strategic merge patch: unknown $patch ${JSON.stringify(mode)} at ${path || 'the top'}`)

  const retained = patch[retainKeys]
  const start = retained === undefined ? target : keepOnly(target, listOf(retained, `${path}.${retainKeys}`))
  const result = new Map(Object.entries(start))
  const listAt = (name: string): readonly unknown[] | undefined => {
    const value = result.get(name)
    return Array.isArray(value) ? value : undefined
  }
  const ruleOf = (name: string): MergeRule | undefined =>
    type?.kind === 'object' ? fieldsOf(type.type).get(name)?.merge : undefined

  for (const [name, value] of Object.entries(patch)) {
    if (name === directive || name === retainKeys || name.startsWith(orderPrefix)) continue
    const at = path === '' ? name : `${path}.${name}`
    if (name.startsWith(deletePrefix)) {
      const field = name.slice(deletePrefix.length)
      const [items, removed] = [listAt(field), listOf(value, at)]
      if (items && patch[field] === undefined) result.set(field, outside(items, removed))
    } else if (value === null) result.delete(name)
    else if (Array.isArray(value)) {
      const removed = patch[`${deletePrefix}${name}`]
      const items = listAt(name)
      const kept = items && removed !== undefined ? outside(items, listOf(removed, at)) : items
      result.set(name, mergeList(kept, value, ruleOf(name), typeOfField(type, name), at))
    } else {
      const merged = mergeValue(result.get(name), value, typeOfField(type, name), at)
      if (merged === undefined) result.delete(name)
      else result.set(name, merged)
    }
  }

  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith(orderPrefix)) continue
    const field = name.slice(orderPrefix.length)
    const items = listAt(field)
    const rule = ruleOf(field)
    if (!items || !rule) continue
    const keyOf = keyReader(rule.key)
    const before = target[field]
    result.set(field, arrange(items, keyOf, listOf(value, name).map(keyOf), Array.isArray(before) ? before : []))
  }
  return Object.fromEntries(result)
}

/** The patched copy of `target`, an object of the schema's type `type`. Throws BadRequest for a malformed patch. */
export const applyStrategicPatch = (target: JsonObject, patch: unknown, type: string): JsonObject => {
  // Go reads it as an object without fields.
  if (patch === null) return target
  if (!isJsonObject(patch)) throw badRequest('strategic merge patch: the body is not an object')
  return mergeObject(target, patch, { kind: 'object', type }, '') ?? {}
}
