/** OpenAPI v2 in gnostic's protobuf form (openapiv2/OpenAPIv2.proto), whose field numbers stand here. */
import { isJsonObject } from '../../api/json.ts'
import type { JsonSchema } from './json-schema.ts'
import { double, type Field, message } from './protobuf.ts'
import type { OpenApiV2 } from './v2.ts'

const named = (name: string, value: Uint8Array): Uint8Array => message([1, name], [2, value])

/** Any: values travel as YAML text, and JSON is YAML. */
const any = (value: unknown): Uint8Array => message([2, JSON.stringify(value)])

const extensions = (number: number, values: JsonSchema): readonly Field[] =>
  Object.entries(values).flatMap(([name, value]): readonly Field[] =>
    name.startsWith('x-') ? [[number, named(name, any(value))]] : [],
  )

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
const doubleOf = (value: unknown): Field[1] => (typeof value === 'number' ? double(value) : undefined)
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []

const additional = (value: unknown): Uint8Array | undefined => {
  if (isJsonObject(value)) return message([1, schema(value)])
  return value === undefined ? undefined : message([2, value === true])
}

const schema = (s: JsonSchema): Uint8Array =>
  message(
    [1, textOf(s['$ref'])],
    [2, textOf(s['format'])],
    [3, textOf(s['title'])],
    [4, textOf(s['description'])],
    [5, s['default'] === undefined ? undefined : any(s['default'])],
    [6, doubleOf(s['multipleOf'])],
    [7, doubleOf(s['maximum'])],
    [8, s['exclusiveMaximum'] === true],
    [9, doubleOf(s['minimum'])],
    [10, s['exclusiveMinimum'] === true],
    [11, numberOf(s['maxLength'])],
    [12, numberOf(s['minLength'])],
    [13, textOf(s['pattern'])],
    [14, numberOf(s['maxItems'])],
    [15, numberOf(s['minItems'])],
    [16, s['uniqueItems'] === true],
    [17, numberOf(s['maxProperties'])],
    [18, numberOf(s['minProperties'])],
    ...textsOf(s['required']).map((name): Field => [19, name]),
    ...(Array.isArray(s['enum']) ? s['enum'].map((value): Field => [20, any(value)]) : []),
    [21, additional(s['additionalProperties'])],
    [22, s['type'] === undefined ? undefined : message([1, textOf(s['type'])])],
    [23, isJsonObject(s['items']) ? message([1, schema(s['items'])]) : undefined],
    [25, isJsonObject(s['properties']) ? message(...properties(s['properties'])) : undefined],
    ...extensions(31, s),
  )

const properties = (values: JsonSchema): readonly Field[] =>
  Object.entries(values).flatMap(([name, value]): readonly Field[] =>
    isJsonObject(value) ? [[1, named(name, schema(value))]] : [],
  )

/** ParametersItem → Parameter → BodyParameter, or NonBodyParameter → QueryParameterSubSchema. */
const parameter = (value: JsonSchema): Uint8Array =>
  value['in'] === 'body'
    ? message([
        1,
        message([1, message([2, 'body'], [3, textOf(value['name'])], [4, true], [5, schema({ type: 'object' })])]),
      ])
    : message([1, message([2, message([3, message([2, 'query'], [4, textOf(value['name'])], [6, 'string'])])])])

const ok = (responses: unknown): Uint8Array | undefined => {
  const response = isJsonObject(responses) ? responses['200'] : undefined
  if (!isJsonObject(response) || !isJsonObject(response['schema'])) return undefined
  return message([1, named('200', message([1, message([1, 'OK'], [2, message([1, schema(response['schema'])])])]))])
}

const operation = (value: unknown): Uint8Array | undefined => {
  if (!isJsonObject(value)) return undefined
  const parameters = Array.isArray(value['parameters']) ? value['parameters'].filter(isJsonObject) : []
  return message(
    ...textsOf(value['produces']).map((type): Field => [6, type]),
    ...textsOf(value['consumes']).map((type): Field => [7, type]),
    ...parameters.map((each): Field => [8, parameter(each)]),
    [9, ok(value['responses'])],
    ...extensions(13, value),
  )
}

const pathItem = (value: unknown): Uint8Array => {
  const methods = isJsonObject(value) ? value : {}
  return message(
    [2, operation(methods['get'])],
    [3, operation(methods['put'])],
    [4, operation(methods['post'])],
    [5, operation(methods['delete'])],
    [8, operation(methods['patch'])],
  )
}

export const encodeDocument = ({ swagger, info, paths, definitions }: OpenApiV2): Uint8Array =>
  message(
    [1, swagger],
    [2, message([1, info.title], [2, info.version])],
    [8, message(...Object.entries(paths).map(([path, item]): Field => [2, named(path, pathItem(item))]))],
    [9, message(...properties(definitions))],
  )
