/** The schema's types as JSON schemas: what OpenAPI v2 and v3 both publish. */

import { servedDefinitions as served } from '../registry/registry.ts'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import { type Field, type FieldType, fieldsOf, type Scalar } from '../schema/types.ts'

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** The subset of JSON schema that is needed to say what the types say. */
export interface JsonSchema {
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'
  readonly format?: string
  readonly default?: unknown
  readonly items?: JsonSchema
  readonly additionalProperties?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  /** The name of another type. */
  readonly ref?: string
  readonly extensions?: Readonly<Record<string, unknown>>
}

const scalarSchemas: Readonly<Record<Scalar, JsonSchema>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  number: { type: 'number', format: 'double' },
  boolean: { type: 'boolean' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  quantity: { type: 'string' },
  intOrString: { type: 'string', format: 'int-or-string' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'object' },
}

const schemaOfField = (type: FieldType): JsonSchema => {
  switch (type.kind) {
    case 'scalar':
      return scalarSchemas[type.scalar]
    case 'object':
      return { ref: type.type }
    case 'list':
      return { type: 'array', items: schemaOfField(type.of) }
    case 'map':
      return { type: 'object', additionalProperties: schemaOfField(type.of) }
  }
}

type Extensions = Readonly<Record<string, unknown>>

/** How a strategic merge patch merges the field. */
const mergeExtensions = ({ type, merge }: Field): Extensions => {
  if (!merge) return {}
  const strategy = [...(type.kind === 'list' ? ['merge'] : []), ...(merge.retainKeys ? ['retainKeys'] : [])].join(',')
  return {
    ...(merge.key === undefined ? {} : { 'x-kubernetes-patch-merge-key': merge.key }),
    'x-kubernetes-patch-strategy': strategy,
  }
}

/** How server-side apply merges the field. */
const applyExtensions = ({ list, keys, atomic }: Field): Extensions => ({
  ...(list === undefined ? {} : { 'x-kubernetes-list-type': list }),
  ...(keys === undefined ? {} : { 'x-kubernetes-list-map-keys': keys }),
  ...(atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
})

const kindsOf = (type: string): readonly GroupVersionKind[] =>
  served
    .filter((definition) => schemaTypeOf(definition) === type)
    .map(({ group, version, kind }) => ({ group, version, kind }))

/** One type, with its own kind and its lists' merge keys as Kubernetes extensions. */
export const schemaOfType = (type: string): JsonSchema => {
  const fields = [...fieldsOf(type)]
  const kinds = kindsOf(type)
  const required = fields.filter(([, field]) => field.required).map(([name]) => name)
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([name, field]) => {
        const extensions = { ...mergeExtensions(field), ...applyExtensions(field) }
        const schema = {
          ...schemaOfField(field.type),
          ...(field.default === undefined ? {} : { default: field.default }),
        }
        return [name, Object.keys(extensions).length > 0 ? { ...schema, extensions } : schema]
      }),
    ),
    ...(required.length > 0 ? { required } : {}),
    ...(kinds.length > 0 ? { extensions: { 'x-kubernetes-group-version-kind': kinds } } : {}),
  }
}

const typesIn = (type: FieldType): readonly string[] => {
  if (type.kind === 'object') return [type.type]
  return type.kind === 'scalar' ? [] : typesIn(type.of)
}

/** The types a kind is made of, itself first. */
export const reachable = (roots: readonly string[]): readonly string[] => {
  const found = new Set<string>()
  const visit = (type: string): void => {
    if (found.has(type)) return
    found.add(type)
    for (const field of fieldsOf(type).values()) for (const inner of typesIn(field.type)) visit(inner)
  }
  roots.forEach(visit)
  return [...found]
}

/** The URL templates of a kind: its collection (in a namespace, when it has one) and one object. */
export const pathsOf = (definition: ResourceDefinition): { readonly collection: string; readonly object: string } => {
  const root = definition.group === '' ? `/api/${definition.version}` : `/apis/${apiVersionOf(definition)}`
  const collection = `${root}${definition.namespaced ? '/namespaces/{namespace}' : ''}/${definition.plural}`
  return { collection, object: `${collection}/{name}` }
}

export const applyPatchType = 'application/apply-patch+yaml'
const genericPatches = ['application/json-patch+json', 'application/merge-patch+json']

/** The media types of the patches that a kind takes. kubectl chooses by them how it applies. */
export const patchTypesOf = ({ custom = false }: ResourceDefinition): readonly string[] => [
  ...genericPatches,
  ...(custom ? [] : ['application/strategic-merge-patch+json']),
  applyPatchType,
]
