/** Bodies and kept objects of a kind with a structural schema. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { type Decoded, decode } from '../schema/decode.ts'
import { fill, prune } from './prune.ts'
import { type Structural, schemaOfField } from './schema.ts'

const metadataType = 'meta/v1.ObjectMeta'

/** The metadata of the objects that are within an object, as everybody's metadata is read. */
const withMetadata = (value: unknown, schema: Structural, kind: string): unknown => {
  if (Array.isArray(value)) {
    const { items } = schema
    return items ? value.map((item) => withMetadata(item, items, kind)) : value
  }
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    if (schema.embedded && name === 'metadata' && isJsonObject(item))
      return [name, decode(item, kind, metadataType).value]
    const field = schemaOfField(schema, name)
    return [name, field ? withMetadata(item, field, kind) : item]
  })
  return Object.fromEntries(entries)
}

const holdsEmbedded = ({ embedded, properties, items, additional }: Structural): boolean =>
  embedded ||
  [...properties.values()].some(holdsEmbedded) ||
  (items !== undefined && holdsEmbedded(items)) ||
  (additional !== undefined && additional !== true && holdsEmbedded(additional))

/** A reader of bodies: pruned, with defaults, and metadata as everybody's. `kind`: for its errors. */
export const createDecoder = (schema: Structural, kind: string): ((body: unknown) => Decoded) => {
  const hasEmbedded = holdsEmbedded(schema)
  return (body) => {
    const { metadata = {}, ...rest } = isJsonObject(body) ? body : {}
    const unknown: string[] = []
    const read = decode(metadata, kind, metadataType)
    unknown.push(...read.unknown.map((path) => `metadata.${path}`))
    const pruned = prune(rest, schema, '', (path) => unknown.push(path), true)
    const whole = hasEmbedded ? withMetadata(pruned, schema, kind) : pruned
    return { value: { ...(fill(whole, schema) as JsonObject), metadata: read.value }, unknown }
  }
}

const nobody = (): void => undefined

/** A reader of what was kept, perhaps before the schema was what it is. What needs no change stays the same object. */
export const createReader = (schema: Structural): ((object: KubeObject) => KubeObject) => {
  const read = new WeakMap<KubeObject, KubeObject>()
  return (object) => {
    const known = read.get(object)
    if (known) return known
    // A schema changes nothing of what every object has.
    const shown = fill(prune(object, schema, '', nobody, true), schema) as KubeObject
    read.set(object, shown)
    return shown
  }
}
