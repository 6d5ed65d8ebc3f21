/** How a value is made of parts that may have owners of their own: the schema as server-side apply sees it. Pure. */
import { isJsonObject } from '../../api/json.ts'
import { type Field, type FieldType, fieldsOf } from '../schema/types.ts'

/** A part of a value: its step in a field set, what it is, and what it is made of. */
export interface Part {
  readonly step: string
  readonly value: unknown
  readonly shape: Shape
  /** The part itself has an owner, beside what is in it: an item, an entry, a field that need not be there. */
  readonly isOwn: boolean
}

export interface Shape {
  readonly type: FieldType
  readonly field: Field | undefined
}

export const shapeOf = (type: string): Shape => ({ type: { kind: 'object', type }, field: undefined })

/** One owner for all of it. */
export const isWhole = ({ type, field }: Shape): boolean => {
  if (type.kind === 'scalar') return true
  if (type.kind === 'list') return field?.list !== 'map' && field?.list !== 'set'
  return field?.atomic ?? false
}

/** `k:{"containerPort":80,"protocol":"TCP"}`: keys in their order, those that are missing by their defaults. */
const itemStep = (item: unknown, keys: readonly string[], type: FieldType): string => {
  const fields = type.kind === 'object' ? fieldsOf(type.type) : undefined
  const named = [...keys].sort().flatMap((key) => {
    const value = (isJsonObject(item) ? item[key] : undefined) ?? fields?.get(key)?.default
    return value === undefined ? [] : [[key, value]]
  })
  return `k:${JSON.stringify(Object.fromEntries(named))}`
}

/** The parts of a value that is not whole, in their order. Of two items with one key the second stands by its place. */
export const partsOf = (value: unknown, { type, field }: Shape): readonly Part[] => {
  if (type.kind === 'list' && Array.isArray(value)) {
    const { of } = type
    const parts = value.map((item: unknown): Part => {
      const step = field?.list === 'set' ? `v:${JSON.stringify(item)}` : itemStep(item, field?.keys ?? [], of)
      return { step, value: item, shape: { type: of, field: undefined }, isOwn: true }
    })
    const seen = new Set<string>()
    return parts.map((part, place) => {
      if (!seen.has(part.step)) {
        seen.add(part.step)
        return part
      }
      return { ...part, step: `i:${place}` }
    })
  }
  if (!isJsonObject(value)) return []
  if (type.kind === 'map')
    return Object.entries(value).map(([key, item]) => ({
      step: `f:${key}`,
      value: item,
      shape: { type: type.of, field: undefined },
      isOwn: true,
    }))
  if (type.kind !== 'object') return []
  const fields = fieldsOf(type.type)
  return Object.entries(value).flatMap(([name, item]) => {
    const known = fields.get(name)
    return known && item !== undefined
      ? [{ step: `f:${name}`, value: item, shape: { type: known.type, field: known }, isOwn: !known.always }]
      : []
  })
}

/** The inverse: a value of that shape out of its parts. */
export const assemble = (parts: readonly Part[], { type }: Shape): unknown =>
  type.kind === 'list'
    ? parts.map(({ value }) => value)
    : Object.fromEntries(parts.map(({ step, value }) => [step.slice(2), value]))
