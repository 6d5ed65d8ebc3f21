/**
 * OpenAPI v2 in gnostic's protobuf form (openapiv2/OpenAPIv2.proto), the only form that kubectl up to 1.26 reads and
 * without which its `apply` and `create` refuse to work.
 */
import { type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import { publicNameOf } from '../schema/types.ts'
import { type JsonSchema, patchTypesOf, pathsOf, reachable, schemaOfType } from './json-schema.ts'
import { type Field, message } from './protobuf.ts'

/** Clients ask for `…v2@v1.0+protobuf`, but Go's MIME parser refuses an answer with an `@` in its type. */
export const openApiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** NamedAny: extensions travel as YAML text, and JSON is YAML. */
const extensions = (number: number, values: Readonly<Record<string, unknown>> = {}): readonly Field[] =>
  Object.entries(values).map(([name, value]) => [number, message([1, name], [2, message([2, JSON.stringify(value)])])])

const schema = (s: JsonSchema): Uint8Array =>
  message(
    [1, s.ref === undefined ? undefined : `#/definitions/${publicNameOf(s.ref)}`],
    [2, s.format],
    [5, s.default === undefined ? undefined : message([2, JSON.stringify(s.default)])],
    ...(s.required ?? []).map((name): Field => [19, name]),
    [21, s.additionalProperties && message([1, schema(s.additionalProperties)])],
    [22, s.type && message([1, s.type])],
    [23, s.items && message([1, schema(s.items)])],
    [
      25,
      s.properties &&
        message(...Object.entries(s.properties).map(([name, value]): Field => [1, named(name, schema(value))])),
    ],
    ...extensions(31, s.extensions),
  )

const named = (name: string, value: Uint8Array): Uint8Array => message([1, name], [2, value])

/** ParametersItem → Parameter → NonBodyParameter → QueryParameterSubSchema. */
const queryParameter = (name: string): Uint8Array =>
  message([1, message([2, message([3, message([2, 'query'], [4, name], [6, 'string'])])])])

const bodyParameter: Uint8Array = message([
  1,
  message([1, message([2, 'body'], [3, 'body'], [4, true], [5, schema({ type: 'object' })])]),
])

const ok = (type: string): Uint8Array =>
  message([1, named('200', message([1, message([1, 'OK'], [2, message([1, schema({ ref: type })])])]))])

const operation = (definition: ResourceDefinition, action: string, fields: readonly Field[] = []): Uint8Array => {
  const { group, version, kind } = definition
  return message(
    [6, 'application/json'],
    ...fields,
    [9, ok(schemaTypeOf(definition))],
    ...extensions(13, {
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': { group, version, kind },
    }),
  )
}

const writes: readonly Field[] = [
  [8, bodyParameter],
  [8, queryParameter('dryRun')],
  [8, queryParameter('fieldManager')],
]

const pathItems = (definition: ResourceDefinition): readonly Field[] => {
  const { collection, object } = pathsOf(definition)
  const patchBodies = patchTypesOf(definition).map((type): Field => [7, type])
  return [
    [2, named(collection, message([2, operation(definition, 'list')], [4, operation(definition, 'post', writes)]))],
    [
      2,
      named(
        object,
        message(
          [2, operation(definition, 'get')],
          [3, operation(definition, 'put', writes)],
          [5, operation(definition, 'delete')],
          [8, operation(definition, 'patch', [...patchBodies, ...writes])],
        ),
      ),
    ],
  ]
}

/** The whole document. Field numbers are those of the proto file, message by message. */
export const openApiV2 = (definitions: readonly ResourceDefinition[], version: string): Uint8Array =>
  message(
    [1, '2.0'],
    [2, message([1, 'Podway'], [2, version])],
    [8, message(...definitions.flatMap(pathItems))],
    [
      9,
      message(
        ...reachable(definitions.map(schemaTypeOf)).map(
          (type): Field => [1, named(publicNameOf(type), schema(schemaOfType(type)))],
        ),
      ),
    ],
  )
