/** How server-side apply merges what a structural schema describes. Pure. */
import { deduced, fieldShape, type Shape, shapeOf } from '../apply/shape.ts'
import { metaFields, type Structural } from './schema.ts'

const whole: Shape = { kind: 'whole' }

const listShape = ({ listType, listKeys, items }: Structural): Shape => {
  if (listType === 'set') return { kind: 'set' }
  if (listType !== 'map' || !items) return whole
  return {
    kind: 'items',
    keys: listKeys,
    defaultOf: (key) => items.properties.get(key)?.default,
    of: shapeOfSchema(items),
  }
}

const objectShape = (schema: Structural, isRoot: boolean): Shape => {
  const { properties, additional, preserves, embedded } = schema
  if (schema.mapType === 'atomic') return whole
  if (properties.size === 0 && additional !== undefined)
    return { kind: 'map', of: additional === true ? deduced : shapeOfSchema(additional) }
  const fields = new Map([...properties].map(([name, field]) => [name, shapeOfSchema(field)]))
  const metadata = shapeOf('meta/v1.ObjectMeta')
  return {
    kind: 'fields',
    field: (name) => {
      if ((isRoot || embedded) && metaFields.includes(name))
        return fieldShape(name, name === 'metadata' ? metadata : whole, name !== 'metadata')
      const known = fields.get(name)
      if (known) return fieldShape(name, known, true)
      if (additional !== undefined)
        return fieldShape(name, additional === true ? deduced : shapeOfSchema(additional), true)
      return preserves ? fieldShape(name, deduced, true) : undefined
    },
  }
}

export const shapeOfSchema = (schema: Structural, isRoot = false): Shape => {
  if (schema.type === 'array') return listShape(schema)
  if (isRoot || schema.type === 'object') return objectShape(schema, isRoot)
  return schema.type === undefined && schema.preserves ? deduced : whole
}
