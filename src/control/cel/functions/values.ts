/** Values as CEL has them: integers are BigInt, maps are Map, objects of a known type are instances of its class. Pure. */
import { isJsonObject } from '../../../api/json.ts'

/** An object whose fields have types. */
export class CelObject {}

const entriesOf = (value: object): readonly (readonly [string, unknown])[] => Object.entries(value)

export const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => isEqual(item, b[at]))
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && isEqual(item, b.get(key)))
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (a instanceof CelObject && b instanceof CelObject) {
    const [first, second] = [entriesOf(a), new Map(entriesOf(b))]
    return (
      first.length === second.size && first.every(([key, item]) => second.has(key) && isEqual(item, second.get(key)))
    )
  }
  // Numbers of two kinds.
  return (
    (typeof a === 'bigint' || typeof b === 'bigint') &&
    typeof a !== 'string' &&
    typeof b !== 'string' &&
    Number(a) === Number(b)
  )
}

/** Less than zero, zero, or more, for values of one kind that have an order. */
export const compare = (a: unknown, b: unknown): number => {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  const isOrdered = (value: unknown): value is number | bigint | boolean =>
    typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
  if (isOrdered(a) && isOrdered(b)) return a < b ? -1 : a > b ? 1 : 0
  throw new Error('the items of the list cannot be compared')
}

/** JSON of which nothing is known. */
export const freeValue = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(freeValue)
  return isJsonObject(value) ? new Map(Object.entries(value).map(([name, item]) => [name, freeValue(item)])) : value
}

/** How many items the largest list or map has. */
export const widthOf = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce<number>((most, item) => Math.max(most, widthOf(item)), value.length)
  if (!isJsonObject(value)) return 0
  const items = Object.values(value)
  return items.reduce<number>((most, item) => Math.max(most, widthOf(item)), items.length)
}
