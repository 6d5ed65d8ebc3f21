/** A schema as it stands in a CustomResourceDefinition. What may be a schema or something else is read as what it is. */
import { isJsonObject, type JsonObject } from '../../../api/json.ts'
import { decode } from '../../schema/decode.ts'

const type = 'apiextensions/v1.JSONSchemaProps'
const kind = 'CustomResourceDefinition'

const orList = (value: unknown): unknown => (Array.isArray(value) ? value.map(readOther) : readOther(value))

/** Read as a schema for the first time: the reader of the body left it as it was sent. */
const readOther = (value: unknown): unknown =>
  isJsonObject(value) ? wholeSchema(decode(value, kind, type).value) : value

const mapValues = (value: unknown, change: (each: unknown) => unknown): unknown =>
  isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, change(each)])) : value

const inner = (value: unknown): unknown => (isJsonObject(value) ? wholeSchema(value) : value)
const list = (value: unknown): unknown => (Array.isArray(value) ? value.map(inner) : value)

const readers: Readonly<Record<string, (value: unknown) => unknown>> = {
  items: orList,
  additionalProperties: readOther,
  additionalItems: readOther,
  dependencies: (value) => mapValues(value, readOther),
  properties: (value) => mapValues(value, inner),
  patternProperties: (value) => mapValues(value, inner),
  definitions: (value) => mapValues(value, inner),
  not: inner,
  allOf: list,
  anyOf: list,
  oneOf: list,
}

/** The schema, with every schema within it read by its type, too. The same again when done twice. Throws BadRequest. */
export const wholeSchema = (schema: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, readers[name]?.(value) ?? value]))
