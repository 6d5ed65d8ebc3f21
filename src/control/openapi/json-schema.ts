/** The schemas of kinds as JSON: what OpenAPI v2 and v3 both publish. */

import { isJsonObject } from '../../api/json.ts'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import { type Field, type FieldType, fieldsOf, publicNameOf, type Scalar } from '../schema/types.ts'
import { descriptionOfAnyObject, descriptionOfField, descriptionOfType } from './descriptions.ts'

/** As it stands in a document; a reference to another schema is one of the document's own form. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** How one of the two documents says that a field is of another type: `#/definitions/…`. */
export type Reference = (name: string) => JsonSchema

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
  any: {},
}

const schemaOfField = (type: FieldType, refer: Reference): JsonSchema => {
  switch (type.kind) {
    case 'scalar':
      return scalarSchemas[type.scalar]
    case 'object':
      return refer(publicNameOf(type.type))
    case 'list':
      return { type: 'array', items: schemaOfField(type.of, refer) }
    case 'map':
      return { type: 'object', additionalProperties: schemaOfField(type.of, refer) }
  }
}

/** How a strategic merge patch merges the field. */
const mergeExtensions = ({ type, merge }: Field): JsonSchema => {
  if (!merge) return {}
  const strategy = [...(type.kind === 'list' ? ['merge'] : []), ...(merge.retainKeys ? ['retainKeys'] : [])].join(',')
  return {
    ...(merge.key === undefined ? {} : { 'x-kubernetes-patch-merge-key': merge.key }),
    'x-kubernetes-patch-strategy': strategy,
  }
}

/** How server-side apply merges the field. */
const applyExtensions = ({ list, keys, atomic }: Field): JsonSchema => ({
  ...(list === undefined ? {} : { 'x-kubernetes-list-type': list }),
  ...(keys === undefined ? {} : { 'x-kubernetes-list-map-keys': keys }),
  ...(atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
})

/** Which kinds a schema is that of. */
const kindExtension = (definitions: readonly ResourceDefinition[]): JsonSchema =>
  definitions.length === 0
    ? {}
    : { 'x-kubernetes-group-version-kind': definitions.map(({ group, version, kind }) => ({ group, version, kind })) }

const described = (description: string | undefined): JsonSchema => (description === undefined ? {} : { description })

const schemaOfType = (type: string, refer: Reference): JsonSchema => {
  const fields = [...fieldsOf(type)]
  const required = fields.filter(([, field]) => field.required).map(([name]) => name)
  return {
    ...described(descriptionOfType(type)),
    type: 'object',
    properties: Object.fromEntries(
      fields.map(([name, field]) => [
        name,
        {
          ...described(descriptionOfField(type, name)),
          ...schemaOfField(field.type, refer),
          ...(field.default === undefined ? {} : { default: field.default }),
          ...mergeExtensions(field),
          ...applyExtensions(field),
        },
      ]),
    ),
    ...(required.length > 0 ? { required } : {}),
  }
}

const typesIn = (type: FieldType): readonly string[] => {
  if (type.kind === 'object') return [type.type]
  return type.kind === 'scalar' ? [] : typesIn(type.of)
}

const objectMeta = 'meta/v1.ObjectMeta'

/** The types that kinds are made of, their own first. */
const reachable = (definitions: readonly ResourceDefinition[]): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (type: string): void => {
    if (found.has(type)) return
    found.add(type)
    for (const field of fieldsOf(type).values()) for (const inner of typesIn(field.type)) visit(inner)
  }
  for (const definition of definitions) visit(definition.schema ? objectMeta : schemaTypeOf(definition))
  return found
}

/** `com.example.stable.v1.CronTab` */
const ownName = ({ group, version, kind }: ResourceDefinition): string =>
  `${group.split('.').reverse().join('.')}.${version}.${kind}`

/** What the schema of a kind is called. */
export const schemaNameOf = (definition: ResourceDefinition): string =>
  definition.schema ? ownName(definition) : publicNameOf(schemaTypeOf(definition))

/** What every object has. */
const metaProperties = (refer: Reference): JsonSchema => ({
  apiVersion: { ...described(descriptionOfAnyObject('apiVersion')), type: 'string' },
  kind: { ...described(descriptionOfAnyObject('kind')), type: 'string' },
  metadata: { ...described(descriptionOfAnyObject('metadata')), ...refer(publicNameOf(objectMeta)) },
})

/** With what every object has in each part that is a whole object, too. */
const withEmbedded = (schema: JsonSchema, refer: Reference): JsonSchema => {
  const visit = (value: unknown): unknown => (isJsonObject(value) ? withEmbedded(value, refer) : value)
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const { properties, items, additionalProperties, required } = schema
  const own = isJsonObject(properties) ? Object.entries(properties).map(([name, value]) => [name, visit(value)]) : []
  const needed = Array.isArray(required) ? required : []
  return {
    ...schema,
    ...(properties === undefined && !isEmbedded
      ? {}
      : { properties: { ...Object.fromEntries(own), ...(isEmbedded ? metaProperties(refer) : {}) } }),
    ...(items === undefined ? {} : { items: visit(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: visit(additionalProperties) }),
    ...(isEmbedded ? { required: [...new Set([...needed, 'kind', 'apiVersion'])] } : {}),
  }
}

/** A schema that a kind brings along, with what every object has. `cut`: what the document has no words for is left out. */
const ownSchema = (definition: ResourceDefinition, refer: Reference, cut: (schema: JsonSchema) => JsonSchema) => {
  const { properties, ...published } = cut(withEmbedded(definition.schema?.published ?? {}, refer))
  return {
    ...published,
    // An object of which nothing is known has no fields to speak of, or clients would know better than the server.
    ...(isJsonObject(properties) ? { properties: { ...properties, ...metaProperties(refer) } } : {}),
  }
}

/** The schemas of some kinds, and of all that they are made of, by name. `all`: every kind there is. */
export const schemasOf = (
  definitions: readonly ResourceDefinition[],
  all: readonly ResourceDefinition[],
  refer: Reference,
  cut: (schema: JsonSchema) => JsonSchema = (schema) => schema,
): Readonly<Record<string, JsonSchema>> => {
  const named = Map.groupBy(all, schemaNameOf)
  const withKinds = (name: string, schema: JsonSchema) => [name, { ...schema, ...kindExtension(named.get(name) ?? []) }]
  return Object.fromEntries([
    ...[...reachable(definitions)].map((type) => withKinds(publicNameOf(type), schemaOfType(type, refer))),
    ...definitions.flatMap((each) => (each.schema ? [withKinds(ownName(each), ownSchema(each, refer, cut))] : [])),
  ])
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
