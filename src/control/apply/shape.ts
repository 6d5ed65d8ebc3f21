/** How a value is made of parts that may have owners of their own: the schema as server-side apply sees it. Pure. */
import { isJsonObject } from '../../api/json.ts'
import { type Field, type FieldType, fieldsOf } from '../schema/types.ts'

export interface FieldShape {
  /** Its step in a field set: `f:` and its name. */
  readonly step: string
  readonly shape: Shape
  /** The field need not be there, and so has an owner itself, beside what is in it. */
  readonly isOwn: boolean
}

export type Shape =
  /** One owner for all of it. */
  | { readonly kind: 'whole' }
  /** Nothing is known of it: objects have an owner for each field, everything else has one. */
  | { readonly kind: 'deduced' }
  | { readonly kind: 'fields'; readonly field: (name: string) => FieldShape | undefined }
  | { readonly kind: 'map'; readonly of: Shape }
  | { readonly kind: 'set' }
  /** A list whose items are told apart by some of their fields. */
  | {
      readonly kind: 'items'
      readonly keys: readonly string[]
      readonly defaultOf: (key: string) => unknown
      readonly of: Shape
    }

/** A part of a value: its step in a field set, what it is, and what it is made of. */
export interface Part extends FieldShape {
  readonly value: unknown
}

const whole: Shape = { kind: 'whole' }
export const deduced: Shape = { kind: 'deduced' }

export const fieldShape = (name: string, shape: Shape, isOwn: boolean): FieldShape => ({
  step: `f:${name}`,
  shape,
  isOwn,
})

const known = new Map<string, Shape>()

/** The shape of a type of the schema. */
export const shapeOf = (type: string): Shape => {
  const found = known.get(type)
  if (found) return found
  const made = new Map<string, FieldShape>()
  const shape: Shape = {
    kind: 'fields',
    field: (name) => {
      const before = made.get(name)
      const field = before ? undefined : fieldsOf(type).get(name)
      if (!field) return before
      const now = fieldShape(name, shapeOfField(field.type, field), !field.always)
      made.set(name, now)
      return now
    },
  }
  known.set(type, shape)
  return shape
}

const defaultsOf = (type: FieldType): ((key: string) => unknown) =>
  type.kind === 'object' ? (key) => fieldsOf(type.type).get(key)?.default : () => undefined

const shapeOfField = (type: FieldType, field?: Field): Shape => {
  switch (type.kind) {
    case 'scalar':
      return whole
    case 'list': {
      const { of } = type
      if (field?.list === 'set') return { kind: 'set' }
      if (field?.list !== 'map') return whole
      return { kind: 'items', keys: field.keys ?? [], defaultOf: defaultsOf(of), of: shapeOfField(of) }
    }
    case 'map':
      return field?.atomic ? whole : { kind: 'map', of: shapeOfField(type.of) }
    case 'object':
      return field?.atomic ? whole : shapeOf(type.type)
  }
}

/** One owner for all of the value. */
export const isWhole = ({ kind }: Shape, value: unknown): boolean =>
  kind === 'whole' || (kind === 'deduced' && !isJsonObject(value))

/** `k:{"containerPort":80,"protocol":"TCP"}`: keys in their order, those that are missing by their defaults. */
const itemStep = (item: unknown, { keys, defaultOf }: Extract<Shape, { kind: 'items' }>): string => {
  const named = [...keys].sort().flatMap((key) => {
    const value = (isJsonObject(item) ? item[key] : undefined) ?? defaultOf(key)
    return value === undefined ? [] : [[key, value]]
  })
  return `k:${JSON.stringify(Object.fromEntries(named))}`
}

/** Of two items with one key the second stands by its place. */
const listParts = (items: readonly unknown[], shape: Extract<Shape, { kind: 'items' | 'set' }>): readonly Part[] => {
  const seen = new Set<string>()
  return items.map((item, place): Part => {
    const step = shape.kind === 'set' ? `v:${JSON.stringify(item)}` : itemStep(item, shape)
    const isFirst = !seen.has(step)
    seen.add(step)
    return {
      step: isFirst ? step : `i:${place}`,
      value: item,
      shape: shape.kind === 'set' ? whole : shape.of,
      isOwn: true,
    }
  })
}

/** The parts of a value that is not whole, in their order. */
export const partsOf = (value: unknown, shape: Shape): readonly Part[] => {
  if (shape.kind === 'items' || shape.kind === 'set') return Array.isArray(value) ? listParts(value, shape) : []
  if (!isJsonObject(value) || shape.kind === 'whole') return []
  const fieldOf = (name: string): FieldShape | undefined =>
    shape.kind === 'fields' ? shape.field(name) : fieldShape(name, shape.kind === 'map' ? shape.of : deduced, true)
  const parts: Part[] = []
  for (const [name, item] of Object.entries(value)) {
    const field = item === undefined ? undefined : fieldOf(name)
    if (field) parts.push({ step: field.step, value: item, shape: field.shape, isOwn: field.isOwn })
  }
  return parts
}

/** The inverse: a value of that shape out of its parts. */
export const assemble = (parts: readonly Part[], { kind }: Shape): unknown =>
  kind === 'items' || kind === 'set'
    ? parts.map(({ value }) => value)
    : Object.fromEntries(parts.map(({ step, value }) => [step.slice(2), value]))
