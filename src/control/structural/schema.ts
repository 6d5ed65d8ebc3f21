/** A structural schema: what a CustomResourceDefinition says of its objects and their fields, read once. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'

export type JsonType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'

const types: readonly string[] = ['object', 'array', 'string', 'integer', 'number', 'boolean'] satisfies JsonType[]

export const isJsonType = (text: unknown): text is JsonType => typeof text === 'string' && types.includes(text)

/** A rule in CEL (`x-kubernetes-validations`). */
export interface Rule {
  readonly rule: string
  readonly message: string
  readonly messageExpression: string
  readonly reason: string
  readonly fieldPath: string
  readonly optionalOldSelf: boolean
}

/** What a value has to be, beside its type. */
export interface ValueRules {
  readonly format: string
  readonly maximum?: number
  readonly minimum?: number
  readonly exclusiveMaximum: boolean
  readonly exclusiveMinimum: boolean
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern: string
  readonly maxItems?: number
  readonly minItems?: number
  readonly maxProperties?: number
  readonly minProperties?: number
  readonly multipleOf?: number
  readonly enum?: readonly unknown[]
  readonly required: readonly string[]
  readonly allOf: readonly Structural[]
  readonly anyOf: readonly Structural[]
  readonly oneOf: readonly Structural[]
  readonly not?: Structural
}

export interface Structural {
  /** Undefined: any. */
  readonly type: JsonType | undefined
  readonly nullable: boolean
  readonly properties: ReadonlyMap<string, Structural>
  /** Of the entries of a map; true: anything. */
  readonly additional?: Structural | true
  readonly items?: Structural
  readonly default?: unknown
  /** Fields that are not known stay. */
  readonly preserves: boolean
  /** An object of the API, with its own apiVersion, kind and metadata. */
  readonly embedded: boolean
  readonly intOrString: boolean
  readonly listType: string
  readonly listKeys: readonly string[]
  readonly mapType: string
  readonly rules: readonly Rule[]
  readonly values: ValueRules
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const numbers = [
  ...(['maximum', 'minimum', 'maxLength', 'minLength', 'maxItems', 'minItems'] as const),
  ...(['maxProperties', 'minProperties', 'multipleOf'] as const),
]

const readRule = (value: unknown): Rule => {
  const rule = isJsonObject(value) ? value : {}
  return {
    rule: textOf(rule['rule']),
    message: textOf(rule['message']),
    messageExpression: textOf(rule['messageExpression']),
    reason: textOf(rule['reason']),
    fieldPath: textOf(rule['fieldPath']),
    optionalOldSelf: rule['optionalOldSelf'] === true,
  }
}

const readValues = (schema: JsonObject): ValueRules => ({
  format: textOf(schema['format']),
  ...Object.fromEntries(
    numbers.flatMap((name) => (typeof schema[name] === 'number' ? [[name, schema[name]] as const] : [])),
  ),
  exclusiveMaximum: schema['exclusiveMaximum'] === true,
  exclusiveMinimum: schema['exclusiveMinimum'] === true,
  pattern: textOf(schema['pattern']),
  ...(Array.isArray(schema['enum']) ? { enum: schema['enum'] } : {}),
  required: textsOf(schema['required']),
  allOf: listOf(schema['allOf']).map(readSchema),
  anyOf: listOf(schema['anyOf']).map(readSchema),
  oneOf: listOf(schema['oneOf']).map(readSchema),
  ...(isJsonObject(schema['not']) ? { not: readSchema(schema['not']) } : {}),
})

const additionalOf = (value: unknown): Pick<Structural, 'additional'> => {
  if (isJsonObject(value)) return { additional: readSchema(value) }
  return value === true ? { additional: true } : {}
}

/** Reads a schema as it stands in a CRD. What is not a schema's word is not there. */
export const readSchema = (value: unknown): Structural => {
  const schema = isJsonObject(value) ? value : {}
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  return {
    type: isJsonType(schema['type']) ? schema['type'] : undefined,
    nullable: schema['nullable'] === true,
    properties: new Map(Object.entries(properties).map(([name, each]) => [name, readSchema(each)])),
    ...additionalOf(schema['additionalProperties']),
    ...(isJsonObject(schema['items']) ? { items: readSchema(schema['items']) } : {}),
    ...(schema['default'] === undefined ? {} : { default: schema['default'] }),
    preserves: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embedded: schema['x-kubernetes-embedded-resource'] === true,
    intOrString: schema['x-kubernetes-int-or-string'] === true,
    listType: textOf(schema['x-kubernetes-list-type']),
    listKeys: textsOf(schema['x-kubernetes-list-map-keys']),
    mapType: textOf(schema['x-kubernetes-map-type']),
    rules: listOf(schema['x-kubernetes-validations']).map(readRule),
    values: readValues(schema),
  }
}

/** Where the API's own fields stand. */
export const metaFields: readonly string[] = ['apiVersion', 'kind', 'metadata']

/** The schema of the field of an object; undefined when nothing is known of it. */
export const schemaOfField = ({ properties, additional }: Structural, name: string): Structural | undefined =>
  properties.get(name) ?? (additional === true ? undefined : additional)
